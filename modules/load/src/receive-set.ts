/**
 * Everything that comes in: one task reads the sockets of all viewers into one buffer, and hands each row to its sink.
 * Used by links and media sockets. Rule (hot path): no allocation per read; a nap between reads saves wake-ups, as the
 * kernel stamps arrivals; it is a short one while a viewer waits for an answer. Thread: its own.
 */
import { DELETE, errnoName, Task, TaskEvent, type TaskThread } from '@finch/core';
import { native } from '@finch/native';

/** What a socket of the set is; the addon's ReceiveKind. */
export const ReceiveKind = { datagrams: 0, stream: 1, connecting: 2 } as const;

/** Places in a row: see receiveSetTake in the addon's receive_set.cc. */
export const ReceiveRow = {
  tag: 0,
  kind: 1,
  result: 2,
  offset: 3,
  segmentBytes: 4,
  arrivalUs: 5,
  dropped: 6,
} as const;

const ROW_WORDS = 8;
/** While somebody's start-up is measured: shorter than the way over an event thread. */
const HURRIED_NAP_MS = 0.05;
/** Reads of one run; what is left is read in the next turn, after the viewers have run. */
const MAX_TAKES_PER_RUN = 32;
/** A run of datagrams in one piece, or of stream bytes: 64 KiB each. */
const RUN_SLOT_BYTES = 65_536;
const RUN_SLOTS = 64;
const RUNS_PER_SOCKET = 4;
/** Datagrams one by one: longer ones than RTP over Ethernet are not expected. */
const DATAGRAM_SLOT_BYTES = 2048;
const DATAGRAM_SLOTS = 512;
const DATAGRAMS_PER_SOCKET = 32;

/** Hears the rows of one socket. `rows` and the set's buffer are valid during the call only. */
export interface ReceiveSink {
  received(rows: Float64Array, at: number): void;
}

/** The sockets of all viewers; kill closes the set and leaves the sockets to their owners. */
export class ReceiveSet extends Task {
  /** What rows point into. */
  readonly buffer: Uint8Array;
  readonly #fd: number;
  readonly #rows: Float64Array;
  readonly #slotBytes: number;
  readonly #perSocket: number;
  readonly #napMs: number;
  readonly #sinks: (ReceiveSink | null)[] = [];
  readonly #freeTags: number[] = [];
  readonly #leavingTags: number[] = [];
  #hurried = 0;
  /** Reads that brought something. */
  reads = 0;

  /** `takesRuns`: datagrams come in runs (UDP_GRO). Throws Error when the machine gives no set. */
  constructor(thread: TaskThread, takesRuns: boolean, napMs: number) {
    super(thread, 'load');
    this.#fd = native.receiveSetOpen();
    if (this.#fd < 0) throw new Error(`no receive set: ${errnoName(this.#fd)}`);
    const slots = takesRuns ? RUN_SLOTS : DATAGRAM_SLOTS;
    this.#slotBytes = takesRuns ? RUN_SLOT_BYTES : DATAGRAM_SLOT_BYTES;
    this.#perSocket = takesRuns ? RUNS_PER_SOCKET : DATAGRAMS_PER_SOCKET;
    this.#napMs = napMs;
    this.buffer = new Uint8Array(slots * this.#slotBytes);
    this.#rows = new Float64Array(slots * ROW_WORDS);
    this.signal(TaskEvent.start);
  }

  /** Reads `fd` for `sink` from now on; returns its tag for remove(). Throws Error when the set refuses it. */
  add(fd: number, kind: number, sink: ReceiveSink): number {
    const tag = this.#freeTags.pop() ?? this.#sinks.length;
    const result = native.receiveSetAdd(this.#fd, fd, kind, tag);
    if (result < 0) throw new Error(`the receive set refused descriptor ${fd}: ${errnoName(result)}`);
    this.#sinks[tag] = sink;
    return tag;
  }

  /** Reads `fd` no more; its sink hears nothing from now on. */
  remove(tag: number, fd: number): void {
    native.receiveSetRemove(this.#fd, fd);
    this.#sinks[tag] = null;
    this.#leavingTags.push(tag); // rows that were read already may still name it
  }

  /** A viewer waits for an answer: naps are short until it calls relax(). */
  hurry(): void {
    if (this.#hurried++ === 0) this.signal(TaskEvent.update);
  }

  /** Takes a hurry() back. */
  relax(): void {
    this.#hurried--;
  }

  /** Ends the set; the sockets stay with their owners. */
  close(): void {
    this.signal(TaskEvent.kill);
  }

  run(events: number): number {
    if (events & TaskEvent.kill) return DELETE;
    for (let takes = 0; takes < MAX_TAKES_PER_RUN; takes++) {
      if (this.#take() === 0) break;
    }
    return this.#hurried > 0 ? HURRIED_NAP_MS : this.#napMs;
  }

  protected override onDeleted(): void {
    native.socketClose(this.#fd);
  }

  #take(): number {
    const rows = this.#rows;
    const count = native.receiveSetTake(this.#fd, this.buffer, this.#slotBytes, this.#perSocket, rows);
    for (let i = 0; i < count; i++) {
      const at = i * ROW_WORDS;
      this.#sinks[rows[at]!]?.received(rows, at);
    }
    if (count > 0) this.reads += count;
    while (this.#leavingTags.length > 0) this.#freeTags.push(this.#leavingTags.pop()!);
    return Math.max(count, 0);
  }
}
