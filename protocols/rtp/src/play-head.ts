/**
 * Where a viewer is in his movie: the frame that comes next, the order they come in, and the timeline that says when each
 * is due. Moved by the RTP session, which sends what it points at. Rule: it stands before one frame at a time, and whatever
 * moves it keeps stream time without a gap (RFC 2326 appendix B). Thread: the session's.
 */
import { Frame, type PullProvider } from '@finch/core';
import { orderAt } from './play-order';
import type { RtpSender } from './rtp-sender';
import { Timeline } from './timeline';

/** After the last frame of a run that came to its end: what is played next has later timestamps. */
const AFTER_LAST_FRAME_US = 40_000;
/** Bounds what is believed of a movie's time between decoding and showing. */
const MAX_LEAD_US = 1_000_000;

/** Less is no more than the time to the next frame, which goes at once when playing goes on. */
const MIN_HELD_US = 200_000;

/** Where and how fast playing begins; times in microseconds. */
export interface HeadStart {
  /** Presentation time to move to; undefined: on from where it is. */
  readonly seekUs: number | undefined;
  readonly scale: number;
  readonly speed: number;
  readonly nowUs: number;
}

/** The head of one viewer, and the frame that it stands before, which is valid when next() said so; see the head of this file. */
export class PlayHead extends Frame {
  readonly timeline = new Timeline();
  readonly #provider: PullProvider;
  readonly #senders: readonly RtpSender[];
  readonly #durationUs: number;
  #order = orderAt(1);
  #hasFrame = false;
  #isRunning = false;
  #untilUs = Infinity;
  /** Where the last seek led; the position until a frame has been sent from there. */
  #startUs = 0;
  #hasSentSinceSeek = false;
  /** Where key frames only were being played when they were stopped. */
  #stoppedUs = 0;
  /** What was on the viewer's screen when he was stopped, and how long what he held already would have lasted. */
  #stoppedShownUs = 0;
  #stoppedHeldUs = 0;
  /** How long after its decoding a key frame is shown. */
  #leadUs = 0;

  /** `senders` are in the order of the provider's tracks. */
  constructor(provider: PullProvider, senders: readonly RtpSender[], durationUs: number, nowUs: number) {
    super();
    this.#provider = provider;
    this.#senders = senders;
    this.#durationUs = durationUs;
    this.#seek(0);
    const mediaUs = this.#nextUs();
    this.timeline.start({ mediaUs, streamUs: mediaUs, dueUs: nowUs, scale: 1, speed: 1 });
  }

  /** Whether frames follow each other by key frames alone. */
  get keyFramesOnly(): boolean {
    return this.#order.keyFramesOnly;
  }

  /** The presentation time that the last seek led to, in microseconds. */
  get startUs(): number {
    return this.#startUs;
  }

