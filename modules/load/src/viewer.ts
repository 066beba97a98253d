/**
 * One viewer, from connect() to TEARDOWN, as a coroutine: what a player does, and when. Made by the crowd.
 * Rule: whatever goes wrong ends this viewer alone, with a reason that the crowd counts; its descriptors are closed in
 * every case. Thread: the run's.
 */
import {
  after,
  type CoroutineBody,
  CoroutineTask,
  type PacketBatch,
  type SocketAddress,
  sleep,
  TaskEvent,
  type TaskThread,
} from '@finch/core';
import type { Figures } from './figures';
import type { LoadOptions } from './load-options';
import type { PortPairs } from './media-sockets';
import type { ReceiveSet } from './receive-set';
import { type PresentationDescription, readDescription } from './session-description';
import { type Answer, ViewerFailure, ViewerLink } from './viewer-link';
import { type TrackListener, ViewerTrack } from './viewer-track';

const US_PER_MS = 1000;
const REPORT_INTERVAL_US = 5_000_000;
const LONGEST_KEEP_ALIVE_S = 25;
/** How often a playing viewer looks whether it still gets something. */
const WATCH_INTERVAL_MS = 1000;
/** Between PAUSE and PLAY of a seek, so that packets on their way are not taken for those after it. */
const SEEK_PAUSE_MS = 20;
/** A seek goes to a key frame, and the movie must not end in the window. */
const SEEK_MARGIN_S = 10;

/** What the viewers of one run share. */
export interface ViewerWorld {
  readonly options: LoadOptions;
  readonly server: SocketAddress;
  readonly set: ReceiveSet;
  readonly ports: PortPairs;
  readonly batch: PacketBatch;
  readonly figures: Figures;
}

/** Where one viewer comes from and what it asks for. */
export interface ViewerPlan {
  readonly url: string;
  readonly local: SocketAddress | null;
  /** Stops reading once it plays. */
  readonly isSlow: boolean;
}

/** Hears how a viewer fares; each at most once. */
export interface ViewerEvents {
  played(viewer: Viewer): void;
  /** `reason` is '' for a viewer that was stopped. */
  over(viewer: Viewer, reason: string): void;
}

