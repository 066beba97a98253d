/**
 * The typed face of the addon. Used by core only; TypeScript validates, C++ computes.
 * Rule: every call returns a count, a descriptor, an id or a negative errno; nothing throws but a missing build.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** One port of a JavaScript thread: pending signals in, wake-ups out. Belongs to the thread that made it. */
export interface NativeSignalPort {
  /** Moves pending signals into `into` as triples (slot, generation, events); returns the number of triples. */
  drain(into: Uint32Array): number;
  /** Asks for one `onWake` at `deadlineUs` of the monotonic clock; Infinity disarms. Replaces the earlier one. */
  wakeAt(deadlineUs: number): void;
  /** Ends the port; signals to it are refused from now on. */
  close(): void;
}

/** Sends all packets of a turn; rows are drawn in packet_row.h, exceptions in batch_memory.h. */
export interface NativePacketBatch {
  /** Registers a packet plan over an open file. Returns its handle, -EINVAL (damaged plan) or -EBADF (no such file). */
  addPlan(plan: Uint32Array, fileId: number): number;
  /** Forgets a plan; only between flushes. */
  removePlan(handle: number): void;
  /** Sends the first `rows` rows; returns the number of pairs written to `exceptions`. */
  flush(rows: number): number;
  /**
   * Copies the frames of an interleaved run, a row by itself, for streams that are not written here: as many whole
   * packets as `into` has room for; the row is moved on past them. Their bytes, or -EINVAL, -ENOBUFS, -EFAULT.
   */
  copyRun(row: Uint32Array, into: Uint8Array): number;
  /** Forgets all plans. */
  close(): void;
}

/** An open, mapped file. Sizes in bytes, times in milliseconds of the Unix epoch. */
export interface NativeFile {
  readonly id: number;
  /** For positioned reads; belongs to the mapping and is closed with it. */
  readonly fd: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly device: number;
  readonly inode: number;
}

/** All that the addon gives. A socket address is six words: family (4 or 6), port, 16 bytes in network order. */
export interface Native {
  /** Microseconds of CLOCK_MONOTONIC, the same in every thread. */
  nowUs(): number;
  /** Raises event bits in a task of any thread: 0 or -ESRCH. */
  signalTask(ref: number, events: number): number;
  /** Keeps the calling thread on the processor at `index` (modulo their number) of those the process may use: 0 or -errno. */
  pinThread(index: number): number;
  /** Throws when the thread index is in use. */
  SignalPort: new (
    threadIndex: number,
    onWake: () => void,
  ) => NativeSignalPort;
  /** `counters`: packets, bytes, messages, system calls. `exceptions` has room for a pair for each row. */
  PacketBatch: new (
    rows: Uint32Array,
    arena: Uint8Array,
    exceptions: Int32Array,
    counters: Float64Array,
  ) => NativePacketBatch;

  /** 0, -EALREADY or another -errno. */
  eventThreadStart(): number;
  /** Joins the event thread; returns the number of descriptors that were left open (and are closed now). */
  eventThreadStop(): number;
  /** Hands a descriptor to the event thread: its context id, or -errno (then the descriptor is still the caller's). */
  contextOpen(fd: number, task: number): number;
  /** Asks once for readable (1) and writable (2): 0 or -errno. */
  contextArm(id: number, mask: number): number;
  /** Gives the descriptor up; the event thread closes it. 0 or -EBADF. */
  contextClose(id: number): number;
  /** Forgets the context and gives its descriptor back, open, for another task or thread: the descriptor, or -EBADF. */
  contextRelease(id: number): number;
  /** Contexts that are open or being closed. */
  contextCount(): number;

  /** Puts a row of nine words into the queue of a thread, 0..63; nobody is woken. */
  connectionPut(threadIndex: number, row: Uint32Array): void;
  /** Takes rows out of the queue of a thread, the first one first, as many as there is room for: their number. */
  connectionTake(threadIndex: number, into: Uint32Array): number;

  /** 0 or -EALREADY. */
  idleThreadStart(): number;
  /** Joins the idle-task thread and drops its timers. */
  idleThreadStop(): void;
  idleTimerSet(task: number, delayUs: number): void;
  idleTimerCancel(task: number): void;
  idleTimerCount(): number;
  /** Watches `page[runningSinceIndex]`; the caller keeps the page until idleThreadStop(). */
  watchThread(page: Float64Array, runningSinceIndex: number, limitUs: number, supervisor: number): void;

  tcpListen(address: Uint32Array, dualStack: boolean): number;
  tcpAccept(listener: number, peer: Uint32Array): number;
  socketName(fd: number, address: Uint32Array): number;
  /** For descriptors that never became a context. */
  socketClose(fd: number): number;
  tcpReceive(fd: number, into: Uint8Array): number;
  tcpSend(fd: number, bytes: Uint8Array, from: number): number;
  udpBind(address: Uint32Array, sendBufferBytes: number, receiveBufferBytes: number): number;
  /** Has the kernel drop what arrives at a socket: 0 or -errno. */
  udpSendOnly(fd: number): number;
  /** Datagram i lies at i * slotBytes; its row has 7 words: length, then the sender's address. Returns their number. */
  udpReceive(fd: number, into: Uint8Array, slotBytes: number, rows: Uint32Array): number;

  /** Begins to connect a stream from `local` (null: any address); a receive buffer of 0 bytes is the kernel's choice. */
  tcpConnect(address: Uint32Array, local: Uint32Array | null, receiveBufferBytes: number): number;
  /** Asks for times of arrival and a count of drops, a larger buffer (0: as it is) and runs in one piece (UDP_GRO). */
  receiveOptions(fd: number, bufferBytes: number, takesRuns: boolean): number;
  /** A set of descriptors that one call reads; itself a descriptor, readable when one of its members is. */
  receiveSetOpen(): number;
  /** `kind`: 0 datagrams, 1 stream, 2 stream that connects. `tag`, 0..2^30-1, comes back in the rows. 0 or -errno. */
  receiveSetAdd(set: number, fd: number, kind: number, tag: number): number;
  receiveSetRemove(set: number, fd: number): number;
  /**
   * Reads what is there, without waiting, at most `most` datagrams of one socket. Row i has eight words, drawn in
   * receive_set.cc, and its bytes lie at i * slotBytes. Returns the number of rows, or -errno.
   */
  receiveSetTake(set: number, into: Uint8Array, slotBytes: number, most: number, rows: Float64Array): number;

  /** Opens and maps a regular file by its resolved path, or -errno (-EISDIR, -EINVAL for what is no regular file). */
  fileOpen(path: string): NativeFile | number;
  fileClose(id: number): number;
  /** Files that are still mapped, by their owner or by a registered plan. */
  fileCount(): number;
}

function load(): Native {
  const path = process.env.FINCH_ADDON ?? join(__dirname, '..', 'build', 'Release', 'finch.node');
  if (!existsSync(path))
    throw new Error(`the C++ addon is not built: ${path} is missing; run "npm run build"`);
  return require(path) as Native;
}

/** The addon, loaded once for each thread. */
export const native: Native = load();
