/**
 * One viewer's movie in time: has its senders send what the play head points at, as it comes due. Made by a protocol at SETUP,
 * told to play and pause by it. Rule: paced by the media clock alone; a plan or a socket that is not ready parks the
 * session, and nobody else notices. Thread: the viewer's task thread.
 */
import { type PipeEnd, PullPipe, Task, type TaskThread } from '@finch/core';
// From where they are: what an index hands on is looked up by name each time.
import { TaskEvent } from '@finch/core/reactor/events';
import { AGAIN, after, DELETE, PARK } from '@finch/core/reactor/run-result';
import type { PlanWaiter } from './cached-segment';
import { horizonUs, type Pacing, playsSinceUs, wakeUs, withoutOverbuffer } from './pacing';
import { PlayHead } from './play-head';
import { clampScale, clampSpeed, type PlayWish, untilUsOf } from './play-order';
import type { Quality } from './quality-control';
import { type RtpSender, SendResult } from './rtp-sender';
import type { PlayOutcome, RtpSessionOptions } from './rtp-session-options';
import { SenderReports } from './sender-reports';
import type { Timeline } from './timeline';
import { ViewerWay } from './viewer-way';

const US_PER_MS = 1000;
const US_PER_S = 1_000_000;
/** After the movie's end: BYE has ports of its own, and players (ffmpeg) drop what it overtakes in the network or their sockets. */
const BYE_DELAY_US = 250_000;
/** Frames sent in one run; a session that has fallen behind goes on in the next turn, after the others. */
const MAX_FRAMES_PER_RUN = 64;
/** Bytes sent in one run: what the kernel has no room for stays here, and that there is none is known after the flush. */
const MAX_BYTES_PER_RUN = 1_000_000;
/**
 * What the server owes everybody: players have run dry by then. The movie goes on where it stopped, later, instead of in a
 * burst that the network would not carry.
 */
const SHIFT_FROM_US = 2_000_000;
/** Ahead of its time by more, a movie that changes its scale goes on from what is on the screen. */
const MAX_STALE_US = 1_000_000;

/** What becomes of a frame. */
const Verdict = { send: 0, leftOut: 1, tooLate: 2 } as const;

/** A task that plays one movie to one viewer; kill says BYE and frees everything. */
export class RtpSession extends Task implements PlanWaiter, PipeEnd {
  readonly senders: readonly RtpSender[];
  // First what every run looks at, so that it lies together. The thread once more: Task's getter serves all classes of tasks,
  // and V8 looks it up each time.
  readonly #thread: TaskThread;
  readonly #head: PlayHead;
  /** The head's, for each run asks it. */
  readonly #timeline: Timeline;
  /** Since when the pace counts. */
  #sinceUs = -Infinity;
  /** When what is due lies beyond the wanted end. */
  #endDueUs = Infinity;
  /** When the next round of reports is due. */
  #reportUs = -Infinity;
  /** How fast frames go: ahead of their time at Scale and Speed 1 alone, where nobody is about to change his mind. */
  #pacing: Pacing;
  #isPlaying = false;
  /** All that shall be sent has been; its time is not over yet. */
  #isOver = false;
  /** Nothing leaves before every track can begin: else the clock would start for some and not for others. */
  #isBeginning = false;
  /** A plan was not ready when playing started: the clock starts when it is. */
  #waitsForFirstPlan = false;
  /** His way is or was too narrow, and he has not caught up. */
  #isHindered = false;
  readonly #maxRunBytes: number;
  /** There are no more frames this way, and the viewer has seen the last: playing on means from an end of the movie. */
  #hasRunOut = false;
  readonly #options: RtpSessionOptions;
  readonly #pipe: PullPipe;
  readonly #reports: SenderReports;
  readonly #way: ViewerWay;

  constructor(thread: TaskThread, options: RtpSessionOptions) {
    super(thread, 'rtp');
    const { provider, senders, durationUs, slowViewer } = options;
    this.#thread = thread;
    this.#options = options;
    this.#pacing = options.pacing;
    this.#maxRunBytes = Math.min(slowViewer.maxQueueBytes, MAX_BYTES_PER_RUN);
    this.senders = senders;
    this.#pipe = new PullPipe(provider, this);
    this.#reports = new SenderReports(senders, options.cname);
    this.#head = new PlayHead(provider, senders, durationUs, thread.nowUs);
    this.#timeline = this.#head.timeline;
    this.#way = new ViewerWay(provider, senders.length, slowViewer);
  }

  override get isPunctual(): boolean {
    return true;
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
    return this.#head.positionUs(this.#thread.nowUs);
  }

  /** The presentation time that the viewer sees, in microseconds, if his player buffers nothing but what came early. */
  get shownUs(): number {
    return this.#head.shownUs(this.#thread.nowUs);
  }

