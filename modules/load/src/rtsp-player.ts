/**
 * The RTSP side of one viewer: what it asks the server, and the tracks it has got. Used by the viewer, which knows when.
 * Rule: every step is a generator of the viewer's coroutine; what goes wrong is a ViewerFailure. Thread: the viewer's.
 * Spec: RFC 2326 §10, §12.
 */
import {
  after,
  type CoroutineBody,
  type PacketBatch,
  type SocketAddress,
  type Task,
  TaskEvent,
} from '@finch/core';
import type { Figures } from './figures';
import type { LoadOptions } from './load-options';
import type { PortPairs } from './media-sockets';
import type { ReceiveSet } from './receive-set';
import { type PresentationDescription, readDescription } from './session-description';
import { TunnelName } from './tunnel-post';
import { type Answer, ViewerFailure, ViewerLink } from './viewer-link';
import { type TrackListener, ViewerTrack } from './viewer-track';

const US_PER_MS = 1000;
const LONGEST_KEEP_ALIVE_S = 25;
const DEFAULT_TIMEOUT_S = 60;
/** Asks a server that fills players ahead of time (Darwin's header) not to: what comes early tells nothing of being late. */
const IN_TIME = { 'x-Dynamic-Rate': '0' };

/** What the viewers of one run share. */
export interface ViewerWorld {
  readonly options: LoadOptions;
  readonly server: SocketAddress;
  readonly set: ReceiveSet;
  readonly ports: PortPairs;
  readonly batch: PacketBatch;
  readonly figures: Figures;
}

/** A player of one URL; see the head of this file. */
export class RtspPlayer implements TrackListener {
  readonly link: ViewerLink;
  readonly tracks: ViewerTrack[] = [];
  /** Arrival of the first packet since the last play(), in microseconds; 0 before. */
  firstPacketUs = 0;
  /** Whether the server has said BYE. */
  hasEnded = false;
  /** Of the movie; 0 when the server has not told. */
  durationS = 0;
  /** How often the session wants to hear of us. */
  keepAliveUs = LONGEST_KEEP_ALIVE_S * 1e6;
  readonly #world: ViewerWorld;
  readonly #owner: Task;
  readonly #url: string;
  readonly #local: SocketAddress | null;
  #controlUrl: string;
  #keepAliveMethod = 'OPTIONS';

  readonly #isSlow: boolean;

  /** Begins to connect from `local` (null: any address). One that is slow has small buffers for what it will not read. */
  constructor(owner: Task, world: ViewerWorld, url: string, local: SocketAddress | null, isSlow: boolean) {
    const { set, server, options } = world;
    this.#world = world;
    this.#owner = owner;
    this.#url = this.#controlUrl = url;
    this.#local = local;
    this.#isSlow = isSlow;
    const tunnel = options.transport === 'http' ? new TunnelName(url) : null;
    const { answerTimeoutMs: timeoutMs } = options;
    const receiveBufferBytes = isSlow && options.transport !== 'udp' ? options.slowBufferBytes : 0;
    this.link = new ViewerLink(set, owner, { server, local, receiveBufferBytes, timeoutMs, tunnel });
  }

  /** Part of TrackListener. */
  firstPacket(arrivalUs: number): void {
    if (this.firstPacketUs !== 0) return;
    this.firstPacketUs = arrivalUs;
    this.#owner.signal(TaskEvent.read);
  }

  /** Part of TrackListener. */
  byeArrived(): void {
    this.hasEnded = true;
    this.#owner.signal(TaskEvent.update);
  }

