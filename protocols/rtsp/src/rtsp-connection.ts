/**
 * One RTSP connection: reads requests, answers them in order, carries interleaved packets both ways. Made by the
 * acceptor for each descriptor. Rule: a request that fails is answered with its error and costs nobody else anything; bytes
 * that are no RTSP end the connection. HTTP makes it a half of a tunnel or a WebSocket, or ends it: http-request.ts.
 * Spec: RFC 2326 §4-§7, §10.12. Thread: one task thread, from accept to close.
 */
import {
  type CoroutineBody,
  CoroutineTask,
  Errno,
  type Refusal,
  readable,
  type SocketAddress,
  type StreamConnection,
  type StreamConnectionEvents,
  TaskEvent,
  TcpConnection,
  TlsConnection,
  type TlsContext,
  until,
} from '@finch/core';
import type { InterleavedFrame, RtspParseError, RtspRequest } from 'rtsp-stream-parser';
import type { ByteSource } from './byte-source';
import { drain } from './closing';
import type { ConnectionMemory } from './connection-memory';
import { ConnectionTimeout, connectionTimes } from './connection-timeout';
import { errorAnswer, errorReply, parseErrorAnswer } from './error-reply';
import { RtspError } from './errors';
import { bytesAgain, foreignThreadOf, threadKey } from './foreign-session';
import { answerHttp, type HttpClient, isHttp } from './http-request';
import { HttpTunnel, type TunnelOwner } from './http-tunnel';
import { InterleavedChannels } from './interleaved-channels';
import { asksToClose, writeReply } from './reply-writer';
import { rateError, replyTo } from './request-dispatch';
import { type IntakeEvents, RequestIntake } from './request-intake';
import { RequestRate } from './request-rate';
import { isComing, type RtspReply } from './rtsp-reply';
import type { RtspService } from './rtsp-service';
import { READ_EFFORT, REQUEST_EFFORT, RunEffort } from './run-effort';
import type { ConnectedSession } from './session-connection';
import { WebSocketConnection, type WebSocketOwner } from './websocket-connection';

/** The first byte of a TLS connection, a record with a handshake (RFC 8446 §5.1); nothing else begins with it. */
const TLS_HANDSHAKE = 0x16;
const NOTHING = new Uint8Array(0);

/** How a connection came to its thread. */
export interface Arrival {
  /** What was taken of the memory budget for it; the connection gives it back. */
  readonly memory: ConnectionMemory;
  /** Why it is one too many: it hears so and no more. */
  readonly refusal: Refusal | undefined;
  /** It speaks TLS. */
  readonly tls?: TlsContext;
  /** What another thread had read of it. */
  readonly first?: Uint8Array;
  /** The levels of its request rate there. */
  readonly rateLevels?: readonly number[];
}

