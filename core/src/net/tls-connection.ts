/**
 * One accepted TLS connection of a task thread: node:tls on the thread's own loop behind the face of a connection. Called by the
 * task that owns it. What is sent in one turn is encrypted and written at its end. Runs of packets are read out of the file and
 * copied, since they can't be cut by the kernel: unlike that of a plain connection, this way of media allocates.
 * Rule: it tells its task by signals alone, so that its owner runs in turns like everybody else; what waits is bounded.
 * Spec: RFC 8446, RFC 5246. Thread: the owner's.
 */
import { Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import { native } from '@finch/native';
import { type Armable, kReadable, kWritable, TaskEvent } from '../reactor/events';
import type { TaskRef } from '../reactor/task-ref';
import { Errno } from './errno';
import type { PacketRun } from './packet-row';
import type { WatchedRecords } from './record-watch';
import { ADDRESS_WORDS, SocketAddress } from './socket-address';
import type { StreamConnection, StreamConnectionEvents } from './stream-connection';
import type { Handshake, TlsContext } from './tls-context';

/** How long a handshake may take, in milliseconds: some round trips of a bad network. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** The connection is full while more than this waits, in bytes; so much is also read ahead of its owner. */
const HIGH_WATER_BYTES = 64 * 1024;
/**
 * For the listener of TLS connections: what the kernel holds of a client's bytes (SO_RCVBUF). node:tls decrypts at one go what one
 * read brings, while its thread waits: of key updates, the dearest for their size, so little is some three milliseconds.
 */
export const TLS_RECEIVE_BUFFER_BYTES = 4096;
/** What may wait in all, in bytes, of those who send without looking at isFull. */
const MAX_WAITING_BYTES = 8_000_000;
/** How often close() looks whether what was sent can still leave, and after how many milliseconds each: a second in all. */
const LINGER_LOOKS = 20;
const LINGER_LOOK_MS = 50;
const NOTHING = new Uint8Array(0);

/** An accepted TLS connection; see the head of this file. */
export class TlsConnection implements StreamConnection, Armable, Handshake, WatchedRecords {
  readonly localAddress: SocketAddress;
  readonly #fd: number;
  /** Below TLS. */
  readonly #raw: Socket;
  readonly #socket: TLSSocket;
  readonly #task: TaskRef;
  readonly #tls: TlsContext;
  readonly #events: StreamConnectionEvents;
  readonly #peerName: string;
  #handshakeTimer: NodeJS.Timeout | undefined;
  #wanted = 0;
  #hasEnded = false;
  #wasFull = false;
  #isCorked = false;
  /** The handshake has succeeded. */
  #isSecure = false;
  #isClosed = false;
  /** Why nothing more can be sent (-errno), 0 while it can. */
  #broken = 0;
  #isBreakTold = false;

  /** Takes over the accepted descriptor; throws Error (and leaves it to the caller) when it is no stream socket. */
  constructor(
    fd: number,
    peer: SocketAddress,
    task: TaskRef,
    tls: TlsContext,
    events: StreamConnectionEvents,
  ) {
    this.#fd = fd;
    this.#task = task;
    this.#tls = tls;
    this.#events = events;
    this.#peerName = String(peer);
    const words = new Uint32Array(ADDRESS_WORDS);
    native.socketName(fd, words);
    this.localAddress = SocketAddress.fromWords(words).unmapped();
    this.#raw = new Socket({ fd, readable: true, writable: true });
    this.#raw.on('error', () => {}); // the TLS socket above it hears of it, too
    const options: TLSSocketOptions & { highWaterMark: number } = {
      isServer: true,
      secureContext: tls.secureContext,
      requestCert: false,
      highWaterMark: HIGH_WATER_BYTES,
    };
    this.#socket = new TLSSocket(this.#raw, options);
    this.#listen();
    this.#handshakeTimer = setTimeout(
      () => this.giveUp(`it took more than ${HANDSHAKE_TIMEOUT_MS} ms`),
      HANDSHAKE_TIMEOUT_MS,
    );
    tls.handshakeBegun(this);
    tls.records.add(this);
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

  /** Part of WatchedRecords. */
  get rawBytes(): number {
    return this.#raw.bytesRead;
  }

  /** Part of WatchedRecords. */
  get contentBytes(): number {
    return this.#socket.bytesRead;
  }

  /** Part of Armable. */
  arm(mask: number): void {
    this.#wanted |= mask;
    this.#tellReady();
  }

  receive(into: Uint8Array): number {
    const ready = this.#socket.readableLength;
    if (ready > 0) {
      const chunk: Buffer = this.#socket.read(Math.min(ready, into.length));
      into.set(chunk);
      return chunk.length;
    }
    if (this.#broken !== 0) return this.#broken;
    if (this.#hasEnded) return 0;
    this.#socket.read(0); // asks for more, and makes the end of the stream known
    return -Errno.EAGAIN;
  }

  /** As receive(): what the kernel has gets here by itself, up to what is read ahead. */
  drain(into: Uint8Array): number {
    return this.receive(into);
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
    if (this.#events.holdQueued?.(this.#socket.writableLength) === false) this.#break(-Errno.ENOBUFS);
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
    if (this.#broken !== 0 && !this.#isBreakTold) {
      this.#isBreakTold = true;
      this.#events.broken(this.#broken);
    } else if (events & TaskEvent.write && this.#wasFull && !this.isFull) {
      this.#wasFull = false;
      this.#events.drained();
    }
  }

  /** Sends what the client takes within a second and ends the connection; at once when he has reset it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endHandshake();
    if (this.#broken !== 0 || !this.#isSecure || this.#isReset) this.#socket.destroy();
    if (this.#socket.destroyed) return;
    this.#socket.destroySoon();
    let looks = 0;
    const linger = setInterval(() => {
      if (++looks === LINGER_LOOKS || this.#isReset) this.#socket.destroy();
    }, LINGER_LOOK_MS);
    this.#socket.once('close', () => clearInterval(linger));
  }

  /** Part of Handshake. */
  giveUp(reason: string): void {
    this.#handshakeFailed(reason);
    this.#break(-Errno.EPROTO);
  }

  /** Part of WatchedRecords: it reads no more, not even what comes while it is being closed. */
  allowanceSpent(): void {
    this.#tls.log.debug(`${this.#peerName}: ended: its TLS records hold next to nothing`);
    this.#break(-Errno.EPROTO);
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on('secure', () => {
      this.#isSecure = true;
      this.#endHandshake();
      setImmediate(() => this.#breakIfReset()); // when the last flight of the handshake has been written
    });
    this.#socket.on('readable', () => this.#tellReady());
    this.#socket.on('drain', () => this.#drained());
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('close', () => {
      this.#tls.records.remove(this);
      this.#ended();
    });
    // Node keeps errors of records to itself, as '_tlsError', until a tls.Server would have let go of the socket.
    for (const name of ['error', '_tlsError']) this.#socket.on(name, (error: Error) => this.#failed(error));
  }

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };

  #drained(): void {
    if (this.#isClosed) return;
    this.#events.holdQueued?.(0);
    native.signalTask(this.#task, TaskEvent.write);
  }

  #tellReady(): void {
    const isReadable = this.#hasEnded || this.#broken !== 0 || this.#socket.readableLength > 0;
    const ready = (isReadable ? kReadable : 0) | (this.isFull ? 0 : kWritable);
    const heard = this.#wanted & ready;
    if (heard === 0) return;
    this.#wanted &= ~heard;
    const events = (heard & kReadable ? TaskEvent.read : 0) | (heard & kWritable ? TaskEvent.write : 0);
    native.signalTask(this.#task, events);
  }

  #ended(): void {
    this.#handshakeFailed('the client closed');
    this.#hasEnded = true;
    this.#breakIfReset();
    this.#tellReady();
  }

  // Node loses the error of a write that was nobody's but TLS's own (the tickets behind a handshake, for one): what is written
  // behind it waits for ever, and the kernel tells an error only once, so that reading finds a plain end. Hence it is asked: it
  // refuses even to send nothing on a connection that was reset.
  get #isReset(): boolean {
    const isThere = !this.#raw.destroyed && !this.#socket.destroyed;
    return isThere && native.tcpSend(this.#fd, NOTHING, 0) < 0;
  }

  #breakIfReset(): void {
    if (this.#isReset) this.#break(-Errno.ECONNRESET);
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
    this.#tellReady();
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
