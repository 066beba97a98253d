/**
 * One RTSP connection: reads requests, answers them in order, carries interleaved packets both ways. Made by the service
 * for each accepted descriptor. Rule: a request that fails is answered with its error and costs nobody else anything; bytes
 * that are no RTSP end the connection. HTTP makes it a half of a tunnel, or ends it: http-request.ts.
 * Spec: RFC 2326 §4-§7, §10.12. Thread: one task thread, from accept to close.
 */
import {
  type CoroutineBody,
  CoroutineTask,
  Errno,
  readable,
  type SocketAddress,
  type StreamConnection,
  type StreamConnectionEvents,
  sleep,
  TaskEvent,
  TcpConnection,
  TimeoutTask,
  TlsConnection,
  type TlsContext,
  until,
} from '@finch/core';
import type { InterleavedFrame, RtspRequest } from 'rtsp-stream-parser';
import type { ByteSource } from './byte-source';
import { parseErrorAnswer } from './error-reply';
import { bytesAgain, foreignThreadOf, threadKey } from './foreign-session';
import { answerHttp, isHttp } from './http-request';
import { HttpTunnel } from './http-tunnel';
import { asksToClose, writeReply } from './reply-writer';
import { replyTo } from './request-dispatch';
import { type IntakeEvents, RequestIntake } from './request-intake';
import type { RtspService } from './rtsp-service';
import type { RtspSession } from './rtsp-session';

/** What a connection reads and answers in one run; who sends without end gets his turns like everybody else. */
const MAX_READS_PER_RUN = 4;
const MAX_REQUESTS_PER_RUN = 16;
/** Interleaved channels a connection has (RFC 2326 §10.12). */
const CHANNELS = 256;

/** The first byte of a TLS connection, a record with a handshake (RFC 8446 §5.1); nothing else begins with it. */
const TLS_HANDSHAKE = 0x16;
/** How long the GET half of a tunnel waits for its first POST, in milliseconds. */
const HALF_OPEN_TIMEOUT_MS = 10_000;
const NOTHING = new Uint8Array(0);

/** Hears what arrives on an interleaved channel. Valid during the call. */
export type ChannelListener = (payload: Uint8Array) => void;

/** How a connection came to its thread. */
export interface Arrival {
  /** It is one too many: its first request is refused. */
  readonly isSurplus: boolean;
  /** It speaks TLS. */
  readonly tls?: TlsContext;
  /** What another thread had read of it. */
  readonly first?: Uint8Array;
}

/** A task for one connection; kill closes it. */
export class RtspConnection extends CoroutineTask implements StreamConnectionEvents, IntakeEvents {
  readonly tcp: StreamConnection;
  /** Whether it is RTSPS: nothing of it may travel in clear. */
  readonly isEncrypted: boolean;
  readonly isSurplus: boolean;
  /** Sessions that were set up here and not yet ended. */
  readonly sessions = new Set<RtspSession>();
  readonly #intake = new RequestIntake(this);
  readonly #first: Uint8Array | undefined;
  readonly #channels = new Map<number, ChannelListener>();
  readonly #timeout: TimeoutTask;
  #tunnel: HttpTunnel | undefined;
  #requestCount = 0;

  /** Takes over the descriptor; throws Error (and leaves it to the caller) when it can't be served. */
  constructor(
    readonly service: RtspService,
    fd: number,
    readonly peer: SocketAddress,
    { isSurplus, tls, first }: Arrival,
  ) {
    super(service.host.thread, 'rtsp');
    this.isSurplus = isSurplus;
    this.#first = first;
    this.#timeout = new TimeoutTask(this, this.#timeoutMs);
    this.isEncrypted = tls !== undefined;
    try {
      this.tcp =
        tls === undefined
          ? new TcpConnection(fd, this.ref, service.host.batch, this)
          : new TlsConnection(fd, peer, this.ref, tls, this);
    } catch (error) {
      this.signal(TaskEvent.kill);
      throw error;
    }
    service.connections.add(this);
    this.signal(TaskEvent.start);
  }

  override run(events: number): number {
    this.tcp.delivered(events);
    return super.run(events);
  }

  /** Part of StreamConnectionEvents. */
  drained(): void {
    this.signal(TaskEvent.update);
    for (const session of this.sessions) session.roomAgain();
  }

  /** Part of StreamConnectionEvents. */
  broken(code: number): void {
    if (code === -Errno.EFAULT) for (const session of this.sessions) session.sourceFailed();
    this.signal(TaskEvent.kill);
  }

  /** Listens on a channel, or stops (undefined). */
  listenOn(channel: number, listener: ChannelListener | undefined): void {
    if (listener === undefined) this.#channels.delete(channel);
    else this.#channels.set(channel, listener);
  }

  isChannelTaken(channel: number): boolean {
    return this.#channels.has(channel);
  }