  /** How much of the movie he gets. */
  get quality(): Quality {
    return this.#way.quality;
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
    const { scale, speed } = this.#ratesOf(wish);
    const seekUs = fromUs ?? this.#placeAfterTheEnd(scale) ?? this.#placeOnScreen(scale);
    const goesOn = seekUs === undefined && scale === this.scale && speed === this.speed && this.#isPlaying;
    this.#isOver = false;
    this.signal(TaskEvent.start);
    if (!goesOn) this.#start(seekUs, scale, speed);
    head.stopAt(untilUsOf(wish, scale));
    this.#endDueUs = this.#timeline.dueUs(head.lastUs);
    return this.positionUs;
  }

  /** What play() would come to, asked for the same; changes nothing. */
  outcomeOf(fromUs: number | undefined, wish: PlayWish): PlayOutcome {
    const { scale, speed } = this.#ratesOf(wish);
    const startUs = fromUs === undefined ? undefined : this.#head.startOf(fromUs, scale);
    const endUs = Math.min(Math.max(untilUsOf(wish, scale), 0), this.#options.durationUs);
    return { startUs, endUs, scale, speed };
  }

  /** Stops sending; the next frame is kept for play(). Returns the position in microseconds. */
  pause(): number {
    this.#head.next();
    this.#stop(this.positionUs);
    return this.positionUs;
  }

  /** Says BYE on one track and sends nothing more on it; the others play on. */
  endTrack(sender: RtpSender): void {
    const { nowUs } = this.#thread;
    this.#reports.sayByeOf(sender, nowUs, this.#timeline.streamAt(nowUs));
    sender.leaveTransport();
  }

  /** A report about a track has been read: thins or thickens what goes over a way that loses packets. */
  reportRead(sender: RtpSender): void {
    if (!this.#way.heard(this.senders.indexOf(sender), sender, this.#thread.nowUs)) return;
    this.#isHindered = true;
    this.#options.events.qualityChanged(this.#way.quality, this.#way.loss);
  }

  override prefetch(): number {
    const head = this.#head;
    const dueUs = this.#timeline.dueUs(head.dtsUs);
    const deadlines = dueUs + this.#endDueUs + this.#sinceUs > this.#reportUs ? 1 : 0;
    return deadlines + head.prefetch() + this.senders[head.track]!.prefetch();
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
    this.#pipe.disconnect();
    for (const sender of this.senders) sender.close(this);
  }

  #ratesOf({ scale = 1, speed = 1 }: PlayWish): { readonly scale: number; readonly speed: number } {
    return { scale: this.#head.followable(clampScale(scale)), speed: clampSpeed(speed) };
  }

  #placeAfterTheEnd(scale: number): number | undefined {
    if (!this.#hasRunOut) return undefined;
    return scale < 0 && !this.#timeline.isReverse ? this.#options.durationUs : 0;
  }

  // What went ahead of its time is of the old scale, seconds of it.
  #placeOnScreen(scale: number): number | undefined {
    const { positionUs, shownUs } = this;
    return scale !== this.scale && positionUs - shownUs > MAX_STALE_US ? shownUs : undefined;
  }

  #start(seekUs: number | undefined, scale: number, speed: number): void {
    const { nowUs } = this.#thread;
    this.#head.start({ seekUs, scale, speed, nowUs });
    const { pacing } = this.#options;
    this.#pacing = scale === 1 && speed === 1 ? pacing : withoutOverbuffer(pacing);
    this.#sinceUs = playsSinceUs(this.#pacing, nowUs, this.#head.heldUs(nowUs));
    this.#isPlaying = true;
    this.#hasRunOut = false;
    this.#isBeginning = true;
    this.#waitsForFirstPlan = false;
    const wasThinned = this.#way.isThinnedLate;
    this.#way.restart();
    if (wasThinned) this.#options.events.latenessThins(this.#way.quality);
    this.#restartReports();
  }

