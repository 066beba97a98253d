/**
 * One viewer's movie in time: pulls frames as they come due and has its senders send them. Made by a protocol at SETUP,
 * told to play and pause by it. Rule: paced by the media clock alone; a plan or a socket that is not ready parks the
 * session, and nobody else notices. Thread: the viewer's task thread.
 */
import {
  AGAIN,
  after,
  DELETE,
  PARK,
  type PipeEnd,
  type PullProvider,
  Task,
  TaskEvent,
  type TaskThread,
} from '@finch/core';
import { CatchingUp } from './catching-up';
import { horizonUs, type Pacing, wakeUs } from './pacing';
import type { PlanWaiter } from './plan-cache';
import { PlayHead } from './play-head';
import { clampScale, clampSpeed, type PlayWish, untilUsOf } from './play-order';
import { type RtpSender, SendResult } from './rtp-sender';
import { SenderReports } from './sender-reports';
import { THIN_FROM_US } from './thinning';

const US_PER_MS = 1000;
/** After the movie's end: BYE has ports of its own, and players (ffmpeg) drop what it overtakes in the network or their sockets. */
const BYE_DELAY_US = 250_000;
/** Frames sent in one run; a session that has fallen behind goes on in the next turn, after the others. */
const MAX_FRAMES_PER_RUN = 64;
/** A viewer whose socket takes nothing for so long is gone. */
const STALL_LIMIT_US = 10_000_000;

/** Who hears how a session ends. Called on its thread. */
export interface RtpSessionEvents {
  /** The movie is over, and the viewer has been told so with BYE. Playing again is possible. */
  ended(): void;
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
  readonly #head: PlayHead;
  readonly #options: RtpSessionOptions;
  readonly #reports: SenderReports;
  #isPlaying = false;
  /** All that shall be sent has been; its time is not over yet. */
  #isOver = false;
  /** There are no more frames this way, and the viewer has seen the last: playing on means from an end of the movie. */
  #hasRunOut = false;
  /** When what is due lies beyond the wanted end. */
  #endDueUs = Infinity;
  /** A plan was not ready when playing started: the clock starts when it is. */
  #waitsForFirstPlan = false;
  #fullSinceUs = 0;
  readonly #catchingUp: CatchingUp;

  constructor(thread: TaskThread, options: RtpSessionOptions) {
    super(thread, 'rtp');
    const { provider, senders, durationUs } = options;
    this.#options = options;
    this.senders = senders;
    this.#reports = new SenderReports(senders, options.cname);
    this.#head = new PlayHead(provider, this, senders, durationUs, thread.nowUs);
    this.#catchingUp = new CatchingUp(this.#head.pipe, senders.length);
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  /** The scale that is served: 1, or what play() made of the one it was asked for. */
  get scale(): number {
    return this.#head.timeline.scale;
  }

  /** The speed that is served. */
  get speed(): number {
    return this.#head.timeline.speed;
  }

  /** The presentation time that playing is at, or that play() without a place goes on from, in microseconds. */
  get positionUs(): number {
    return this.#head.positionUs(this.thread.nowUs);
  }

  /** The presentation time that playing stops at, in microseconds: before the position where it goes backward. */
  get endUs(): number {
    return this.#head.endUs;
  }

  /**
   * Plays from a key frame at or before `fromUs`, or on from where it is (undefined). Returns the presentation time that it
   * really starts at, in microseconds; `scale` and `speed` tell how.
   */
  play(fromUs: number | undefined, wish: PlayWish = {}): number {
    const head = this.#head;
    const scale = head.followable(clampScale(wish.scale ?? 1));
    const speed = clampSpeed(wish.speed ?? 1);
    const seekUs = fromUs ?? this.#placeAfterTheEnd(scale);
    const goesOn = seekUs === undefined && scale === this.scale && speed === this.speed && this.#isPlaying;
    this.#isOver = false;
    this.signal(TaskEvent.start);
    if (!goesOn) this.#start(seekUs, scale, speed);
    head.stopAt(untilUsOf(wish, scale));
    this.#endDueUs = head.timeline.dueUs(head.lastUs);
    return this.positionUs;
  }

  /** Stops sending; the next frame is kept for play(). Returns the position in microseconds. */
  pause(): number {
    this.#head.next();
    this.#stop(this.positionUs);
    return this.positionUs;
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
    this.#stop(this.positionUs);
    this.#sayBye();
    this.#options.events.failed(error);
  }

  /** Part of PipeEnd: the pipe is ended by this session only. */
  disconnected(): void {}

  protected override onDeleted(): void {
    this.#sayBye();
    this.#head.pipe.disconnect();
    for (const sender of this.senders) sender.close(this);
  }

  #placeAfterTheEnd(scale: number): number | undefined {
    if (!this.#hasRunOut) return undefined;
    return scale < 0 && !this.#head.timeline.isReverse ? this.#options.durationUs : 0;
  }

  #start(seekUs: number | undefined, scale: number, speed: number): void {
    this.#head.start({ seekUs, scale, speed, nowUs: this.thread.nowUs });
    this.#isPlaying = true;
    this.#hasRunOut = false;
    this.#waitsForFirstPlan = false;
    this.#fullSinceUs = 0;
    this.#reports.restart();
  }

