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
  type Refusal,
  readable,
  type SocketAddress,
  sleep,
  TaskEvent,
  TcpConnection,
  type TcpConnectionEvents,
  TimeoutTask,
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
import { errorAnswer, errorReply, parseErrorAnswer, SERVER_NAME } from './error-reply';
import { RtspError } from './errors';
import { parseCSeq } from './headers/cseq';
import { formatDate } from './headers/date';
import { checkRequire } from './headers/require';
import { answerHttp, isHttp } from './http-request';
import { HttpTunnel } from './http-tunnel';
import { CONNECTION_BYTES } from './memory-costs';
import { handlerOf } from './methods';
import { refusalError } from './refusals';
import { RequestRate } from './request-rate';
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
/** How long a client that is over a limit gets to ask, and to hear so, in milliseconds. */
const SURPLUS_TIMEOUT_MS = 2_000;
/** How long a connection is not listened to that sends more requests than it may, in milliseconds. */
const RATE_REST_MS = 1_000;
/** What the cost of a connection has room for; more of a request that is not whole is accounted for, in steps. */
const FREE_UNFINISHED_BYTES = 4096;
const UNFINISHED_STEP_BYTES = 4096;
const NOTHING = new Uint8Array(0);

/** What one chunk held. */
interface Parsed {
  readonly requests: readonly RtspRequest[];
  /** What came behind an HTTP request, which is the last one then. */
  readonly rest: Uint8Array;
  readonly error?: RtspParseError;
  /** Whether the chunk ended a message that is a sign of life: a request, or anything of who has a session. */
  readonly hasEndedMessage: boolean;
}

/** Hears what arrives on an interleaved channel. Valid during the call. */
export type ChannelListener = (payload: Uint8Array) => void;

/** A task for one connection; kill closes it. */
export class RtspConnection extends CoroutineTask implements TcpConnectionEvents {
  readonly tcp: TcpConnection;
  /** Sessions that were set up here and not yet ended. */
  readonly sessions = new Set<RtspSession>();
  readonly #parser: RtspStreamParser;
  readonly #rate: RequestRate;
  readonly #channels = new Map<number, ChannelListener>();
  readonly #timeout: TimeoutTask;
  #tunnel: HttpTunnel | undefined;
  #requestCount = 0;
  /** Whether a request has begun and not ended, or a tunnel lacks its other half. */
  #isHalfOpen = false;
  #takenBytes: number;

  /**
   * Takes over the descriptor, and the bytes of the memory budget that were taken for it; throws Error (and leaves both to
   * the caller) when it can't be served. With a `refusal` it hears so and no more.
   */
  constructor(
    readonly service: RtspService,
    fd: number,
    readonly peer: SocketAddress,
    readonly refusal: Refusal | undefined,
    takenBytes: number,
  ) {
    super(service.host.thread, 'rtsp');
    const { maxHeaderBytes, maxBodyBytes, maxRequestsPerSecond } = service.settings;
    this.#parser = new RtspStreamParser({ maxHeaderBytes, maxBodyBytes });
    this.#rate = new RequestRate(maxRequestsPerSecond, this.thread.nowUs);
    this.#timeout = new TimeoutTask(this, this.#idleTimeoutMs);
    this.#takenBytes = 0; // the caller's until all has gone well
    try {
      this.tcp = new TcpConnection(fd, this.ref, service.host.batch, this);
    } catch (error) {
      this.signal(TaskEvent.kill);
      throw error;
    }
    this.#takenBytes = takenBytes;
    service.connections.add(this);
    this.signal(TaskEvent.start);
  }

  override run(events: number): number {
    this.tcp.delivered(events);
    return super.run(events);
  }

  /** Part of TcpConnectionEvents. */
  drained(): void {
    this.signal(TaskEvent.update);
    for (const session of this.sessions) session.roomAgain();
  }