/** A task for one connection; kill closes it. */
export class RtspConnection
  extends CoroutineTask
  implements StreamConnectionEvents, IntakeEvents, HttpClient, TunnelOwner, WebSocketOwner
{
  /** Its stream; a WebSocket puts itself around what it was before. */
  tcp: StreamConnection;
  /** Whether it is RTSPS: nothing of it may travel in clear. */
  readonly isEncrypted: boolean;
  readonly refusal: Refusal | undefined;
  /** Sessions that were set up here and not yet ended. */
  readonly sessions = new Set<ConnectedSession>();
  readonly channels = new InterleavedChannels();
  readonly #intake: RequestIntake;
  readonly #rate: RequestRate;
  readonly #effort = new RunEffort();
  readonly #memory: ConnectionMemory;
  readonly #first: Uint8Array | undefined;
  readonly #timeout: ConnectionTimeout;
  #tunnel: HttpTunnel | undefined;
  #requestCount = 0;
  /** More came of what has no answer than is borne. */
  #isFlooded = false;

  /** Takes over the descriptor and its memory; throws Error (and leaves both to the caller) when it can't be served. */
  constructor(
    readonly service: RtspService,
    fd: number,
    readonly peer: SocketAddress,
    { memory, refusal, tls, first, rateLevels }: Arrival,
  ) {
    super(service.host.thread, 'rtsp');
    this.refusal = refusal;
    this.#intake = new RequestIntake(this, service.settings);
    this.#rate = new RequestRate(service.settings.maxRequestsPerSecond, this.thread.nowUs, rateLevels);
    this.#memory = memory;
    this.#first = first;
    this.#timeout = new ConnectionTimeout(this, connectionTimes(service.settings, refusal));
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
    this.#effort.begin();
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

  /** Part of StreamConnectionEvents. */
  holdQueued(sizeBytes: number): boolean {
    if (this.#memory.holdQueued(sizeBytes)) return true;
    this.service.memorySpent();
    return false;
  }

  /** Makes this the GET half of the tunnel `key`: what it reads comes out of the POST halves from now on. */
  openTunnel(key: string): void {
    this.#tunnel = new HttpTunnel(this, key);
    this.service.tunnelOpened(this);
    this.#timeout.isHalfOpen = true;
  }

  /** Makes what goes and comes from now on messages of a WebSocket; `rest` has come already. */
  openWebSocket(rest: Uint8Array): void {
    this.tcp = new WebSocketConnection(this, rest);
  }

  get isWebSocket(): boolean {
    return this.tcp instanceof WebSocketConnection;
  }

  /** The tunnel has got a POST half. */
  tunnelJoined(): void {
    this.service.halfOpenTunnels.delete(this);
    this.#timeout.isHalfOpen = false;
  }

  /** Part of IntakeEvents. */
  frameArrived(frame: InterleavedFrame): void {
    this.countUnanswered();
    this.channels.arrived(frame);
    if (this.sessions.size > 0) this.#timeout.refresh();
    this.#refreshSessions();
  }

  /** Part of IntakeEvents and TunnelOwner. */
  countUnanswered(): void {
    this.#isFlooded ||= this.#rate.take(this.thread.nowUs) === 'ended';
  }

  /** Part of IntakeEvents. */
  isLastHere(request: RtspRequest): boolean {
    return isHttp(request) || this.#foreignThreadOf(request) >= 0;
  }

  /**
   * Gives the socket to who claims `key`, with what was read of it and is his; the body must end then. TypeError for RTSPS,
   * whose keys stay with their thread, and for a WebSocket.
   */
  handOver(key: string, rest: Uint8Array): void {
    if (!(this.tcp instanceof TcpConnection))
      throw new TypeError('only a plain connection can be handed over');
    const fd = this.tcp.release();
    this.service.host.handOver(key, { fd, peer: this.peer, bytes: rest, notes: this.#rate.levels });
  }

  protected *body(): CoroutineBody {
    const hello = yield* this.#serve();
    if (this.tcp.isOpen) yield* drain(this.tcp, this.service.receiveBuffer, hello);
  }

  /** Returns the begin of a TLS record if it was one that came. */
  *#serve(): CoroutineBody<Uint8Array | undefined> {
    const { receiveBuffer } = this.service;
    let isBegin = this.#first === undefined;
    let isEmpty = false;
    if (this.#first !== undefined && (yield* this.#take(this.#first))) return;
    for (;;) {
      if (this.#isFlooded) {
        this.tcp.send(errorAnswer(rateError(this), this.#intake.unfinishedCSeq));
        return;
      }
      if (!this.#effort.exert(READ_EFFORT)) yield* this.#effort.exertLater(READ_EFFORT);
      const source = this.#source;
      const received: number = isEmpty ? -Errno.EAGAIN : source.receive(receiveBuffer);
      isEmpty = false;
      if (received === -Errno.EAGAIN) {
        const events = yield* readable(source.context, TaskEvent.timeout);
        if (events & TaskEvent.timeout && this.#hasTimedOut()) return;
        continue;
      }
      if (received <= 0) return;
      const chunk = receiveBuffer.subarray(0, received);
      if (isBegin && chunk[0] === TLS_HANDSHAKE) return chunk.slice();
      isBegin = false;
      if (yield* this.#take(chunk)) return;
      // A socket that gave less than there was room for has no more: what comes now is heard of as what comes later.
      isEmpty = received < receiveBuffer.length && source instanceof TcpConnection && source === this.#source;
    }
  }

  protected override onDeleted(): void {
    for (const session of this.sessions) session.connectionClosed(this);
    this.sessions.clear();
    this.channels.clear();
    this.#timeout.cancel();
    if (this.tcp === undefined) return; // its descriptor was refused: the service counts it
    this.#memory.giveBack();
    this.#tunnel?.close();
    this.service.halfOpenTunnels.delete(this);
    this.service.connections.delete(this);
    if (!this.tcp.isOpen) return; // it was handed over
    this.tcp.close();
    this.service.host.connectionClosed(this.peer);
  }

  get #source(): ByteSource {
    return this.#tunnel ?? this.tcp;
  }

  /** Answers what a chunk holds. True when the connection is over, or somebody else's. */
  *#take(chunk: Uint8Array): CoroutineBody<boolean> {
    for (let bytes = chunk; bytes.length > 0; ) {
      const { requests, rest, error } = this.#intake.take(bytes);
      const sourceBefore = this.#source;
      if (requests.length > 0) this.#refreshSessions();
      for (let place = 0; place < requests.length; place++) {
        const request = requests[place]!;
        if (!this.#effort.exert(REQUEST_EFFORT)) yield* this.#effort.exertLater(REQUEST_EFFORT);
        if (this.tcp.isFull && !isHttp(request) && !(yield* this.#hasRoom())) return true;
        const outcome = this.#answer(request, place === requests.length - 1 ? rest : undefined);
        if (typeof outcome === 'boolean' ? outcome : yield* outcome) return true;
      }
      if (requests.length > 0) this.#haveAnswered();
      if (error !== undefined) return this.#endFor(error);
      bytes = this.#source === sourceBefore ? (rest ?? NOTHING) : NOTHING; // a tunnel's GET has no body, a WebSocket was given its rest
      if (bytes.length > 0 && !this.#effort.exert(READ_EFFORT)) yield* this.#effort.exertLater(READ_EFFORT);
    }
    return !this.#holdsUnfinished();
  }

  #haveAnswered(): void {
    this.#timeout.refresh();
    this.takeEvents(TaskEvent.timeout); // what it took to answer was not the client's silence
  }

  #endFor(error: RtspParseError): true {
    this.service.log.debug(`${this.peer}: ${error.message}`);
    this.tcp.send(parseErrorAnswer(error));
    return true;
  }

  /** Accounts for what has come of a request; false when there is no memory for it, and the client has been told. */
  #holdsUnfinished(): boolean {
    const { unfinishedBytes } = this.#intake;
    this.#timeout.isHalfOpen = unfinishedBytes > 0 || this.service.halfOpenTunnels.has(this);
    if (this.#memory.holdUnfinished(unfinishedBytes)) return true;
    this.tcp.send(errorAnswer(this.service.memorySpent(), this.#intake.unfinishedCSeq));
    return false;
  }

  /**
   * Answers one request; true when the connection is over, or somebody else's. Most answers are there at once, and a coroutine for
   * each of them would cost more than many a request: there is one only for what has to be waited for. `rest` is there when the
   * parsing ended behind the request: it may go elsewhere, with what follows.
   */
  #answer(request: RtspRequest, rest: Uint8Array | undefined): boolean | CoroutineBody<boolean> {
    const isFirst = this.#requestCount++ === 0;
    if (isHttp(request)) return !answerHttp(this, request, rest ?? NOTHING, isFirst);
    const verdict = this.#rate.take(this.thread.nowUs);
    const thread = verdict === 'served' ? this.#foreignThreadOf(request) : -1;
    const again = thread >= 0 && rest !== undefined ? bytesAgain(request, rest) : undefined;
    if (again !== undefined) {
      this.handOver(threadKey(thread), again);
      return true;
    }
    const isLast = this.refusal !== undefined || verdict === 'ended' || asksToClose(request);
    const answer = verdict === 'served' ? replyTo(this, request) : errorReply(rateError(this), request, this);
    return isComing(answer)
      ? this.#sendInTime(request, answer, isLast)
      : this.#sendReply(request, answer, isLast);
  }

  *#sendInTime(
    request: RtspRequest,
    coming: CoroutineBody<RtspReply>,
    isLast: boolean,
  ): CoroutineBody<boolean> {
    return this.#sendReply(request, yield* coming, isLast);
  }

  #sendReply(request: RtspRequest, reply: RtspReply, isLast: boolean): boolean {
    this.tcp.sendNow(writeReply(request, reply, isLast));
    return isLast;
  }

  /** Who sends requests and reads no answers waits until he does; false when he has been idle for too long. */
  *#hasRoom(): CoroutineBody<boolean> {
    while (this.tcp.isFull) {
      const events = yield* until(TaskEvent.update | TaskEvent.timeout);
      if (events & TaskEvent.timeout && this.#isIdle()) return false;
    }
    return true;
  }

  /** Where the session of a request is, if this connection can go there: a plain one without media that is no tunnel. */
  #foreignThreadOf(request: RtspRequest): number {
    const isPlain = this.tcp instanceof TcpConnection;
    const mustStay = !isPlain || this.refusal !== undefined || this.#tunnel !== undefined;
    if (mustStay || !this.channels.areFree) return -1;
    return foreignThreadOf(request, this.service.host);
  }

  #refreshSessions(): void {
    for (const session of this.sessions) session.refresh();
  }

  #hasTimedOut(): boolean {
    if (!this.#timeout.isHalfOpen) return this.#isIdle();
    const { unfinishedBytes, unfinishedCSeq } = this.#intake;
    const error = new RtspError('requestTimeout', 'the request was not finished in time');
    if (unfinishedBytes > 0) this.tcp.send(errorAnswer(error, unfinishedCSeq));
    return true;
  }

  // A connection that is silent may still be somebody's: its sessions have timeouts of their own.
  #isIdle(): boolean {
    if (this.sessions.size === 0) return true;
    this.#timeout.refresh();
    return false;
  }
}
