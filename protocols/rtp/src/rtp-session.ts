/**
 * One viewer's movie in time: pulls frames as they come due and has its senders send them. Made by a protocol at SETUP,
 * told to play and pause by it. Rule: paced by the media clock alone; a plan or a socket that is not ready parks the
 * session, and nobody else notices. Thread: the viewer's task thread.
 */
import {
  AGAIN,
  after,
  DELETE,
  Frame,
  PARK,
  type PipeEnd,
  PullPipe,
  type PullProvider,
  Task,
  TaskEvent,
  type TaskThread,
} from '@finch/core';
import { CatchingUp } from './catching-up';
import { horizonUs, type Pacing, wakeUs } from './pacing';
import type { PlanWaiter } from './plan-cache';
import { clampScale, clampSpeed, orderAt, type PlayWish, untilUsOf } from './play-order';
import { type RtpSender, SendResult } from './rtp-sender';
import { SenderReports } from './sender-reports';
import { THIN_FROM_US } from './thinning';
import { Timeline } from './timeline';

const US_PER_MS = 1000;
/** After the movie's end: BYE has ports of its own, and players (ffmpeg) drop what it overtakes in the network or their sockets. */
const BYE_DELAY_US = 250_000;
/** Frames sent in one run; a session that has fallen behind goes on in the next turn, after the others. */
const MAX_FRAMES_PER_RUN = 64;
/** A viewer whose socket takes nothing for so long is gone. */
const STALL_LIMIT_US = 10_000_000;
/** After the last frame of a run that came to its end: what is played next has later timestamps. */
const AFTER_LAST_FRAME_US = 40_000;
/** Bounds what is believed of a movie's time between decoding and showing. */
const MAX_LEAD_US = 1_000_000;

/** Who hears how a session ends. Called on its thread. */
export interface RtpSessionEvents {
  /** The movie is over, and the viewer has been told so with BYE. Playing again is possible. */
  ended(): void;
  /** The end that play() was given has been reached, or backward the start of the movie. Playing on is possible, at once. */
  rangeEnded(): void;
  /** The movie can't be read any more; the viewer has been told so with BYE. */
  failed(error: Error): void;
  /** The viewer's connection has taken nothing for 10 s. */
  stalled(): void;
}

/** What an RTP session is made of. */
export interface RtpSessionOptions {
  readonly provider: PullProvider;
  /** In the order of the provider's tracks. */
  readonly senders: readonly RtpSender[];
  readonly durationUs: number;
  readonly pacing: Pacing;
  /** The canonical name of the sender (RFC 3550 §6.5.1), UTF-8. */
  readonly cname: Uint8Array;
  readonly events: RtpSessionEvents;
}

/** A task that plays one movie to one viewer; kill says BYE and frees everything. */
export class RtpSession extends Task implements PlanWaiter, PipeEnd {
  readonly senders: readonly RtpSender[];
  readonly #pipe: PullPipe;
  readonly #options: RtpSessionOptions;
  readonly #timeline = new Timeline();
  readonly #reports: SenderReports;
  readonly #frame = new Frame();
  #order = orderAt(1);
  #hasFrame = false;
  #isPlaying = false;
  /** All that shall be sent has been; its time is not over yet. */
  #isOver = false;
  /** There are no more frames this way, and the viewer has seen the last: playing on means from an end of the movie. */
  #hasRunOut = false;
  #untilUs = Infinity;
  /** When what is due lies beyond the wanted end. */
  #endDueUs = Infinity;
  /** Where the last seek led; the position until a frame has been sent from there. */
  #startUs = 0;
  #hasSentSinceSeek = false;
  /** Where key frames only were being played when they were paused. */
  #pausedUs = 0;
  /** How long after its decoding a key frame is shown. */
  #leadUs = 0;
  /** A plan was not ready when playing started: the clock starts when it is. */
  #waitsForFirstPlan = false;
  #fullSinceUs = 0;
  readonly #catchingUp: CatchingUp;