  #stop(positionUs: number): void {
    this.#head.stop(positionUs, this.#thread.nowUs);
    this.#isPlaying = false;
  }

  #sendDue(): number {
    const head = this.#head;
    const timeline = this.#timeline;
    const nowUs = this.#thread.nowUs;
    const pacing = this.#pacing;
    const untilDueUs = horizonUs(pacing, nowUs, this.#sinceUs);
    let octetsLeft = this.#maxRunBytes;
    if (this.#isBeginning) {
      const pending = this.#begin();
      if (pending !== undefined) return this.#waitForPlan(pending);
    }
    if (this.#waitsForFirstPlan) this.#delayTo(nowUs);
    if (nowUs >= this.#reportUs) this.#reportUs = this.#reports.sendRound(nowUs, timeline.streamAt(nowUs));
    for (let frames = 0; frames < MAX_FRAMES_PER_RUN; frames++) {
      if (!head.next()) return this.#goToEnd();
      const dueUs = timeline.dueUs(head.dtsUs);
      if (dueUs >= this.#endDueUs) return this.#goToEnd();
      if (dueUs >= untilDueUs)
        return after((wakeUs(pacing, dueUs, this.#sinceUs, nowUs) - nowUs) / US_PER_MS);
      const sender = this.senders[head.track]!;
      if (sender.isFull) return this.#waitForRoom(nowUs, dueUs);
      if (octetsLeft <= 0) return AGAIN;
      if (this.#isHindered || nowUs - dueUs >= SHIFT_FROM_US) {
        const verdict = this.#judge(sender, nowUs, dueUs);
        if (verdict === Verdict.leftOut) continue;
        if (verdict === Verdict.tooLate) return this.#giveUp('late');
      }
      if (!sender.hasReported) this.#reports.sendFirst(sender, nowUs, timeline.streamAt(nowUs));
      const { octetCount } = sender;
      if (sender.send(head.index) === SendResult.pending) return this.#waitForPlan(sender);
      octetsLeft -= sender.octetCount - octetCount;
      head.sent(sender.nextFrame);
    }
    return AGAIN;
  }

  /** Has every track begin; returns one whose first plan is still being made. */
  #begin(): RtpSender | undefined {
    for (const sender of this.senders) if (!sender.begin(this.#head.startUs)) return sender;
    this.#isBeginning = false;
    return undefined;
  }

  #waitForPlan(sender: RtpSender): number {
    this.#waitsForFirstPlan = this.#isBeginning || this.#head.keyFramesOnly;
    sender.wait(this);
    return PARK;
  }

  // Nobody has seen anything yet that later frames would have to keep up with.
  #delayTo(nowUs: number): void {
    this.#waitsForFirstPlan = false;
    const lateUs = nowUs - this.#timeline.dueUs(this.#head.dtsUs);
    if (lateUs > 0) this.#delay(lateUs);
  }

  #delay(byUs: number): void {
    this.#timeline.delay(byUs);
    this.#endDueUs += byUs;
    this.#restartReports(); // what they said of the clock is no longer true
  }

  #restartReports(): void {
    this.#reports.restart();
    this.#reportUs = -Infinity;
  }

  // On the way of a viewer who keeps up nothing of this is looked at.
  /** Judges the next frame of a viewer whose way is or was too narrow, or that is late because the thread hung. */
  #judge(sender: RtpSender, nowUs: number, dueUs: number): number {
    const way = this.#way;
    const head = this.#head;
    const ownUs = way.ownLatenessUs(nowUs, dueUs);
    const owedUs = nowUs - dueUs - ownUs;
    if (owedUs >= SHIFT_FROM_US) this.#delay(owedUs);
    const { keyFramesOnly } = head;
    const mediaUs = this.#timeline.mediaAt(nowUs);
    const wasThinned = way.isThinnedLate;
    const isLeftOut = way.leavesOut({ frame: head, sender, keyFramesOnly, mediaUs }, ownUs, nowUs);
    this.#isHindered = way.isHindered(ownUs);
    if (way.isThinnedLate !== wasThinned) this.#options.events.latenessThins(way.quality);
    if (isLeftOut) head.passedOver();
    if (isLeftOut) return Verdict.leftOut;
    return way.isTooLate(ownUs) ? Verdict.tooLate : Verdict.send;
  }

  // The protocol signals when there is room; the timer is for those who never make any.
  #waitForRoom(nowUs: number, dueUs: number): number {
    this.#isHindered = true;
    const againUs = this.#way.full(nowUs, dueUs);
    return againUs > 0 ? after(againUs / US_PER_MS) : this.#giveUp('full');
  }

  #giveUp(why: 'late' | 'full'): number {
    this.#stop(this.positionUs);
    const seconds = this.#options.slowViewer.maxQueueUs / US_PER_S;
    const reason =
      why === 'full' ? `its connection took nothing for ${seconds} s` : `it was ${seconds} s late`;
    this.#options.events.stalled(reason);
    return PARK;
  }

  // All is sent. The end comes when the last frame's time is over.
  #goToEnd(): number {
    this.#isOver = true;
    return after((this.#endTimeUs() - this.#thread.nowUs) / US_PER_MS);
  }

  // The end of a range and the start of the movie are told at once, the end of the movie is told by BYE.
  #endTimeUs(): number {
    const timeline = this.#timeline;
    const { endUs, hasFrame } = this.#head;
    const dueUs = timeline.dueUs(endUs);
    return hasFrame || timeline.isReverse ? dueUs : dueUs + BYE_DELAY_US;
  }

  #end(): number {
    const nowUs = this.#thread.nowUs;
    const endUs = this.#endTimeUs();
    if (nowUs < endUs) return after((endUs - nowUs) / US_PER_MS);
    if (this.#head.hasFrame) {
      // The end that the client asked for: it may go on from here.
      this.#isOver = false;
      this.pause();
      this.#options.events.rangeEnded();
      return PARK;
    }
    const { isReverse } = this.#timeline;
    this.#hasRunOut = true;
    this.#stop(isReverse ? 0 : this.positionUs);
    const { events } = this.#options;
    // BYE is the last that is heard of a source (RFC 3550 §6.6): players end at it.
    if (isReverse || events.goesOn()) {
      events.rangeEnded();
      return PARK;
    }
    this.#sayBye();
    events.ended();
    return PARK;
  }

  #sayBye(): void {
    const { nowUs } = this.#thread;
    this.#reports.sayBye(nowUs, this.#timeline.streamAt(nowUs));
  }
}
