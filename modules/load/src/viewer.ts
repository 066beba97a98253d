/**
 * One viewer, from connect() to TEARDOWN, as a coroutine: what a player does, and when. Made by the crowd.
 * Rule: whatever goes wrong ends this viewer alone, with a reason that the crowd counts; its descriptors are closed in
 * every case. Thread: the run's.
 */
import {
  after,
  type CoroutineBody,
  CoroutineTask,
  type SocketAddress,
  sleep,
  TaskEvent,
  type TaskThread,
} from '@finch/core';
import { RtspPlayer, type ViewerWorld } from './rtsp-player';
import { ViewerFailure } from './viewer-link';

const US_PER_MS = 1000;
const REPORT_INTERVAL_US = 5_000_000;
/** How often a playing viewer looks whether it still gets something. */
const WATCH_INTERVAL_MS = 1000;
/** Between PAUSE and PLAY of a seek, so that packets on their way are not taken for those after it. */
const SEEK_PAUSE_MS = 20;
/** A seek goes to a key frame, and the movie must not end in the window. */
const SEEK_MARGIN_S = 10;

/** Where one viewer comes from and what it asks for. */
export interface ViewerPlan {
  readonly url: string;
  readonly local: SocketAddress | null;
  /** Reads no media once it plays. */
  readonly isSlow: boolean;
}

/** Hears how a viewer fares; each at most once. */
export interface ViewerEvents {
  played(viewer: Viewer): void;
  /** `reason` is '' for a viewer that was stopped. */
  over(viewer: Viewer, reason: string): void;
}

/** A viewer; see the head of this file. */
export class Viewer extends CoroutineTask {
  readonly #world: ViewerWorld;
  readonly #plan: ViewerPlan;
  readonly #events: ViewerEvents;
  #player: RtspPlayer | null = null;
  #isStopping = false;
  #isHurried = false;
  #hasPlayed = false;
  #seekAtS = -1;
  /** Whether it can be asked to seek or to leave. */
  isPlaying = false;
  /** Where the crowd keeps it. */
  place = -1;

  constructor(thread: TaskThread, world: ViewerWorld, plan: ViewerPlan, events: ViewerEvents) {
    super(thread, 'load');
    this.#world = world;
    this.#plan = plan;
    this.#events = events;
    this.signal(TaskEvent.start);
  }

  get isSlow(): boolean {
    return this.#plan.isSlow;
  }

  /** Whether it has had a packet, so that its end is an early one. */
  get hasPlayed(): boolean {
    return this.#hasPlayed;
  }

  /** Whether it has been asked to end. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Ends it with TEARDOWN. */
  stop(): void {
    this.#isStopping = true;
    this.signal(TaskEvent.update);
  }

  /** Has it seek to the share `fraction`, 0..1, of the movie, less what it needs to play on to the window's end. */
  seek(fraction: number): void {
    const durationS = this.#player?.durationS ?? 0;
    const lastS = durationS - this.#world.options.durationMs / 1000 - SEEK_MARGIN_S;
    this.#seekAtS = fraction * Math.max(lastS, 0);
    this.signal(TaskEvent.update);
  }

  /** Evaluates what its meters hold back. */
  flush(): void {
    for (const { meter } of this.#player?.tracks ?? []) meter.flush();
  }

  protected *body(): CoroutineBody {
    let reason = '';
    try {
      const player = yield* this.#start();
      this.#hasPlayed = this.isPlaying = true;
      this.#events.played(this);
      if (this.isSlow) player.stopReading();
      yield* this.#watch(player);
      this.isPlaying = false;
      // One that does not read would never hear the answer: it just goes.
      if (player.link.isReading) yield* player.tearDown();
    } catch (error) {
      const isFailure = error instanceof ViewerFailure;
      reason = !isFailure ? 'internal error' : this.#isStopping ? '' : error.message;
      if (!isFailure) throw error;
    } finally {
      this.#relax();
      this.flush();
      this.#player?.close();
      this.#events.over(this, reason);
    }
  }

  *#start(): CoroutineBody<RtspPlayer> {
    const { figures } = this.#world;
    const { url, local, isSlow } = this.#plan;
    this.#hurry();
    const connectUs = this.thread.nowUs;
    const player = new RtspPlayer(this, this.#world, url, local, isSlow);
    this.#player = player;
    yield* player.prepare();
    const playUs = yield* player.play(0);
    figures.play.add(player.firstPacketUs - playUs);
    const startUp = connectUs < figures.fromUs ? figures.startUp : figures.newcomerStartUp;
    startUp.add(player.firstPacketUs - connectUs);
    this.#relax();
    return player;
  }

  *#watch(player: RtspPlayer): CoroutineBody {
    let reportUs = this.thread.nowUs + REPORT_INTERVAL_US * Math.random();
    let keepAliveUs = this.thread.nowUs + player.keepAliveUs;
    while (!this.#isStopping) {
      this.#checkAlive(player);
      const { nowUs } = this.thread;
      if (this.#seekAtS >= 0) yield* this.#jump(player);
      if (nowUs >= reportUs && !this.isSlow) {
        reportUs = nowUs + REPORT_INTERVAL_US;
        for (const track of player.tracks) track.sendReport(this.#world.batch, player.link, nowUs);
      }
      if (nowUs >= keepAliveUs && player.link.isReading) {
        keepAliveUs = nowUs + player.keepAliveUs;
        yield* player.keepAlive();
      }
      if (!this.#isStopping) yield after(WATCH_INTERVAL_MS);
    }
  }

  #checkAlive({ link, hasEnded, tracks }: RtspPlayer): void {
    if (link.broken !== '') throw new ViewerFailure(link.broken);
    if (hasEnded) throw new ViewerFailure('BYE');
    if (this.isSlow) return;
    let lastUs = 0;
    for (const { meter } of tracks) lastUs = Math.max(lastUs, meter.lastArrivalUs);
    if (this.thread.nowUs - lastUs > this.#world.options.silenceMs * US_PER_MS)
      throw new ViewerFailure('silence');
  }

  *#jump(player: RtspPlayer): CoroutineBody {
    const toS = this.#seekAtS;
    this.#seekAtS = -1;
    yield* player.pause();
    yield* sleep(SEEK_PAUSE_MS);
    for (const { meter } of player.tracks) meter.restart();
    this.#hurry();
    const playUs = yield* player.play(toS);
    this.#relax();
    this.#world.figures.seek.add(player.firstPacketUs - playUs);
  }

  // Answers are looked for at once while a start-up or a seek is measured.
  #hurry(): void {
    if (this.#isHurried) return;
    this.#isHurried = true;
    this.#world.set.hurry();
  }

  #relax(): void {
    if (!this.#isHurried) return;
    this.#isHurried = false;
    this.#world.set.relax();
  }
}