  constructor(thread: TaskThread, options: RtpSessionOptions) {
    super(thread, 'rtp');
    this.#options = options;
    this.senders = options.senders;
    this.#reports = new SenderReports(options.senders, options.cname);
    this.#pipe = new PullPipe(options.provider, this);
    this.#catchingUp = new CatchingUp(this.#pipe, options.senders.length);
    this.#seek(0);
    const mediaUs = this.#nextUs();
    this.#timeline.start({ mediaUs, streamUs: mediaUs, dueUs: thread.nowUs, scale: 1, speed: 1 });
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  /** The scale that is served: 1, or what play() made of the one it was asked for. */
  get scale(): number {
    return this.#timeline.scale;
  }

  /** The speed that is served. */
  get speed(): number {
    return this.#timeline.speed;
  }

  /** The presentation time that playing is at, or that play() without a place goes on from, in microseconds. */
  get positionUs(): number {
    if (!this.#hasSentSinceSeek) return Math.max(this.#startUs, 0);
    if (!this.#order.keyFramesOnly) return Math.max(this.#frame.dtsUs, 0);
    return this.#isPlaying ? this.#positionBetweenKeyFrames() : this.#pausedUs;
  }

  /** The presentation time that playing stops at, in microseconds: before the position where it goes backward. */
  get endUs(): number {
    return Math.min(Math.max(this.#untilUs, 0), this.#options.durationUs);
  }

  /**
   * Plays from a key frame at or before `fromUs`, or on from where it is (undefined). Returns the presentation time that it
   * really starts at, in microseconds; `scale` and `speed` tell how.
   */
  play(fromUs: number | undefined, wish: PlayWish = {}): number {
    const scale = this.#servedScale(wish.scale ?? 1);
    const speed = clampSpeed(wish.speed ?? 1);
    const { scale: oldScale, speed: oldSpeed, isReverse: wasReverse } = this.#timeline;
    const farEndUs = scale < 0 ? this.#options.durationUs : 0;
    const seekUs = fromUs ?? (this.#hasRunOut ? (wasReverse ? 0 : farEndUs) : undefined);
    const goesOn = seekUs === undefined && scale === oldScale && speed === oldSpeed && this.#isPlaying;
    this.#isOver = false;
    this.signal(TaskEvent.start);
    if (!goesOn) this.#start(seekUs, scale, speed);
    this.#untilUs = untilUsOf(wish, scale);
    this.#endDueUs = this.#timeline.dueUs(this.#lastUs());
    return this.positionUs;
  }

  /** Stops sending; the next frame is kept for play(). Returns the position in microseconds. */
  pause(): number {
    this.#peek();
    this.#pausedUs = this.positionUs;
    this.#isPlaying = false;
    return this.positionUs;
  }

  /** Says BYE on one track and sends nothing more on it; the others play on. */
  endTrack(sender: RtpSender): void {
    this.#reports.sayByeOf(sender, this.#timeline.streamAt(this.thread.nowUs));
    sender.leaveTransport();
  }

  run(events: number): number {
    if (events & TaskEvent.kill) return DELETE;
    if (!this.#isPlaying) return PARK;
    return this.#isOver ? this.#end() : this.#sendDue();
  }

  planReady(): void {
    this.signal(TaskEvent.update);
  }

  planFailed(error: Error): void {
    this.fail(error);
  }

  /** Ends the movie before its time: tells the viewer, then the protocol. */
  fail(error: Error): void {
    if (!this.#isPlaying) return;
    this.#isPlaying = false;
    this.#sayBye();
    this.#options.events.failed(error);
  }

  /** Part of PipeEnd: the pipe is ended by this session only. */
  disconnected(): void {}

  protected override onDeleted(): void {
    this.#sayBye();
    this.#pipe.disconnect();
    for (const sender of this.senders) sender.close(this);
  }

  #servedScale(wanted: number): number {
    const scale = clampScale(wanted);
    return scale === 1 || this.#pipe.canFollow(orderAt(scale)) ? scale : 1;
  }

  // Where it was left and where it goes on are one instant of stream time (RFC 2326 appendix B), and that is now. Who changes
  // his rate and nothing else gets the next frame when he would have got it.
  #start(seekUs: number | undefined, scale: number, speed: number): void {
    const { nowUs } = this.thread;
    this.#peek();
    const leftUs = this.#leftStreamUs();
    const move = this.#move(seekUs, scale);
    const mediaUs = this.#nextUs();
    const streamUs = move === 'sought' ? leftUs : this.#timeline.streamUs(mediaUs);
    const goesOn = move !== 'sought' && this.#isPlaying;
    const dueUs = goesOn ? Math.max(this.#timeline.dueUs(mediaUs), nowUs) : nowUs;
    this.#timeline.start({ mediaUs, streamUs, dueUs, scale, speed });
    if (move !== 'stayed')
      for (const sender of this.senders)
        sender.retime(mediaUs + this.#leadUs, streamUs + this.#leadUs, scale);
    this.#isPlaying = true;
    this.#hasRunOut = false;
    this.#waitsForFirstPlan = false;
    this.#fullSinceUs = 0;
    this.#reports.restart();
  }

  #move(seekUs: number | undefined, scale: number): 'stayed' | 'reordered' | 'sought' {
    if (seekUs === undefined && scale === this.#timeline.scale) return 'stayed';
    const old = this.#order;
    const order = orderAt(scale);
    const positionUs = this.positionUs;
    this.#order = order;
    if (seekUs === undefined && !old.keyFramesOnly && !order.keyFramesOnly) {
      this.#pipe.reorder(order, this.#hasFrame ? this.#frame : null);
      this.#takeUp();
      this.#startUs = this.#nextUs();
      return 'reordered';
    }
    this.#seek(seekUs ?? positionUs);
    return 'sought';
  }

  #seek(toUs: number): void {
    this.#startUs = this.#pipe.seek(toUs, this.#order);
    this.#takeUp();
    this.#leadUs = Math.min(Math.max(this.#startUs - this.#nextUs(), 0), MAX_LEAD_US);
  }

  // The provider has moved, the senders follow.
  #takeUp(): void {
    this.#hasSentSinceSeek = false;
    for (const [track, sender] of this.senders.entries())
      sender.moveTo(this.#pipe.nextFrame(track), this.#order);
    this.#hasFrame = this.#pipe.pull(this.#frame);
    if (this.#hasFrame && this.#order.keyFramesOnly) this.#prepareNext();
  }

  #prepareNext(): void {
    const { track } = this.#frame;
    this.senders[track]!.prepare(this.#pipe.nextFrame(track));
  }

  #peek(): void {
    if (!this.#hasFrame) this.#hasFrame = this.#pipe.pull(this.#frame);
  }

  /** Decode time of the next frame; of the last one when all have been sent. */
  #nextUs(): number {
    return this.#hasFrame || this.#hasSentSinceSeek ? this.#frame.dtsUs : this.#startUs;
  }

  #leftStreamUs(): number {
    const { dtsUs } = this.#frame;
    if (this.#hasFrame || !this.#hasSentSinceSeek) return this.#timeline.streamUs(this.#nextUs());
    const lastUs = this.#timeline.isReverse ? dtsUs : Math.max(dtsUs, this.#options.durationUs);
    return this.#timeline.streamUs(lastUs) + AFTER_LAST_FRAME_US;
  }

  // What is on the screen was sent a while ago, what comes next may be seconds away: the clock tells.
  #positionBetweenKeyFrames(): number {
    const mediaUs = this.#timeline.mediaAt(this.thread.nowUs);
    const nextUs = this.#hasFrame ? this.#frame.dtsUs : this.#lastUs();
    const reachedUs = this.#timeline.isReverse ? Math.max(mediaUs, nextUs) : Math.min(mediaUs, nextUs);
    return Math.min(Math.max(reachedUs + this.#leadUs, 0), this.#options.durationUs);
  }

  /** From this decode time on frames are beyond the wanted end. Backward, the frame that is shown at the end belongs to it. */
  #lastUs(): number {
    return this.#timeline.isReverse ? this.#untilUs - this.#leadUs - 1 : this.#untilUs;
  }

  #sendDue(): number {
    const nowUs = this.thread.nowUs;
    const untilDueUs = horizonUs(this.#options.pacing, nowUs);
    if (this.#waitsForFirstPlan) this.#delayTo(nowUs);
    if (this.#reports.isDue(nowUs)) this.#reports.sendDue(nowUs, this.#timeline.streamAt(nowUs));
    for (let frames = 0; frames < MAX_FRAMES_PER_RUN; frames++) {
      if (!this.#hasFrame) this.#hasFrame = this.#pipe.pull(this.#frame);
      const dueUs = this.#timeline.dueUs(this.#frame.dtsUs);
      if (!this.#hasFrame || dueUs >= this.#endDueUs) return this.#goToEnd();
      if (dueUs >= untilDueUs) return after((wakeUs(this.#options.pacing, dueUs) - nowUs) / US_PER_MS);
      const sender = this.senders[this.#frame.track]!;
      if (sender.isFull) return this.#waitForRoom(nowUs);
      this.#fullSinceUs = 0;
      if (nowUs - dueUs >= THIN_FROM_US && this.#isLeftOut(sender, nowUs, nowUs - dueUs)) continue;
      if (sender.isStarting && sender.begin(this.#frame.index, this.#startUs))
        this.#reports.sendFirst(sender, this.#timeline.streamAt(nowUs));
      if (sender.send(this.#frame.index) === SendResult.pending) return this.#waitForPlan(sender);
      this.#pipe.skipTo(this.#frame.track, sender.nextFrame);
      this.#hasFrame = false;
      this.#hasSentSinceSeek = true;
      if (this.#order.keyFramesOnly) this.#prepareNext();
    }
    return AGAIN;
  }

  #waitForPlan(sender: RtpSender): number {
    this.#waitsForFirstPlan = sender.isStarting || this.#order.keyFramesOnly;
    sender.wait(this);
    return PARK;
  }

  // Nobody has seen anything yet that later frames would have to keep up with.
  #delayTo(nowUs: number): void {
    this.#waitsForFirstPlan = false;
    const lateUs = nowUs - this.#timeline.dueUs(this.#frame.dtsUs);
    if (lateUs <= 0) return;
    this.#timeline.delay(lateUs);
    this.#endDueUs += lateUs;
  }

  /** Says whether the next frame is left out because the viewer is late. */
  #isLeftOut(sender: RtpSender, nowUs: number, lateUs: number): boolean {
    const { keyFramesOnly } = this.#order;
    const mediaUs = this.#timeline.mediaAt(nowUs);
    if (!this.#catchingUp.passesOver(this.#frame, sender, keyFramesOnly, mediaUs, lateUs)) return false;
    this.#hasFrame = false;
    this.#hasSentSinceSeek = true;
    return true;
  }

  // The protocol signals when there is room; the timer is for those who never make any.
  #waitForRoom(nowUs: number): number {
    if (this.#fullSinceUs === 0) this.#fullSinceUs = nowUs;
    const leftUs = this.#fullSinceUs + STALL_LIMIT_US - nowUs;
    if (leftUs > 0) return after(leftUs / US_PER_MS);
    this.#isPlaying = false;
    this.#options.events.stalled();
    return PARK;
  }

  // All is sent. The end comes when the last frame's time is over.
  #goToEnd(): number {
    this.#isOver = true;
    return after((this.#endTimeUs() - this.thread.nowUs) / US_PER_MS);
  }

  // The end of a range and the start of the movie are told at once, the end of the movie is told by BYE.
  #endTimeUs(): number {
    const endUs = this.#timeline.dueUs(this.endUs);
    return this.#hasFrame || this.#timeline.isReverse ? endUs : endUs + BYE_DELAY_US;
  }

  #end(): number {
    const nowUs = this.thread.nowUs;
    const endUs = this.#endTimeUs();
    if (nowUs < endUs) return after((endUs - nowUs) / US_PER_MS);
    if (this.#hasFrame) {
      // The end that the client asked for: it may go on from here.
      this.#isOver = false;
      this.pause();
      this.#options.events.rangeEnded();
      return PARK;
    }
    this.#hasRunOut = true;
    this.#isPlaying = false;
    if (this.#timeline.isReverse) {
      this.#pausedUs = 0;
      this.#options.events.rangeEnded();
      return PARK;
    }
    this.#sayBye();
    this.#options.events.ended();
    return PARK;
  }

  #sayBye(): void {
    this.#reports.sayBye(this.#timeline.streamAt(this.thread.nowUs));
  }
}
