/**
 * What a viewer goes without because his way is too narrow: where his track goes on, and the count of what is left out by
 * cause. Used by the viewer's way, for frames that are late beyond the first step of thinning and while the quality is not full.
 * Rule: what it leaves out leaves no hole in the sequence numbers, and pictures come back with one that decoding can start at.
 */
import type { Frame, PullProvider } from '@finch/core';
import { Quality, type QualityControl } from './quality-control';
import type { RtpSender } from './rtp-sender';
import { judgeAudio, judgePicture, THIN_FROM_US, ThinningVerdict } from './thinning';

/** What is asked about one frame of one track. */
export interface FrameInQuestion {
  readonly frame: Frame;
  readonly sender: RtpSender;
  /** Whether frames follow each other by key frames alone. */
  readonly keyFramesOnly: boolean;
  /** The decode time that is due now, in microseconds. */
  readonly mediaUs: number;
}

/** The catching up of one viewer; see the head of this file. */
export class CatchingUp {
  readonly #provider: PullProvider;
  /** Knows what his network carries; what is on time is thinned by it. */
  readonly #control: QualityControl;
  /** The frame of each track that was left out last. */
  readonly #leftOut: number[];
  /** Tracks whose next picture must be a key frame: those before it are lost. */
  readonly #awaitsKeyFrame: boolean[];
  #awaiting = 0;
  /** Tracks in a group of pictures whose key frame was left out, as long as all behind it is left out, too. */
  readonly #isInLostGroup: boolean[];

  /** `tracks` is how many the provider has. */
  constructor(provider: PullProvider, tracks: number, control: QualityControl) {
    this.#provider = provider;
    this.#control = control;
    this.#leftOut = new Array<number>(tracks).fill(-1);
    this.#awaitsKeyFrame = new Array<boolean>(tracks).fill(false);
    this.#isInLostGroup = new Array<boolean>(tracks).fill(false);
  }

  /** Whether frames that are on time are to be asked about, too. */
  get isThinning(): boolean {
    return this.#control.quality !== Quality.full || this.#awaiting > 0;
  }

  /**
   * Passes over a frame, and more of its track, if that helps a viewer who is `lateUs` late at it, or if the quality leaves it
   * out; says whether it did.
   */
  passesOver({ frame, sender, keyFramesOnly, mediaUs }: FrameInQuestion, lateUs: number): boolean {
    const { track, index } = frame;
    // Something was sent since, or he was moved: what is left out now begins anew.
    if (this.#leftOut[track] !== index - 1) this.#isInLostGroup[track] = false;
    if (keyFramesOnly) {
      if (lateUs >= THIN_FROM_US) sender.thinned.keyFrames++;
      return lateUs >= THIN_FROM_US;
    }
    const next =
      sender.kind === 'audio'
        ? this.#nextSound(track, index, sender, lateUs)
        : this.#nextPicture(frame, sender, mediaUs, lateUs);
    if (next === index) return false;
    this.#provider.skipTo(track, next);
    this.#leftOut[track] = next - 1;
    return true;
  }

  #nextSound(track: number, index: number, { thinned }: RtpSender, lateUs: number): number {
    const verdict = judgeAudio(lateUs, this.#leftOut[track] === index - 1);
    if (verdict === ThinningVerdict.send) return index;
    thinned.audio++;
    return index + 1;
  }

  #nextPicture(frame: Frame, sender: RtpSender, mediaUs: number, lateUs: number): number {
    const { track, index, dtsUs } = frame;
    const verdict = judgePicture(lateUs);
    if (verdict === ThinningVerdict.skipToKeyFrame) {
      const keyFrame = this.#provider.keyFrameFrom(track, index, mediaUs);
      if (keyFrame > index) {
        this.#leaveOut(track, index, keyFrame, sender);
        return keyFrame;
      }
    }
    if (this.#control.quality >= Quality.keyFrames || this.#awaitsKeyFrame[track])
      return this.#nextKeyFrame(track, index, dtsUs, sender);
    const isThinned = this.#control.quality !== Quality.full || verdict !== ThinningVerdict.send;
    if (!isThinned || !sender.isDisposable(index)) return index;
    sender.thinned.disposable++;
    return index + 1;
  }

  #nextKeyFrame(track: number, index: number, dtsUs: number, sender: RtpSender): number {
    const keyFrame = this.#provider.keyFrameFrom(track, index, dtsUs);
    const hasPictures = this.#control.quality !== Quality.soundOnly;
    this.#await(track, keyFrame !== index || !hasPictures);
    const next = hasPictures && keyFrame >= 0 ? keyFrame : index + 1;
    this.#leaveOut(track, index, next, sender);
    return next;
  }

  /** Counts the pictures from `index` to before `next`: the rest of a group that had begun, and groups of which nothing goes. */
  #leaveOut(track: number, index: number, next: number, { thinned }: RtpSender): void {
    let key = this.#nextKey(track, index, next);
    if (this.#isInLostGroup[track]) thinned.groupFrames += key - index;
    else thinned.upToKeyFrame += key - index;
    thinned.groupFrames += next - key;
    if (key < next) this.#isInLostGroup[track] = true;
    for (; key < next; key = this.#nextKey(track, key + 1, next)) thinned.wholeGroups++;
  }

  /** The first key frame from `frame` on, `end` if there is none before that. */
  #nextKey(track: number, frame: number, end: number): number {
    const key = this.#provider.keyFrameFrom(track, frame, 0);
    return key < 0 || key > end ? end : key;
  }

  #await(track: number, isAwaited: boolean): void {
    if (this.#awaitsKeyFrame[track] === isAwaited) return;
    this.#awaitsKeyFrame[track] = isAwaited;
    this.#awaiting += isAwaited ? 1 : -1;
  }
}
