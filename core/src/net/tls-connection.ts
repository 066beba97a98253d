/**
 * One accepted TLS connection of a task thread: node:tls over a TcpConnection, behind the face of one. Called by the task that owns
 * it. What is sent in one turn is encrypted and written at its end. Runs of packets are read out of the file and copied, since they
 * can't be cut by the kernel: unlike that of a plain connection, this way of media allocates.
 * Rule: what a client sends is decrypted in its owner's runs, a few records in each, so that it costs the others no more than a
 * request would; what waits is bounded. Spec: RFC 8446, RFC 5246. Thread: the owner's.
 */
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import { native } from '@finch/native';
import { type Armable, kReadable, TaskEvent } from '../reactor/events';
import type { TaskRef } from '../reactor/task-ref';
import { Errno } from './errno';
import type { PacketRun } from './packet-row';
import { RecordEnds } from './record-ends';
import type { SocketAddress } from './socket-address';
import type { StreamConnection, StreamConnectionEvents } from './stream-connection';
import { TcpConnection } from './tcp-connection';
import type { Handshake, TlsContext } from './tls-context';
import { TlsWire } from './tls-wire';

/** How long a handshake may take, in milliseconds: some round trips of a bad network. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Records that one receive() decrypts at most: of key updates (RFC 8446 §4.6.3), the dearest, a tenth of a millisecond. */
export const RECORDS_PER_RECEIVE = 4;
/** Records without content that a client may be ahead of those with content: a handshake has some ten, key updates are rare. */
export const MAX_EMPTY_RECORDS = 128;
/** The connection is full while more than this waits, in bytes. */
const HIGH_WATER_BYTES = 64 * 1024;
/** What may wait in all, in bytes, of those who send without looking at isFull. */
const MAX_WAITING_BYTES = 8_000_000;
const NOTHING = new Uint8Array(0);

/** An accepted TLS connection; see the head of this file. */
export class TlsConnection implements StreamConnection, Armable, Handshake {
  readonly localAddress: SocketAddress;
  readonly #tcp: TcpConnection;
  readonly #wire: TlsWire;
  readonly #socket: TLSSocket;
  readonly #task: TaskRef;
  readonly #tls: TlsContext;
  readonly #events: StreamConnectionEvents;
  readonly #peerName: string;
  readonly #recordEnds = new RecordEnds();
  /** Received, and not yet decrypted. */
  #encrypted: Uint8Array = NOTHING;
  #emptyRecords = 0;
  #contentBytes = 0;
  #handshakeTimer: NodeJS.Timeout | undefined;
  #wantsReadable = false;
  #hasEnded = false;
  #wasFull = false;
  #isCorked = false;
  /** The handshake has succeeded. */
  #isSecure = false;
  #isClosed = false;
  /** Why nothing more can be sent (-errno), 0 while it can. */
  #broken = 0;
  #isBreakTold = false;