  /** Asks for everything up to PLAY. */
  *prepare(): CoroutineBody {
    yield* this.link.connected();
    const known = yield* this.link.ask('OPTIONS', this.#url);
    if (/\bGET_PARAMETER\b/.test(known.headers.get('Public') ?? '')) this.#keepAliveMethod = 'GET_PARAMETER';
    yield* this.#setUp(yield* this.#describe());
  }

  /** Asks to play from `fromS` and waits for the first packet; returns when it asked, in microseconds. */
  *play(fromS: number): CoroutineBody<number> {
    const { thread } = this.#owner;
    const playUs = thread.nowUs;
    this.firstPacketUs = 0;
    const range = { Range: `npt=${fromS.toFixed(3)}-` };
    const answer = yield* this.link.demand('PLAY', this.#controlUrl, range);
    this.#readRtpInfo(answer.headers.get('RTP-Info') ?? '');
    const endUs = thread.nowUs + this.#world.options.answerTimeoutMs * US_PER_MS;
    while (this.firstPacketUs === 0) {
      if (this.link.broken !== '') throw new ViewerFailure(this.link.broken);
      if (thread.nowUs >= endUs) throw new ViewerFailure('no packet after PLAY');
      yield after((endUs - thread.nowUs) / US_PER_MS);
    }
    return playUs;
  }

  /** Asks for silence. */
  *pause(): CoroutineBody {
    yield* this.link.demand('PAUSE', this.#controlUrl);
  }

  /** Tells the server that somebody is still there. */
  *keepAlive(): CoroutineBody {
    yield* this.link.demand(this.#keepAliveMethod, this.#controlUrl);
  }

  /** Reads no media any more, as a player that hangs; over UDP its connection is still a live one. */
  stopReading(): void {
    if (this.#world.options.transport !== 'udp') this.link.stopReading();
    else for (const track of this.tracks) track.stopReading();
  }

  /** Ends the session. */
  *tearDown(): CoroutineBody {
    yield* this.link.ask('TEARDOWN', this.#controlUrl);
  }

  /** Closes the connection and all sockets. */
  close(): void {
    this.link.close();
    // The batch names sockets by number: nothing may be left in it when that number becomes somebody else's.
    this.#world.batch.flush();
    for (const track of this.tracks) track.close();
  }

  *#describe(): CoroutineBody<PresentationDescription> {
    const askedUs = this.#owner.thread.nowUs;
    const answer = yield* this.link.demand('DESCRIBE', this.#url, { Accept: 'application/sdp' });
    const { headers, body } = answer;
    this.#world.figures.describe.add(this.#owner.thread.nowUs - askedUs);
    const baseUrl = headers.get('Content-Base') ?? headers.get('Content-Location') ?? this.#url;
    try {
      return readDescription(body, baseUrl);
    } catch (error) {
      throw new ViewerFailure((error as Error).message);
    }
  }

  *#setUp({ controlUrl, durationS, tracks }: PresentationDescription): CoroutineBody {
    this.#controlUrl = controlUrl;
    this.durationS = durationS;
    for (const [index, description] of tracks.entries()) {
      const track = new ViewerTrack(description, this.#world.figures, this);
      this.tracks.push(track);
      const Transport = this.#transportOf(track, index);
      const answer = yield* this.link.demand('SETUP', description.controlUrl, {
        Transport,
        ...(this.#world.options.takesAhead ? {} : IN_TIME),
      });
      track.granted(answer.headers.get('Transport') ?? '', this.#world.server.host);
      this.#takeSession(answer);
    }
    if (this.#world.options.transport !== 'udp')
      this.link.frame = (channel, bytes, at, length, arrivalUs) =>
        this.#frame(channel, bytes, at, length, arrivalUs);
  }

  #transportOf(track: ViewerTrack, index: number): string {
    const { options, set, ports, server } = this.#world;
    if (options.transport !== 'udp') return track.askForChannels(index * 2);
    const host = this.#local?.host ?? (server.family === 4 ? '0.0.0.0' : '::');
    const { takesRuns } = options;
    const receiveBufferBytes = this.#isSlow ? options.slowBufferBytes : options.receiveBufferBytes;
    try {
      return track.askForUdp({ set, ports, host, receiveBufferBytes, takesRuns });
    } catch (error) {
      throw new ViewerFailure((error as Error).message);
    }
  }

  // §12.37: the identifier, and after how many seconds of silence it ends.
  #takeSession(answer: Answer): void {
    const session = answer.headers.get('Session') ?? '';
    this.link.session = session.split(';', 1)[0]!.trim();
    const timeoutS = Number(/timeout=(\d+)/.exec(session)?.[1] ?? DEFAULT_TIMEOUT_S);
    this.keepAliveUs = Math.min(LONGEST_KEEP_ALIVE_S, Math.max(timeoutS / 2, 1)) * 1e6;
  }

  // §12.33; a server names the tracks by URL, or in the order of their set-up.
  #readRtpInfo(value: string): void {
    for (const [index, item] of value.split(',').entries()) {
      const url = /url=([^;]+)/.exec(item)?.[1] ?? '';
      const sequence = /seq=(\d+)/.exec(item)?.[1];
      const named = this.tracks.find(({ description }) => url !== '' && description.controlUrl.endsWith(url));
      if (sequence !== undefined) (named ?? this.tracks[index])?.meter.startsAt(Number(sequence));
    }
  }

  // Hot path of interleaved viewers.
  #frame(channel: number, bytes: Uint8Array, at: number, length: number, arrivalUs: number): void {
    for (const track of this.tracks) {
      if (track.channel === channel) track.meter.packet(bytes, at, length, arrivalUs);
      else if (track.channel + 1 === channel) track.rtcp(bytes, at, length, arrivalUs);
    }
  }
}
