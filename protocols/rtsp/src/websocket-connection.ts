/**
 * RTSP over a WebSocket: a connection within a connection, be that plain or encrypted. Made by the RTSP connection when its first
 * request has asked for it. What is sent together is one message of whole RTSP messages and interleaved frames; runs of packets are
 * copied for that, as for TLS. Rule: order, room and memory are the inner connection's; nothing is queued here.
 * Spec: RFC 6455 §5-§7, ONVIF Streaming Specification §7. Thread: the owner's.
 */
import {
  type Armable,
  Errno,
  type PacketRun,
  type SocketAddress,
  type StreamConnection,
  TaskEvent,
} from '@finch/core';
import type { ClientConnection } from './client-connection';
import type { RtspService } from './rtsp-service';
import { WebSocketDecoder } from './websocket-decoder';
import { CloseCode, closeFrame, frame, frameHead, Opcode } from './websocket-frame';

const NOTHING = new Uint8Array(0);

/** The connection that carries a WebSocket; `tcp` is what it was before. */
export interface WebSocketOwner extends Pick<ClientConnection, 'tcp' | 'peer' | 'signal'> {
  readonly service: Pick<RtspService, 'runs' | 'log'>;
  /** Something came in that is for nobody. */
  countUnanswered(): void;
  /** The stream is broken (-errno): nothing more can be sent. */
  broken(code: number): void;
}

/** The stream of bytes in a WebSocket's messages; see the head of this file. */
export class WebSocketConnection implements StreamConnection {
  readonly context: Armable;
  readonly localAddress: SocketAddress;
  readonly #owner: WebSocketOwner;
  readonly #inner: StreamConnection;
  readonly #decoder = new WebSocketDecoder((payload) => {
    this.#pong = frame(Opcode.pong, payload);
  });
  /** What was read before it was known that it is the WebSocket's. */
  #first: Uint8Array;
  /** The answer to the last ping of what was read: those before need none (RFC 6455 §5.5.3). */
  #pong: Uint8Array | undefined;
  /** Nothing goes behind a close frame (RFC 6455 §5.5.1). */
  #isCloseSent = false;
  /** -errno; 0 while runs can be copied. */
  #broken = 0;

  /** Takes over the connection of `owner`. `first` is what was read behind the handshake. */
  constructor(owner: WebSocketOwner, first: Uint8Array) {
    this.#owner = owner;
    this.#inner = owner.tcp;
    this.#first = first;
    this.context = this.#inner.context;
    this.localAddress = this.#inner.localAddress;
  }

  get isOpen(): boolean {
    return this.#inner.isOpen;
  }

  get isFull(): boolean {
    return this.#inner.isFull;
  }

  receive(into: Uint8Array): number {
    if (this.#decoder.end !== undefined) return this.#ended();
    const received = this.#receiveFrames(into);
    if (received <= 0) return received;
    const length = this.#decoder.decode(into.subarray(0, received));
    this.#answerPing();
    if (length > 0) return length;
    if (this.#decoder.end !== undefined) return this.#ended();
    this.#owner.countUnanswered(); // heads and pings without end are no reason to read without end
    return -Errno.EAGAIN;
  }

  /** Frames and all. */
  drain(into: Uint8Array): number {
    return this.#inner.drain(into);
  }

  send(bytes: Uint8Array): void {
    if (this.#isCloseSent) return;
    this.#inner.send(frameHead(Opcode.binary, bytes.length));
    this.#inner.send(bytes);
  }

  sendNow(bytes: Uint8Array): void {
    if (!this.#isCloseSent) this.#inner.sendNow(frame(Opcode.binary, bytes));
  }

  sendRun(run: PacketRun, channel: number): void {
    if (this.#isCloseSent || this.#broken !== 0) return;
    this.#broken = this.#owner.service.runs.eachPiece(run, channel, (piece) => this.send(piece));
    if (this.#broken !== 0) this.#owner.signal(TaskEvent.update); // its sessions must not end within their run
  }

  delivered(events: number): void {
    this.#inner.delivered(events);
    if (this.#broken !== 0) this.#owner.broken(this.#broken);
  }

  /** Tells the client and ends the connection. */
  close(): void {
    if (!this.isOpen) return;
    this.#sendClose(CloseCode.normal, '');
    this.#inner.close();
  }

  #receiveFrames(into: Uint8Array): number {
    const first = this.#first;
    if (first.length === 0) return this.#inner.receive(into);
    this.#first = NOTHING;
    into.set(first); // it came out of a buffer of this size
    return first.length;
  }

  // Who reads no answers gets none: nothing may pile up here that he asks for.
  #answerPing(): void {
    if (this.#pong !== undefined && !this.isFull && this.#decoder.end === undefined)
      this.#inner.send(this.#pong);
    this.#pong = undefined;
  }

  #ended(): 0 {
    const { code, reason } = this.#decoder.end!;
    if (reason !== '') this.#owner.service.log.debug(`${this.#owner.peer}: ${reason}`);
    this.#sendClose(code, reason);
    return 0;
  }

  #sendClose(code: number, reason: string): void {
    if (this.#isCloseSent) return;
    this.#isCloseSent = true;
    this.#inner.send(closeFrame(code, reason));
  }
}
