/**
 * How a late viewer catches up: for a frame that is late, where its track goes on, and the count of what is left out by cause.
 * Used by the RTP session, for frames late beyond the first step of thinning only. Rule: what it leaves out leaves no hole in
 * the sequence numbers, and pictures come back with one that decoding can start at.
 */
import type { Frame, PullPipe } from '@finch/core';
import type { RtpSender } from './rtp-sender';
import { judgeAudio, judgePicture, ThinningVerdict } from './thinning';

/** The catching up of one viewer; see the head of this file. */
export class CatchingUp {
  readonly #pipe: PullPipe;
  /** The frame of each track that was left out last. */
  readonly #leftOut: number[];

  /** `tracks` is how many the pipe has. */
  constructor(pipe: PullPipe, tracks: number) {
    this.#pipe = pipe;
    this.#leftOut = new Array<number>(tracks).fill(-1);
  }

  /**
   * Passes over a frame, and more of its track, if that helps a viewer who is `lateUs` late at it; says whether it did.
   * `mediaUs` is the decode time that is due now.
   */
  passesOver(
    { track, index }: Frame,
    sender: RtpSender,
    isKeyFramesOnly: boolean,
    mediaUs: number,
    lateUs: number,
  ): boolean {
    if (isKeyFramesOnly) {
      sender.thinned.keyFrames++;
      return true;
    }
    const next =
      sender.kind === 'audio'
        ? this.#nextSound(track, index, sender, lateUs)
        : this.#nextPicture(track, index, sender, mediaUs, lateUs);
    if (next === index) return false;
    this.#pipe.skipTo(track, next);
    this.#leftOut[track] = next - 1;
    return true;
  }

  #nextSound(track: number, index: number, { thinned }: RtpSender, lateUs: number): number {
    const verdict = judgeAudio(lateUs, this.#leftOut[track] === index - 1);
    if (verdict === ThinningVerdict.send) return index;
    thinned.audio++;
    return index + 1;
  }

  #nextPicture(track: number, index: number, sender: RtpSender, mediaUs: number, lateUs: number): number {
    const verdict = judgePicture(lateUs);
    if (verdict === ThinningVerdict.skipToKeyFrame) {
      const keyFrame = this.#pipe.keyFrameFrom(track, index, mediaUs);
      if (keyFrame >= 0) {
        sender.thinned.upToKeyFrame += keyFrame - index;
        return keyFrame;
      }
    }
    if (verdict === ThinningVerdict.send || !sender.isDisposable(index)) return index;
    sender.thinned.disposable++;
    return index + 1;
  }
}
