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
  NOTHING_PULLED_US,
  PARK,
  type PipeEnd,
  PullPipe,
  type PullProvider,
  Task,
  TaskEvent,
  type TaskThread,
} from '@finch/core';
import { horizonUs, type Pacing, wakeUs } from './pacing';
import type { PlanWaiter } from './plan-cache';
import { type RtpSender, SendResult } from './rtp-sender';

const US_PER_MS = 1000;
/** Between two reports (RFC 3550 §6.2 recommends 5 s at least). */
const REPORT_INTERVAL_US = 5_000_000;
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
  readonly #pipe: PullPipe;
  readonly #options: RtpSessionOptions;
  readonly #frame = new Frame();
  #hasFrame = false;
  #isPlaying = false;
  /** All that shall be sent has been; its time is not over yet. */
  #isOver = false;
  /** The movie is over, BYE included: playing on means from the start. */
  #hasEnded = false;
  #saidBye = false;
  /** The thread's time at which decode time 0 is due. */
  #baseUs = 0;
  #untilUs = Infinity;
  /** Where the last seek led; the position until a frame has been sent from there. */
  #startUs = 0;
  #hasSentSinceSeek = false;
  #nextReportUs = 0;
  #fullSinceUs = 0;

  constructor(thread: TaskThread, options: RtpSessionOptions) {
    super(thread, 'rtp');
    this.#options = options;
    this.senders = options.senders;
    this.#pipe = new PullPipe(options.provider, this);
    this.#seek(0);
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  /** The presentation time that playing is at, or that play() without a place goes on from, in microseconds. */
  get positionUs(): number {
    return Math.max(this.#hasSentSinceSeek ? this.#frame.dtsUs : this.#startUs, 0);
  }

  /**
   * Plays from a key frame at or before `fromUs`, or on from where it is (undefined), until `untilUs`.
   * Returns the presentation time that it really starts at, in microseconds.
   */
  play(fromUs: number | undefined, untilUs = Infinity): number {
    this.#untilUs = untilUs;
    this.#isOver = false;
    this.signal(TaskEvent.start);
    if (fromUs !== undefined || this.#hasEnded) this.#seek(fromUs ?? 0);
    else if (this.#isPlaying) return this.positionUs;
    this.#isPlaying = true;
    this.#hasEnded = false;
    this.#saidBye = false;
    this.#fullSinceUs = 0;
    this.#nextReportUs = 0;
    for (const sender of this.senders) sender.nextReportUs = 0;
    this.#baseUs = this.thread.nowUs - this.#frame.dtsUs;
    return this.positionUs;
  }

  /** Stops sending; the next frame is kept for play(). Returns the position in microseconds. */
  pause(): number {
    this.#isPlaying = false;
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

  #seek(toUs: number): void {
    const leftUs = this.#frame.dtsUs;
    this.#startUs = this.#pipe.seek(toUs);
    this.#hasSentSinceSeek = false;
    for (const [track, sender] of this.senders.entries()) sender.moveTo(this.#pipe.nextFrame(track));
    this.#hasFrame = this.#pipe.pull(this.#frame);
    if (leftUs === NOTHING_PULLED_US) return;
    // Where it was left and where it goes on are one instant of the RTP clock (RFC 2326 appendix B).
    for (const sender of this.senders) sender.shift(leftUs - this.#frame.dtsUs);
  }

  #sendDue(): number {
    const nowUs = this.thread.nowUs;
    const untilDueUs = horizonUs(this.#options.pacing, nowUs);
    for (let frames = 0; frames < MAX_FRAMES_PER_RUN; frames++) {
      if (!this.#hasFrame) this.#hasFrame = this.#pipe.pull(this.#frame);
      if (!this.#hasFrame || this.#frame.dtsUs >= this.#untilUs) return this.#goToEnd();
      const dueUs = this.#baseUs + this.#frame.dtsUs;
      if (dueUs >= untilDueUs) {
        this.#reportIfDue(nowUs);
        return after((wakeUs(this.#options.pacing, dueUs) - nowUs) / US_PER_MS);
      }
      const sender = this.senders[this.#frame.track]!;
      if (sender.isFull) return this.#waitForRoom(nowUs);
      if (sender.send(this.#frame.index) === SendResult.pending) {
        sender.wait(this);
        return PARK;
      }
      this.#pipe.skipTo(this.#frame.track, sender.nextFrame);
      this.#fullSinceUs = 0;
      this.#hasFrame = false;
      this.#hasSentSinceSeek = true;
    }
    return AGAIN;
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
    return after((this.#endUs() - this.thread.nowUs) / US_PER_MS);
  }

  // The end of a range is told at once, that of the movie is told by BYE.
  #endUs(): number {
    const endUs = this.#baseUs + Math.min(this.#untilUs, this.#options.durationUs);
    return this.#hasFrame ? endUs : endUs + BYE_DELAY_US;
  }

  #end(): number {
    const nowUs = this.thread.nowUs;
    const endUs = this.#endUs();
    if (nowUs < endUs) return after((endUs - nowUs) / US_PER_MS);
    if (this.#hasFrame) {
      // The end that the client asked for: it may go on from here.
      this.#isOver = false;
      this.pause();
      return PARK;
    }
    this.#sayBye();
    this.#isPlaying = false;
    this.#hasEnded = true;
    this.#options.events.ended();
    return PARK;
  }

  // A track whose first packet is still to come, or was sent before its time, is asked again in the next run: without its
  // report it can't be synchronised with the others, and the next round is 5 s away.
  #reportIfDue(nowUs: number): void {
    if (nowUs < this.#nextReportUs) return;
    this.#nextReportUs = nowUs + REPORT_INTERVAL_US;
    const unixUs = Date.now() * US_PER_MS;
    const mediaUs = nowUs - this.#baseUs;
    for (const sender of this.senders) {
      if (!sender.hasBegunBy(mediaUs)) this.#nextReportUs = nowUs;
      else if (nowUs >= sender.nextReportUs) {
        sender.nextReportUs = nowUs + REPORT_INTERVAL_US;
        sender.sendReport(mediaUs, unixUs, this.#options.cname);
      }
    }
  }

  #sayBye(): void {
    if (this.#saidBye) return;
    this.#saidBye = true;
    const mediaUs = this.thread.nowUs - this.#baseUs;
    const unixUs = Date.now() * US_PER_MS;
    for (const sender of this.senders) {
      if (sender.packetCount > 0) sender.sendBye(mediaUs, unixUs, this.#options.cname);
    }
  }
}