  #stop(positionUs: number): void {
    this.#head.stop(positionUs);
    this.#isPlaying = false;
  }

  #sendDue(): number {
    const head = this.#head;
    const { timeline, frame } = head;
    const nowUs = this.thread.nowUs;
    const untilDueUs = horizonUs(this.#options.pacing, nowUs);
    if (this.#waitsForFirstPlan) this.#delayTo(nowUs);
    if (this.#reports.isDue(nowUs)) this.#reports.sendDue(nowUs, timeline.streamAt(nowUs));
    for (let frames = 0; frames < MAX_FRAMES_PER_RUN; frames++) {
      if (!head.next()) return this.#goToEnd();
      const dueUs = timeline.dueUs(frame.dtsUs);
      if (dueUs >= this.#endDueUs) return this.#goToEnd();
      if (dueUs >= untilDueUs) return after((wakeUs(this.#options.pacing, dueUs) - nowUs) / US_PER_MS);
      const sender = this.senders[frame.track]!;
      if (sender.isFull) return this.#waitForRoom(nowUs);
      this.#fullSinceUs = 0;
      if (nowUs - dueUs >= THIN_FROM_US && this.#isLeftOut(sender, nowUs, nowUs - dueUs)) continue;
      if (sender.isStarting && sender.begin(frame.index, head.startUs))
        this.#reports.sendFirst(sender, timeline.streamAt(nowUs));
      if (sender.send(frame.index) === SendResult.pending) return this.#waitForPlan(sender);
      head.sent(sender.nextFrame);
    }
    return AGAIN;
  }

  #waitForPlan(sender: RtpSender): number {
    this.#waitsForFirstPlan = sender.isStarting || this.#head.keyFramesOnly;
    sender.wait(this);
    return PARK;
  }

  // Nobody has seen anything yet that later frames would have to keep up with.
  #delayTo(nowUs: number): void {
    this.#waitsForFirstPlan = false;
    const lateUs = nowUs - this.#head.timeline.dueUs(this.#head.frame.dtsUs);
    if (lateUs <= 0) return;
    this.#head.timeline.delay(lateUs);
    this.#endDueUs += lateUs;
  }

  /** Says whether the next frame is left out because the viewer is late. */
  #isLeftOut(sender: RtpSender, nowUs: number, lateUs: number): boolean {
    const head = this.#head;
    const mediaUs = head.timeline.mediaAt(nowUs);
    if (!this.#catchingUp.passesOver(head.frame, sender, head.keyFramesOnly, mediaUs, lateUs)) return false;
    head.passedOver();
    return true;
  }

  // The protocol signals when there is room; the timer is for those who never make any.
  #waitForRoom(nowUs: number): number {
    if (this.#fullSinceUs === 0) this.#fullSinceUs = nowUs;
    const leftUs = this.#fullSinceUs + STALL_LIMIT_US - nowUs;
    if (leftUs > 0) return after(leftUs / US_PER_MS);
    this.#stop(this.positionUs);
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
    const { timeline, endUs, hasFrame } = this.#head;
    const dueUs = timeline.dueUs(endUs);
    return hasFrame || timeline.isReverse ? dueUs : dueUs + BYE_DELAY_US;
  }

  #end(): number {
    const nowUs = this.thread.nowUs;
    const endUs = this.#endTimeUs();
    if (nowUs < endUs) return after((endUs - nowUs) / US_PER_MS);
    if (this.#head.hasFrame) {
      // The end that the client asked for: it may go on from here.
      this.#isOver = false;
      this.pause();
      return PARK;
    }
    const { isReverse } = this.#head.timeline;
    this.#hasRunOut = true;
    this.#stop(isReverse ? 0 : this.positionUs);
    if (isReverse) return PARK;
    this.#sayBye();
    this.#options.events.ended();
    return PARK;
  }

  #sayBye(): void {
    this.#reports.sayBye(this.#head.timeline.streamAt(this.thread.nowUs));
  }
}