/** A viewer; see the head of this file. */
export class Viewer extends CoroutineTask implements TrackListener {
  readonly #world: ViewerWorld;
  readonly #plan: ViewerPlan;
  readonly #events: ViewerEvents;
  readonly #tracks: ViewerTrack[] = [];
  #link: ViewerLink | null = null;
  #controlUrl = '';
  #durationS = 0;
  #keepAliveMethod = 'OPTIONS';
  #keepAliveUs = LONGEST_KEEP_ALIVE_S * 1e6;
  #firstPacketUs = 0;
  #isStopping = false;
  #isHurried = false;
  #hasEnded = false;
  #hasPlayed = false;
  #seekAt = -1;
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
    const lastS = this.#durationS - this.#world.options.durationMs / 1000 - SEEK_MARGIN_S;
    this.#seekAt = fraction * Math.max(lastS, 0);
    this.signal(TaskEvent.update);
  }

  /** Evaluates what its meters hold back. */
  flush(): void {
    for (const { meter } of this.#tracks) meter.flush();
  }

  /** Part of TrackListener. */
  firstPacket(arrivalUs: number): void {
    if (this.#firstPacketUs !== 0) return;
    this.#firstPacketUs = arrivalUs;
    this.signal(TaskEvent.read);
  }

  /** Part of TrackListener. */
  byeArrived(): void {
    this.#hasEnded = true;
    this.signal(TaskEvent.update);
  }

  protected *body(): CoroutineBody {
    let reason = '';
    try {
      yield* this.#start();
      this.#hasPlayed = this.isPlaying = true;
      this.#events.played(this);
      if (this.#plan.isSlow) this.#link!.stopReading();
      yield* this.#watch();
      this.isPlaying = false;
      // One that does not read would never hear the answer: it just goes.
      if (!this.#plan.isSlow) yield* this.#link!.ask('TEARDOWN', this.#controlUrl);
    } catch (error) {
      if (!(error instanceof ViewerFailure)) {
        reason = 'internal error';
        throw error;
      }
      reason = this.#isStopping ? '' : error.message;
    } finally {
      this.#close();
      this.#events.over(this, reason);
    }
  }

  *#start(): CoroutineBody {
    const { options, set, server, figures } = this.#world;
    this.#hurry();
    const connectUs = this.thread.nowUs;
    const bufferBytes = this.#plan.isSlow ? options.slowBufferBytes : 0;
    const link = new ViewerLink(set, this, server, this.#plan.local, bufferBytes, options.answerTimeoutMs);
    this.#link = link;
    yield* link.connected();
    const known = yield* link.ask('OPTIONS', this.#plan.url);
    if (/\bGET_PARAMETER\b/.test(known.headers.get('Public') ?? '')) this.#keepAliveMethod = 'GET_PARAMETER';
    yield* this.#setUp(link, yield* this.#describe(link));
    const playUs = yield* this.#play(link, 0);
    figures.play.add(this.#firstPacketUs - playUs);
    const startUp = connectUs < figures.fromUs ? figures.startUp : figures.newcomerStartUp;
    startUp.add(this.#firstPacketUs - connectUs);
    this.#relax();
  }

  *#describe(link: ViewerLink): CoroutineBody<PresentationDescription> {
    const askedUs = this.thread.nowUs;
    const { url } = this.#plan;
    const { headers, body } = yield* link.demand('DESCRIBE', url, { Accept: 'application/sdp' });
    this.#world.figures.describe.add(this.thread.nowUs - askedUs);
    const baseUrl = headers.get('Content-Base') ?? headers.get('Content-Location') ?? url;
    try {
      return readDescription(body, baseUrl);
    } catch (error) {
      throw new ViewerFailure((error as Error).message);
    }
  }

  *#setUp(link: ViewerLink, description: PresentationDescription): CoroutineBody {
    this.#controlUrl = description.controlUrl;
    this.#durationS = description.durationS;
    for (const track of description.tracks) {
      const viewerTrack = new ViewerTrack(track, this.#world.figures, this);
      this.#tracks.push(viewerTrack);
      const Transport = this.#transportOf(viewerTrack, this.#tracks.length - 1);
      const answer = yield* link.demand('SETUP', track.controlUrl, { Transport });
      viewerTrack.granted(answer.headers.get('Transport') ?? '', this.#world.server.host);
      this.#takeSession(link, answer);
    }
    if (this.#world.options.transport === 'tcp')
      link.frame = (channel, bytes, at, length, arrivalUs) =>
        this.#frame(channel, bytes, at, length, arrivalUs);
  }

  #transportOf(track: ViewerTrack, index: number): string {
    const { options, set, ports, server } = this.#world;
    if (options.transport === 'tcp') return track.askForChannels(index * 2);
    const host = this.#plan.local?.host ?? (server.family === 4 ? '0.0.0.0' : '::');
    try {
      const { receiveBufferBytes, takesRuns } = options;
      return track.askForUdp({ set, ports, host, receiveBufferBytes, takesRuns });
    } catch (error) {
      throw new ViewerFailure((error as Error).message);
    }
  }

  // RFC 2326 §12.37: the identifier, and after how many seconds of silence it ends.
  #takeSession(link: ViewerLink, answer: Answer): void {
    const session = answer.headers.get('Session') ?? '';
    link.session = session.split(';', 1)[0]!.trim();
    const timeoutS = Number(/timeout=(\d+)/.exec(session)?.[1] ?? 60);
    this.#keepAliveUs = Math.min(LONGEST_KEEP_ALIVE_S, Math.max(timeoutS / 2, 1)) * 1e6;
  }

  /** Asks to play from `fromS` and waits for the first packet; returns when it asked. */
  *#play(link: ViewerLink, fromS: number): CoroutineBody<number> {
    const playUs = this.thread.nowUs;
    const answer = yield* link.demand('PLAY', this.#controlUrl, { Range: `npt=${fromS.toFixed(3)}-` });
    this.#readRtpInfo(answer.headers.get('RTP-Info') ?? '');
    const endUs = this.thread.nowUs + this.#world.options.answerTimeoutMs * US_PER_MS;
    while (this.#firstPacketUs === 0) {
      if (link.broken !== '') throw new ViewerFailure(link.broken);
      if (this.thread.nowUs >= endUs) throw new ViewerFailure('no packet after PLAY');
      yield after((endUs - this.thread.nowUs) / US_PER_MS);
    }
    return playUs;
  }

  // RFC 2326 §12.33; a server names the tracks in the order of their set-up, or by URL.
  #readRtpInfo(value: string): void {
    for (const [index, item] of value.split(',').entries()) {
      const url = /url=([^;]+)/.exec(item)?.[1] ?? '';
      const sequence = /seq=(\d+)/.exec(item)?.[1];
      const named = this.#tracks.find(({ description }) => description.controlUrl.endsWith(url));
      if (sequence !== undefined) (named ?? this.#tracks[index])?.meter.startsAt(Number(sequence));
    }
  }

  *#watch(): CoroutineBody {
    const link = this.#link!;
    let reportUs = this.thread.nowUs + REPORT_INTERVAL_US * Math.random();
    let keepAliveUs = this.thread.nowUs + this.#keepAliveUs;
    while (!this.#isStopping) {
      this.#checkAlive(link);
      const { nowUs } = this.thread;
      if (this.#seekAt >= 0) yield* this.#jump(link);
      if (nowUs >= reportUs && !this.#plan.isSlow) {
        reportUs = nowUs + REPORT_INTERVAL_US;
        for (const track of this.#tracks) track.sendReport(this.#world.batch, link, nowUs);
      }
      if (nowUs >= keepAliveUs && !this.#plan.isSlow) {
        keepAliveUs = nowUs + this.#keepAliveUs;
        yield* link.demand(this.#keepAliveMethod, this.#controlUrl);
      }
      if (!this.#isStopping) yield after(WATCH_INTERVAL_MS);
    }
  }

  #checkAlive(link: ViewerLink): void {
    if (link.broken !== '') throw new ViewerFailure(link.broken);
    if (this.#hasEnded) throw new ViewerFailure('BYE');
    if (this.#plan.isSlow) return;
    let lastUs = 0;
    for (const { meter } of this.#tracks) lastUs = Math.max(lastUs, meter.lastArrivalUs);
    if (this.thread.nowUs - lastUs > this.#world.options.silenceMs * US_PER_MS)
      throw new ViewerFailure('silence');
  }

  *#jump(link: ViewerLink): CoroutineBody {
    const toS = this.#seekAt;
    this.#seekAt = -1;
    yield* link.demand('PAUSE', this.#controlUrl);
    yield* sleep(SEEK_PAUSE_MS);
    for (const { meter } of this.#tracks) meter.restart();
    this.#firstPacketUs = 0;
    this.#hurry();
    const playUs = yield* this.#play(link, toS);
    this.#relax();
    this.#world.figures.seek.add(this.#firstPacketUs - playUs);
  }

  #frame(channel: number, bytes: Uint8Array, at: number, length: number, arrivalUs: number): void {
    for (const track of this.#tracks) {
      if (track.channel === channel) track.meter.packet(bytes, at, length, arrivalUs);
      else if (track.channel + 1 === channel) track.rtcp(bytes, at, length, arrivalUs);
    }
  }

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

  #close(): void {
    this.#relax();
    this.flush();
    this.#link?.close();
    // The batch names sockets by number: nothing may be left in it when that number becomes somebody else's.
    this.#world.batch.flush();
    for (const track of this.#tracks) track.close();
  }
}