  /** The presentation time that playing stops at, in microseconds: before the position where it goes backward. */
  get endUs(): number {
    return Math.min(Math.max(this.#untilUs, 0), this.#durationUs);
  }

  /** From this decode time on frames are beyond the wanted end. Backward, the frame that is shown at the end belongs to it. */
  get lastUs(): number {
    return this.timeline.isReverse ? this.#untilUs - this.#leadUs - 1 : this.#untilUs;
  }

  /** Whether a frame is left that next() has found already. */
  get hasFrame(): boolean {
    return this.#hasFrame;
  }

  /** The presentation time that playing is at, or goes on from, in microseconds. */
  positionUs(nowUs: number): number {
    if (!this.#hasSentSinceSeek) return Math.max(this.#startUs, 0);
    if (!this.keyFramesOnly) return Math.max(this.dtsUs, 0);
    return this.#isRunning ? this.#positionBetweenKeyFrames(nowUs) : this.#stoppedUs;
  }

  /** The presentation time on the viewer's screen, as far as the clock tells: behind the position where frames go ahead. */
  shownUs(nowUs: number): number {
    const positionUs = this.positionUs(nowUs);
    if (!this.#isRunning) return Math.min(positionUs, this.#stoppedShownUs);
    if (this.timeline.isReverse) return positionUs;
    return Math.min(positionUs, Math.max(this.timeline.mediaAt(nowUs) + this.#leadUs, 0));
  }

  /** How long what the viewer holds of frames that went ahead of their time lasts him, in microseconds: until the next one is due. */
  heldUs(nowUs: number): number {
    if (!this.#isRunning) return this.#stoppedHeldUs;
    return Math.max(this.timeline.dueUs(this.#nextUs()) - nowUs, 0);
  }

  /** The scale nearest to `scale` that the movie can be played at. */
  followable(scale: number): number {
    return scale === 1 || this.#provider.canFollow(orderAt(scale)) ? scale : 1;
  }

  /** Where start() would lead with `seekUs`, in microseconds of presentation time; it moves nothing. */
  startOf(seekUs: number, scale: number): number {
    return Math.max(this.#provider.startOf(seekUs, orderAt(scale)), 0);
  }

  // Where it was left and where it goes on are one instant of stream time (RFC 2326 appendix B), and that is now. Who pauses,
  // or changes his rate and nothing else, gets the next frame when what he holds is over.
  /** Runs on from where it is, or from the key frame at or before `seekUs`. */
  start({ seekUs, scale, speed, nowUs }: HeadStart): void {
    this.next();
    const leftUs = this.#leftStreamUs();
    const heldUs = (this.heldUs(nowUs) * this.timeline.speed) / speed;
    const move = this.#move(seekUs, scale, nowUs);
    const mediaUs = this.#nextUs();
    const streamUs = move === 'sought' ? leftUs : this.timeline.streamUs(mediaUs);
    const dueUs = move === 'sought' ? nowUs : nowUs + heldUs;
    this.timeline.start({ mediaUs, streamUs, dueUs, scale, speed });
    if (move !== 'stayed')
      for (const sender of this.#senders)
        sender.retime(mediaUs + this.#leadUs, streamUs + this.#leadUs, scale);
    this.#isRunning = true;
  }

  /** Says where to stop, in presentation time; Infinity, or -Infinity backward, is the end of the movie. */
  stopAt(untilUs: number): void {
    this.#untilUs = untilUs;
  }

  /** Stands still from now on, with the next frame kept; at `positionUs` where key frames only were being played. */
  stop(positionUs: number, nowUs: number): void {
    this.#stoppedShownUs = this.shownUs(nowUs);
    const heldUs = this.heldUs(nowUs);
    this.#stoppedHeldUs = this.keyFramesOnly || heldUs < MIN_HELD_US ? 0 : heldUs;
    this.#stoppedUs = positionUs;
    this.#isRunning = false;
  }

  /** For Task.prefetch(): reads what sending the next frame reads. Hot path. */
  prefetch(): number {
    return this.#provider.nextFrame(this.track);
  }

  /** Finds the next frame; false when there is none this way. Hot path. */
  next(): boolean {
    if (!this.#hasFrame) this.#hasFrame = this.#provider.pull(this);
    return this.#hasFrame;
  }

  /** The frame went, and with it all before `nextFrame` of its track. Hot path. */
  sent(nextFrame: number): void {
    this.#provider.skipTo(this.track, nextFrame);
    this.passedOver();
    if (this.keyFramesOnly) this.#prepareNext();
  }

  /** The frame will not be sent. Hot path. */
  passedOver(): void {
    this.#hasFrame = false;
    this.#hasSentSinceSeek = true;
  }

  #move(seekUs: number | undefined, scale: number, nowUs: number): 'stayed' | 'reordered' | 'sought' {
    if (seekUs === undefined && scale === this.timeline.scale) return 'stayed';
    const positionUs = seekUs ?? this.positionUs(nowUs);
    const old = this.#order;
    this.#order = orderAt(scale);
    if (seekUs === undefined && !old.keyFramesOnly && !this.keyFramesOnly) {
      this.#provider.reorder(this.#order, this.#hasFrame ? this : null);
      this.#takeUp();
      this.#startUs = this.#nextUs();
      return 'reordered';
    }
    this.#seek(positionUs);
    return 'sought';
  }

  #seek(toUs: number): void {
    this.#startUs = this.#provider.seek(toUs, this.#order);
    this.#takeUp();
    this.#leadUs = Math.min(Math.max(this.#startUs - this.#nextUs(), 0), MAX_LEAD_US);
  }

  // The provider has moved, the senders follow.
  #takeUp(): void {
    this.#hasSentSinceSeek = false;
    for (const [track, sender] of this.#senders.entries())
      sender.moveTo(this.#provider.nextFrame(track), this.#order);
    this.#hasFrame = this.#provider.pull(this);
    if (this.#hasFrame && this.keyFramesOnly) this.#prepareNext();
  }

  #prepareNext(): void {
    this.#senders[this.track]!.prepare(this.#provider.nextFrame(this.track));
  }

  /** Decode time of the next frame; of the last one when all have been sent. */
  #nextUs(): number {
    return this.#hasFrame || this.#hasSentSinceSeek ? this.dtsUs : this.#startUs;
  }

  #leftStreamUs(): number {
    const { dtsUs } = this;
    if (this.#hasFrame || !this.#hasSentSinceSeek) return this.timeline.streamUs(this.#nextUs());
    const lastUs = this.timeline.isReverse ? dtsUs : Math.max(dtsUs, this.#durationUs);
    return this.timeline.streamUs(lastUs) + AFTER_LAST_FRAME_US;
  }

  // What is on the screen was sent a while ago, what comes next may be seconds away: the clock tells.
  #positionBetweenKeyFrames(nowUs: number): number {
    const mediaUs = this.timeline.mediaAt(nowUs);
    const nextUs = this.#hasFrame ? this.dtsUs : this.lastUs;
    const reachedUs = this.timeline.isReverse ? Math.max(mediaUs, nextUs) : Math.min(mediaUs, nextUs);
    return Math.min(Math.max(reachedUs + this.#leadUs, 0), this.#durationUs);
  }
}