  /** Part of TcpConnectionEvents. */
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
    this.#setHalfOpen(true);
  }

  /** The tunnel has got a POST half. */
  tunnelJoined(): void {
    this.service.halfOpenTunnels.delete(this);
    this.#setHalfOpen(false);
  }

  /** Gives the socket to the tunnel `key`, with what was read of it behind the POST's head; the body must end then. */
  handOver(key: string, rest: Uint8Array): void {
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
        if (events & TaskEvent.timeout && this.#hasTimedOut()) return;
        continue;
      }
      if (received <= 0 || (isBegin && receiveBuffer[0] === TLS_HANDSHAKE)) return;
      isBegin = false;
      const { requests, rest, error, hasEndedMessage } = this.#parse(receiveBuffer.subarray(0, received));
      for (const [place, request] of requests.entries()) {
        if (place % MAX_REQUESTS_PER_RUN === MAX_REQUESTS_PER_RUN - 1) yield* sleep(0);
        const isLast = yield* this.#answer(request, rest);
        if (isLast) return;
      }
      // What it took to answer is not the client's silence.
      if (requests.length > 0) this.takeEvents(TaskEvent.timeout);
      this.#watch(hasEndedMessage);
      if (error !== undefined) {
        this.service.log.debug(`${this.peer}: ${error.message}`);
        this.tcp.send(parseErrorAnswer(error));
        return;
      }
      if (!this.#account(this.#parser.bufferedBytes)) {
        this.tcp.send(errorAnswer(this.service.memorySpent()));
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
    this.service.host.memory.give('connections', this.#takenBytes);
    this.#tunnel?.close();
    this.service.halfOpenTunnels.delete(this);
    this.service.connections.delete(this);
    if (!this.tcp.isOpen) return; // it was handed over
    this.tcp.close();
    this.service.host.connectionClosed(this.peer);
  }

  // The chunk is the thread's: everything is taken out of it before anybody waits.
  #parse(chunk: Uint8Array): Parsed {
    const requests: RtspRequest[] = [];
    let hasEndedMessage = false;
    try {
      this.#parser.feed(chunk);
      for (let message = this.#parser.read(); message !== null; message = this.#parser.read()) {
        hasEndedMessage ||= message.kind === 'request' || this.sessions.size > 0;
        this.#sort(message, requests);
        if (message.kind === 'request' && isHttp(message))
          return { requests, rest: this.#parser.takeRest().slice(), hasEndedMessage };
      }
      return { requests, rest: NOTHING, hasEndedMessage };
    } catch (error) {
      if (error instanceof RtspParseError) return { requests, rest: NOTHING, error, hasEndedMessage };
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
    const isLast = this.refusal !== undefined || request.headers.get('Connection')?.toLowerCase() === 'close';
    // Who sends requests and reads no answers waits until he does, or until he has been idle for too long.
    while (this.tcp.isFull) {
      const events = yield* until(TaskEvent.update | TaskEvent.timeout);
      if (events & TaskEvent.timeout && this.#isIdle()) return true;
    }
    const isTooMany = !this.#rate.take(this.thread.nowUs);
    this.#send(request, isTooMany ? this.#rateReply(request) : yield* this.#replyTo(request));
    if (isTooMany && !isLast) yield* sleep(RATE_REST_MS);
    return isLast;
  }

  #rateReply(request: RtspRequest): RtspReply {
    const { maxRequestsPerSecond } = this.service.settings;
    const text = `more than ${maxRequestsPerSecond} requests a second`;
    return errorReply(new RtspError('serviceUnavailable', text, { 'Retry-After': '1' }), request, this);
  }

  *#replyTo(request: RtspRequest): CoroutineBody<RtspReply> {
    try {
      if (this.refusal !== undefined) throw refusalError(this.refusal);
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

  get #idleTimeoutMs(): number {
    return this.refusal === undefined ? this.service.settings.idleTimeoutSeconds * 1000 : SURPLUS_TIMEOUT_MS;
  }

  get #halfOpenTimeoutMs(): number {
    return Math.min(this.service.settings.requestTimeoutSeconds * 1000, this.#idleTimeoutMs);
  }

  // Only whole messages are signs of life: time for a request runs from its first byte, however slowly the others come.
  #watch(hasEndedMessage: boolean): void {
    const isHalfOpen = this.#parser.bufferedBytes > 0 || this.service.halfOpenTunnels.has(this);
    if (isHalfOpen !== this.#isHalfOpen) this.#setHalfOpen(isHalfOpen);
    else if (hasEndedMessage) this.#timeout.refresh();
  }

  #setHalfOpen(isHalfOpen: boolean): void {
    this.#isHalfOpen = isHalfOpen;
    this.#timeout.changeTimeout(isHalfOpen ? this.#halfOpenTimeoutMs : this.#idleTimeoutMs);
  }

  // Accounts for a request that is not whole; false when the memory budget is spent.
  #account(unfinishedBytes: number): boolean {
    const { memory } = this.service.host;
    const steps = Math.ceil(Math.max(0, unfinishedBytes - FREE_UNFINISHED_BYTES) / UNFINISHED_STEP_BYTES);
    const moreBytes = steps * UNFINISHED_STEP_BYTES - Math.max(0, this.#takenBytes - CONNECTION_BYTES);
    if (moreBytes > 0 && !memory.tryTake('connections', moreBytes)) return false;
    if (moreBytes < 0) memory.give('connections', -moreBytes);
    this.#takenBytes += moreBytes;
    return true;
  }

  #hasTimedOut(): boolean {
    if (!this.#isHalfOpen) return this.#isIdle();
    if (this.#parser.bufferedBytes > 0)
      this.tcp.send(errorAnswer(new RtspError('requestTimeout', 'the request was not finished in time')));
    return true;
  }

  // A connection that is silent may still be somebody's: its sessions have timeouts of their own.
  #isIdle(): boolean {
    if (this.sessions.size === 0) return true;
    this.#timeout.refresh();
    return false;
  }
}