  /** Takes over the accepted descriptor; throws Error (and leaves it to the caller) when the event thread refuses it. */
  constructor(
    fd: number,
    peer: SocketAddress,
    task: TaskRef,
    tls: TlsContext,
    events: StreamConnectionEvents,
  ) {
    this.#task = task;
    this.#tls = tls;
    this.#events = events;
    this.#peerName = String(peer);
    this.#tcp = new TcpConnection(fd, task, tls.batch, {
      drained: () => this.#wire.hasRoom(),
      broken: (code) => this.#break(code),
      holdQueued: () => this.#holdQueued(),
    });
    this.localAddress = this.#tcp.localAddress;
    this.#wire = new TlsWire(this.#tcp);
    const options: TLSSocketOptions & { highWaterMark: number } = {
      isServer: true,
      secureContext: tls.secureContext,
      requestCert: false,
      highWaterMark: HIGH_WATER_BYTES,
    };
    this.#socket = new TLSSocket(this.#wire, options);
    this.#listen();
    this.#handshakeTimer = setTimeout(
      () => this.giveUp(`it took more than ${HANDSHAKE_TIMEOUT_MS} ms`),
      HANDSHAKE_TIMEOUT_MS,
    );
    tls.handshakeBegun(this);
  }

  /** It is armed itself. */
  get context(): Armable {
    return this;
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Part of Armable. */
  arm(mask: number): void {
    this.#wantsReadable ||= (mask & kReadable) !== 0;
    if (this.#wantsReadable && this.#isReadable) this.#tellReadable();
    else this.#tcp.context.arm(mask);
  }

  receive(into: Uint8Array): number {
    this.#decryptSome();
    const ready = this.#socket.readableLength;
    if (ready > 0) {
      const chunk: Buffer = this.#socket.read(Math.min(ready, into.length));
      into.set(chunk);
      return chunk.length;
    }
    if (this.#broken !== 0) return this.#broken;
    return this.#hasEnded ? 0 : -Errno.EAGAIN;
  }

  /** As receive(), encrypted. */
  drain(into: Uint8Array): number {
    return this.#tcp.drain(into);
  }

  send(bytes: Uint8Array): void {
    if (this.#isClosed || this.#broken !== 0) return;
    if (this.#socket.writableLength + bytes.length > MAX_WAITING_BYTES) {
      this.#break(-Errno.ENOBUFS);
      return;
    }
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(this.#uncork);
    }
    this.#socket.write(Buffer.from(bytes));
    this.#wasFull ||= this.isFull;
    if (!this.#holdQueued()) this.#break(-Errno.ENOBUFS);
  }

  /** Sends as send() does: what leaves in one turn shares its records. */
  sendNow(bytes: Uint8Array): void {
    this.send(bytes);
  }

  sendRun(run: PacketRun, channel: number): void {
    if (this.#isClosed || this.#broken !== 0) return;
    const code = this.#tls.runs.eachPiece(run, channel, (piece) => this.send(piece));
    if (code < 0) this.#break(code);
  }

  delivered(events: number): void {
    if (this.#isClosed) return;
    this.#tcp.delivered(events);
    if (this.#broken !== 0 && !this.#isBreakTold) {
      this.#isBreakTold = true;
      this.#events.broken(this.#broken);
    } else if (this.#wasFull && !this.isFull) {
      this.#wasFull = false;
      this.#events.drained();
    }
  }

  /** Sends what the socket takes and ends the connection, as soon as TLS has had its say; what waits for room is dropped. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endHandshake();
    if (this.#broken !== 0 || !this.#isSecure) {
      this.#socket.destroy();
      return;
    }
    this.#socket.end();
    this.#wire.becomeLast();
  }

  /** Part of Handshake. */
  giveUp(reason: string): void {
    this.#handshakeFailed(reason);
    this.#break(-Errno.EPROTO);
  }

  #listen(): void {
    this.#socket.on('secure', () => {
      this.#isSecure = true;
      this.#endHandshake();
    });
    this.#socket.on('readable', () => this.#tellReadable());
    this.#socket.on('drain', () => this.#drained());
    this.#socket.on('end', () => this.#ended());
    // Node keeps errors of records to itself, as '_tlsError', until a tls.Server would have let go of the socket.
    for (const name of ['error', '_tlsError']) this.#socket.on(name, (error: Error) => this.#failed(error));
  }

  // One record after another, so that it is known which of them had content; until there is something to read.
  #decryptSome(): void {
    for (let records = 0; records < RECORDS_PER_RECEIVE; records++) {
      if (this.#socket.readableLength > 0 || this.#broken !== 0 || this.#hasEnded) return;
      if (this.#wire.destroyed) return; // TLS has given up; why is heard of when this run is over
      if (this.#encrypted.length === 0 && !this.#fetch()) return;
      const sizeBytes = this.#recordEnds.next(this.#encrypted);
      this.#wire.push(this.#encrypted.subarray(0, sizeBytes));
      this.#encrypted = this.#encrypted.subarray(sizeBytes);
      if (this.#recordEnds.isAtEnd) this.#countRecord();
    }
  }

  #fetch(): boolean {
    const received = this.#tcp.receive(this.#tls.received);
    if (received > 0) this.#encrypted = this.#tls.received.slice(0, received);
    else if (received === 0) this.#ended();
    else if (received !== -Errno.EAGAIN) this.#break(received);
    return received > 0;
  }

  #countRecord(): void {
    const contentBytes = this.#socket.bytesRead;
    const isEmpty = contentBytes === this.#contentBytes;
    this.#contentBytes = contentBytes;
    this.#emptyRecords = Math.max(0, this.#emptyRecords + (isEmpty ? 1 : -1));
    if (this.#emptyRecords <= MAX_EMPTY_RECORDS) return;
    this.#tls.log.debug(
      `${this.#peerName}: ended: more than ${MAX_EMPTY_RECORDS} TLS records without content`,
    );
    this.#break(-Errno.EPROTO);
  }

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };

  #drained(): void {
    if (this.#isClosed) return;
    this.#holdQueued();
    native.signalTask(this.#task, TaskEvent.write);
  }

  // What TLS has not got rid of, and, encrypted, what the socket has not taken of it.
  #holdQueued(): boolean {
    return this.#events.holdQueued?.(this.#socket.writableLength + this.#tcp.queuedBytes) ?? true;
  }

  get #isReadable(): boolean {
    const hasBytes = this.#encrypted.length > 0 || this.#socket.readableLength > 0;
    return hasBytes || this.#hasEnded || this.#broken !== 0;
  }

  #tellReadable(): void {
    if (!this.#wantsReadable || !this.#isReadable) return;
    this.#wantsReadable = false;
    native.signalTask(this.#task, TaskEvent.read);
  }

  #ended(): void {
    this.#handshakeFailed('the client closed');
    this.#hasEnded = true;
    this.#tellReadable();
  }

  #failed(error: Error): void {
    this.#handshakeFailed(oneLine(error));
    this.#break(-Errno.EPROTO);
  }

  #break(code: number): void {
    if (this.#broken !== 0 || this.#isClosed) return;
    this.#broken = code;
    this.#endHandshake();
    native.signalTask(this.#task, TaskEvent.write);
  }

  #handshakeFailed(reason: string): void {
    if (this.#handshakeTimer === undefined) return;
    this.#tls.log.debug(`${this.#peerName}: TLS handshake failed: ${reason}`);
    this.#endHandshake();
  }

  #endHandshake(): void {
    clearTimeout(this.#handshakeTimer);
    this.#handshakeTimer = undefined;
    this.#tls.handshakeEnded(this);
  }
}

/** OpenSSL's reason ("wrong version number") where there is one: its messages are long, and end with a line feed. */
function oneLine(error: Error & { readonly reason?: string }): string {
  return error.reason ?? error.message.trim();
}
