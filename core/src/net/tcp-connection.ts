/**
 * One accepted TCP connection of a task thread: reads at once, writes through the packet batch, keeps what the socket has
 * no room for. Called by the task that owns it. Rule: bytes leave in the order in which they were sent, whatever the
 * socket takes; the descriptor is closed once, by close(), or lives on after release(). Thread: the owner's.
 */
import { native } from '@finch/native';
import { EventContext } from '../reactor/event-context';
import { kWritable, TaskEvent } from '../reactor/events';
import type { TaskRef } from '../reactor/task-ref';
import { Errno } from './errno';
import { ARENA_BYTES, type PacketBatch } from './packet-batch';
import { type PacketRun, ROW_WORDS, writeInterleavedRun, writeStreamBytes } from './packet-row';
import { RowBacklog } from './row-backlog';
import type { RefusedRow, RowOwner } from './row-owner';
import { SocketAddress } from './socket-address';
import type { StreamConnection, StreamConnectionEvents } from './stream-connection';

/** Closes an accepted descriptor that never became a connection. */
export function closeDescriptor(fd: number): void {
  native.socketClose(fd);
}

/** An accepted connection; see the head of this file. */
export class TcpConnection implements StreamConnection, RowOwner {
  readonly context: EventContext;
  readonly #backlog = new RowBacklog();
  readonly #batch: PacketBatch;
  readonly #events: StreamConnectionEvents;
  /** The flush that the last of its rows waits for, or waited for. */
  #rowsOfFlush = -1;
  #broken = false;
  #closed = false;

  /** Takes over the accepted descriptor; throws Error (and leaves it to the caller) when the event thread refuses it. */
  constructor(fd: number, task: TaskRef, batch: PacketBatch, events: StreamConnectionEvents) {
    this.context = new EventContext(fd, task);
    this.#batch = batch;
    this.#events = events;
  }

  /** The address on this side. */
  get localAddress(): SocketAddress {
    const words = new Uint32Array(6);
    native.socketName(this.context.fd, words);
    return SocketAddress.fromWords(words).unmapped();
  }

  /** Reads what is there: bytes, 0 at the end of the stream, -EAGAIN when there is nothing now, another -errno when broken. */
  receive(into: Uint8Array): number {
    if (this.#closed) return -Errno.EBADF; // the number may be somebody else's by now
    return native.tcpReceive(this.context.fd, into);
  }

  /** As receive(). */
  drain(into: Uint8Array): number {
    return this.receive(into);
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  /** Whether bytes wait for room: a sender with a choice waits for drained(). */
  get isFull(): boolean {
    return this.#backlog.length > 0;
  }

  /** Memory that waits for room, in bytes. */
  get queuedBytes(): number {
    return this.#backlog.sizeBytes;
  }

  /** Sends bytes with what else leaves in this turn; they are copied. Bytes for a broken connection are dropped. */
  send(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += ARENA_BYTES)
      this.#sendPiece(bytes.subarray(at, at + ARENA_BYTES));
  }

  // The turn may be a long one: an answer that waits for its end waits for the media of other viewers.
  /** Sends bytes like send(), and at once unless something of this connection has to leave before them. */
  sendNow(bytes: Uint8Array): void {
    const hasRows = this.#rowsOfFlush === this.#batch.flushCount;
    if (hasRows || this.isFull || this.#broken || this.#closed) this.send(bytes);
    else this.#write(bytes);
  }

  /** Sends a run of packets on an interleaved channel. Hot path while the socket has room. */
  sendRun(run: PacketRun, channel: number): void {
    this.#batch.makeRoom();
    if (this.#broken || this.#closed) return;
    if (!this.isFull) {
      this.#rowsOfFlush = this.#batch.flushCount;
      this.#batch.addInterleavedRun(run, this.context.fd, channel, this);
      return;
    }
    const row = new Uint32Array(ROW_WORDS);
    writeInterleavedRun(row, 0, run, this.context.fd, channel);
    this.#keep({ row, plan: run.plan, rest: null });
  }

  /** Takes note of the events its task was given; the owner calls it first in its run. */
  delivered(events: number): void {
    this.context.delivered(events);
    if ((events & TaskEvent.write) === 0 || !this.isFull) return;
    this.#backlog.sendAgain(this.#batch);
    this.#batch.flush();
    this.#events.holdQueued?.(this.queuedBytes);
    if (!this.isFull && !this.#broken && !this.#closed) this.#events.drained();
  }

  /** Part of RowOwner: the batch tells what the kernel did not take. */
  rowRefused(refused: RefusedRow): void {
    if (this.#closed || this.#broken) return;
    if (refused.code === -Errno.EAGAIN) {
      this.#keep(refused);
      this.context.arm(kWritable);
      return;
    }
    this.#break(refused.code);
  }

  /** Sends what the socket takes at once and ends the connection; what waits is dropped. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // The batch names the descriptor by number: nothing may be left in it when that number becomes somebody else's.
    this.#batch.flush();
    this.#backlog.clear();
    this.context.close();
  }

  /**
   * Ends the connection here and returns its descriptor, open, for a connection of another task or thread. What waits to be
   * sent is dropped, what has not been received is left in the socket. Error when it is closed.
   */
  release(): number {
    this.#batch.flush();
    const fd = this.context.release();
    this.#closed = true;
    this.#backlog.clear();
    return fd;
  }

  #sendPiece(bytes: Uint8Array): void {
    this.#batch.makeRoom(bytes.length);
    if (this.#broken || this.#closed) return;
    if (this.isFull) {
      this.#keepBytes(bytes);
      return;
    }
    this.#rowsOfFlush = this.#batch.flushCount;
    this.#batch.addStreamBytes(bytes, this.context.fd, this);
  }

  #write(bytes: Uint8Array): void {
    const taken = this.#batch.writeNow(bytes, this.context.fd);
    if (taken === bytes.length) return;
    if (taken < 0 && taken !== -Errno.EAGAIN) {
      this.#break(taken);
      return;
    }
    const rest = bytes.subarray(Math.max(taken, 0));
    this.#keepBytes(rest.subarray(0, ARENA_BYTES));
    this.context.arm(kWritable);
    this.send(rest.subarray(ARENA_BYTES)); // nearly always nothing
  }

  #keepBytes(bytes: Uint8Array): void {
    const row = new Uint32Array(ROW_WORDS);
    writeStreamBytes(row, 0, 0, bytes.length, this.context.fd);
    // A Buffer's slice() would be a view of the caller's memory.
    this.#keep({ row, plan: null, rest: new Uint8Array(bytes) });
  }

  #keep(row: Omit<RefusedRow, 'code'>): void {
    this.#backlog.add(row, this);
    if (this.#events.holdQueued?.(this.queuedBytes) === false) this.#break(-Errno.ENOBUFS);
  }

  #break(code: number): void {
    this.#broken = true;
    this.#backlog.clear();
    this.#events.broken(code);
  }
}