  /** The lowest pair of channels that nobody has: an even one and the next. -1 when all are taken. */
  freeChannelPair(): number {
    for (let channel = 0; channel < CHANNELS; channel += 2) {
      if (!this.#channels.has(channel) && !this.#channels.has(channel + 1)) return channel;
    }
    return -1;
  }

  /** Makes this the GET half of the tunnel `key`: what it reads comes out of the POST halves from now on. */
  openTunnel(key: string): void {
    this.#tunnel = new HttpTunnel(this, key);
    this.service.tunnelOpened(this);
    this.#timeout.changeTimeout(Math.min(HALF_OPEN_TIMEOUT_MS, this.#timeoutMs));
  }

  /** The tunnel has got a POST half. */
  tunnelJoined(): void {
    this.service.halfOpenTunnels.delete(this);
    this.#timeout.changeTimeout(this.#timeoutMs);
  }

  /** Part of IntakeEvents. */
  frameArrived({ channel, payload }: InterleavedFrame): void {
    this.#channels.get(channel)?.(payload);
    this.#refreshSessions();
  }

  /** Part of IntakeEvents. */
  isLastHere(request: RtspRequest): boolean {
    return isHttp(request) || this.#foreignThreadOf(request) >= 0;
  }

  /**
   * Gives the socket to who claims `key`, with what was read of it and is his; the body must end then. TypeError for RTSPS,
   * whose keys stay with their thread.
   */
  handOver(key: string, rest: Uint8Array): void {
    if (!(this.tcp instanceof TcpConnection))
      throw new TypeError('an RTSPS connection can not be handed over');
    this.service.host.handOver(key, { fd: this.tcp.release(), peer: this.peer, bytes: rest });
  }

  protected *body(): CoroutineBody {
    const { receiveBuffer } = this.service;
    let isBegin = this.#first === undefined;
    if (this.#first !== undefined && (yield* this.#take(this.#first))) return;
    for (let reads = 0; ; reads++) {
      if (reads === MAX_READS_PER_RUN) {
        reads = 0;
        yield* sleep(0);
      }
      const source: ByteSource = this.#tunnel ?? this.tcp;
      const received = source.receive(receiveBuffer);
      if (received === -Errno.EAGAIN) {
        reads = 0;
        const events = yield* readable(source.context, TaskEvent.timeout);
        if (events & TaskEvent.timeout && this.#isIdle()) return;
        continue;
      }
      if (received <= 0 || (isBegin && receiveBuffer[0] === TLS_HANDSHAKE)) return;
      isBegin = false;
      this.#timeout.refresh();
      if (yield* this.#take(receiveBuffer.subarray(0, received))) return;
    }
  }

  protected override onDeleted(): void {
    for (const session of this.sessions) session.connectionClosed(this);
    this.sessions.clear();
    this.#channels.clear();
    this.#timeout.cancel();
    if (this.tcp === undefined) return; // its descriptor was refused: the service counts it
    this.#tunnel?.close();
    this.service.halfOpenTunnels.delete(this);
    this.service.connections.delete(this);
    if (!this.tcp.isOpen) return; // it was handed over
    this.tcp.close();
    this.service.host.connectionClosed();
  }

  /** Answers what a chunk holds. True when the connection is over, or somebody else's. */
  *#take(chunk: Uint8Array): CoroutineBody<boolean> {
    for (let bytes = chunk; bytes.length > 0; ) {
      const { requests, rest, error } = this.#intake.take(bytes);
      if (requests.length > 0) this.#refreshSessions();
      for (const [place, request] of requests.entries()) {
        if (place % MAX_REQUESTS_PER_RUN === MAX_REQUESTS_PER_RUN - 1) yield* sleep(0);
        const isLast = place === requests.length - 1;
        if (yield* this.#answer(request, isLast ? rest : undefined)) return true;
      }
      if (error !== undefined) {
        this.service.log.debug(`${this.peer}: ${error.message}`);
        this.tcp.send(parseErrorAnswer(error));
        return true;
      }
      bytes = this.#tunnel === undefined && rest !== undefined ? rest : NOTHING; // a GET has no body
    }
    return false;
  }

  // `rest` is there when the parsing ended behind this request: it may go elsewhere, with what follows.
  *#answer(request: RtspRequest, rest: Uint8Array | undefined): CoroutineBody<boolean> {
    const isFirst = this.#requestCount++ === 0;
    if (isHttp(request)) return !answerHttp(this, request, rest ?? NOTHING, isFirst);
    const thread = this.#foreignThreadOf(request);
    const again = thread >= 0 && rest !== undefined ? bytesAgain(request, rest) : undefined;
    if (again !== undefined) {
      yield* sleep(0); // the answers before leave at the end of this turn
      while (this.tcp.isFull) yield* until(TaskEvent.update);
      this.handOver(threadKey(thread), again);
      return true;
    }
    const isLast = this.isSurplus || asksToClose(request);
    // Who sends requests and reads no answers waits until he does.
    while (this.tcp.isFull) yield* until(TaskEvent.update);
    this.tcp.send(writeReply(request, yield* replyTo(this, request), isLast));
    return isLast;
  }

  /** Where the session of a request is, if this connection can go there: not when it carries media or is a tunnel. */
  #foreignThreadOf(request: RtspRequest): number {
    const mustStay = this.isEncrypted || this.isSurplus || this.#tunnel !== undefined;
    if (mustStay || this.#channels.size > 0) return -1;
    return foreignThreadOf(request, this.service.host);
  }

  #refreshSessions(): void {
    for (const session of this.sessions) session.refresh();
  }

  get #timeoutMs(): number {
    return this.service.settings.sessionTimeoutSeconds * 1000;
  }

  // A connection that is silent may still be somebody's: its sessions have timeouts of their own.
  #isIdle(): boolean {
    if (this.sessions.size === 0) return true;
    this.#timeout.refresh();
    return false;
  }
}
