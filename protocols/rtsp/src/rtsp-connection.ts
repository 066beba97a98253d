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
import {
  type RtspMessage,
  RtspParseError,
  type RtspRequest,
  RtspStreamParser,
  writeResponse,
} from 'rtsp-stream-parser';
import type { ByteSource } from './byte-source';
import { parseControlUrl } from './control-url';
import { errorReply, parseErrorAnswer, SERVER_NAME } from './error-reply';
import { RtspError } from './errors';
import { parseCSeq } from './headers/cseq';
import { formatDate } from './headers/date';
import { checkRequire } from './headers/require';
import { answerHttp, isHttp } from './http-request';
import { HttpTunnel } from './http-tunnel';
import { handlerOf } from './methods';
import { RtspExchange, type RtspReply } from './rtsp-exchange';
import type { RtspService } from './rtsp-service';
import type { RtspSession } from './rtsp-session';

const RTSP_VERSION = 'RTSP/1.0';
/** RTSP options that a client may require (RFC 2326 §12.32): none so far. */
const SUPPORTED_OPTIONS: ReadonlySet<string> = new Set();
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

/** What one chunk held. */
interface Parsed {
  readonly requests: readonly RtspRequest[];
  /** What came behind an HTTP request, which is the last one then. */
  readonly rest: Uint8Array;
  readonly error?: RtspParseError;
}

/** Hears what arrives on an interleaved channel. Valid during the call. */
export type ChannelListener = (payload: Uint8Array) => void;

/** A task for one connection; kill closes it. */
export class RtspConnection extends CoroutineTask implements StreamConnectionEvents {
  readonly tcp: StreamConnection;
  /** Whether it is RTSPS: nothing of it may travel in clear. */
  readonly isEncrypted: boolean;
  /** Sessions that were set up here and not yet ended. */
  readonly sessions = new Set<RtspSession>();
  readonly #parser = new RtspStreamParser();
  readonly #channels = new Map<number, ChannelListener>();
  readonly #timeout: TimeoutTask;
  #tunnel: HttpTunnel | undefined;
  #requestCount = 0;

  /** Takes over the descriptor, for RTSPS with `tls`; throws Error (and leaves it to the caller) when it can't be served. */
  constructor(
    readonly service: RtspService,
    fd: number,
    readonly peer: SocketAddress,
    readonly isSurplus: boolean,
    tls?: TlsContext,
  ) {
    super(service.host.thread, 'rtsp');
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

  /**
   * Gives the socket to the tunnel `key`, with what was read of it behind the POST's head; the body must end then.
   * TypeError for RTSPS, whose keys stay with their thread.
   */
  handOver(key: string, rest: Uint8Array): void {
    if (!(this.tcp instanceof TcpConnection))
      throw new TypeError('an RTSPS connection can not be handed over');
    this.service.host.handOver(key, { fd: this.tcp.release(), peer: this.peer, bytes: rest });
  }

  protected *body(): CoroutineBody {
    const { receiveBuffer } = this.service;
    let isBegin = true;
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
      const { requests, rest, error } = this.#parse(receiveBuffer.subarray(0, received));
      for (const [place, request] of requests.entries()) {
        if (place % MAX_REQUESTS_PER_RUN === MAX_REQUESTS_PER_RUN - 1) yield* sleep(0);
        const isLast = yield* this.#answer(request, rest);
        if (isLast) return;
      }
      if (error !== undefined) {
        this.service.log.debug(`${this.peer}: ${error.message}`);
        this.tcp.send(parseErrorAnswer(error));
        return;
      }
    }
  }

  protected override onDeleted(): void {
    for (const session of this.sessions) session.connectionClosed();
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

  // The chunk is the thread's: everything is taken out of it before anybody waits.
  #parse(chunk: Uint8Array): Parsed {
    const requests: RtspRequest[] = [];
    try {
      this.#parser.feed(chunk);
      for (let message = this.#parser.read(); message !== null; message = this.#parser.read()) {
        this.#sort(message, requests);
        if (message.kind === 'request' && isHttp(message))
          return { requests, rest: this.#parser.takeRest().slice() };
      }
      return { requests, rest: NOTHING };
    } catch (error) {
      if (error instanceof RtspParseError) return { requests, rest: NOTHING, error };
      throw error;
    }
  }

  #sort(message: RtspMessage, requests: RtspRequest[]): void {
    if (message.kind === 'frame') this.#channels.get(message.channel)?.(message.payload);
    else if (message.kind === 'request')
      requests.push(message.body.length === 0 ? message : { ...message, body: message.body.slice() });
    for (const session of this.sessions) session.refresh();
  }

  *#answer(request: RtspRequest, rest: Uint8Array): CoroutineBody<boolean> {
    const isFirst = this.#requestCount++ === 0;
    if (isHttp(request)) return !answerHttp(this, request, rest, isFirst);
    const isLast = this.isSurplus || request.headers.get('Connection')?.toLowerCase() === 'close';
    // Who sends requests and reads no answers waits until he does.
    while (this.tcp.isFull) yield* until(TaskEvent.update);
    this.#send(request, yield* this.#replyTo(request));
    return isLast;
  }

  *#replyTo(request: RtspRequest): CoroutineBody<RtspReply> {
    try {
      if (this.isSurplus)
        throw new RtspError('notEnoughBandwidth', 'the server has as many connections as it may have');
      if (request.version !== RTSP_VERSION)
        throw new RtspError('versionNotSupported', `found ${request.version}`);
      parseCSeq(request.headers.get('CSeq'));
      checkRequire(request.headers.get('Require'), SUPPORTED_OPTIONS);
      const handler = handlerOf(request.method);
      return yield* handler(new RtspExchange(this, request, parseControlUrl(request.url)));
    } catch (error) {
      return errorReply(error, request, this);
    }
  }

  #send(request: RtspRequest, { status = 200, headers, body }: RtspReply): void {
    const cseq = request.headers.get('CSeq');
    const all: Record<string, string> = {
      ...(cseq !== undefined && /^\s*\d{1,16}\s*$/.test(cseq) ? { CSeq: cseq.trim() } : {}),
      Date: formatDate(Date.now()),
      Server: SERVER_NAME,
      ...headers,
    };
    this.tcp.send(
      writeResponse({ statusCode: status, headers: all, ...(body === undefined ? {} : { body }) }),
    );
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
