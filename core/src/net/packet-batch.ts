/**
 * Everything that leaves a task thread in one turn: rows of typed memory, flushed by one native call at its end.
 * Called by UDP pairs and TCP connections. Rule: no allocation for a row that goes out; what the kernel does not take
 * is handed back to the row's owner. Thread: its own.
 */
import { type NativePacketBatch, native } from '@finch/native';
import { Errno } from './errno';
import {
  isRaw,
  moveRaw,
  type PacketRun,
  RegisteredPlan,
  ROW_WORDS,
  rawRange,
  writeDatagram,
  writeInterleavedRun,
  writeStreamBytes,
  writeUdpRun,
  writeUdpRunAgain,
} from './packet-row';
import type { RefusedRow, RowOwner } from './row-owner';
import type { SocketAddress } from './socket-address';
import type { UdpDestination } from './udp-destination';

/** Rows of one flush. */
const MAX_ROWS = 4096;
/** Bytes of reports and responses of one flush; also the longest piece that can be added. */
export const ARENA_BYTES = 1 << 20;

/** Where the batch counts: totals since its making. */
export const BatchCounter = { packets: 0, bytes: 1, messages: 2, systemCalls: 3 } as const;

/** Number of counters. */
export const BATCH_COUNTERS = 4;

/** The batch of one task thread; see the head of this file. */
export class PacketBatch {
  readonly #rows = new Uint32Array(MAX_ROWS * ROW_WORDS);
  readonly #arena = new Uint8Array(ARENA_BYTES);
  readonly #exceptions = new Int32Array(MAX_ROWS * 2);
  readonly #owners = new Array<RowOwner | null>(MAX_ROWS).fill(null);
  readonly #plans = new Array<RegisteredPlan | null>(MAX_ROWS).fill(null);
  readonly #retiring: RegisteredPlan[] = [];
  readonly #native: NativePacketBatch;
  #rowCount = 0;
  #arenaUsed = 0;
  #flushCount = 0;

  /** `counters`: totals since the start, indexed by BatchCounter; in shared memory when other threads look at them. */
  constructor(readonly counters: Float64Array = new Float64Array(BATCH_COUNTERS)) {
    this.#native = new native.PacketBatch(this.#rows, this.#arena, this.#exceptions, this.counters);
  }

  /** Registers a plan over an open file; throws Error when the plan is damaged or the file is closed. */
  registerPlan(plan: Uint32Array, fileId: number): RegisteredPlan {
    const handle = this.#native.addPlan(plan, fileId);
    if (handle === -Errno.EINVAL) throw new Error('packet plan refused: it is damaged');
    if (handle < 0) throw new Error('packet plan refused: its file is closed');
    return new RegisteredPlan(handle);
  }

  /** Gives a plan up: it is forgotten once no row that waits anywhere names it. */
  retirePlan(plan: RegisteredPlan): void {
    if (plan.retired) return;
    plan.retired = true;
    this.#retiring.push(plan);
  }

  /** Makes room for one more row with up to `bytes` bytes of its own, flushing when there is none. */
  makeRoom(bytes = 0): void {
    if (this.#rowCount === MAX_ROWS || this.#arenaUsed + bytes > ARENA_BYTES) this.flush();
  }

  /** Adds a run over UDP; makeRoom() comes first. Hot path. */
  addUdpRun(run: PacketRun, fd: number, to: UdpDestination): void {
    writeUdpRun(this.#rows, this.#nextRow(to, run.plan), run, fd, to, to.noSegmentation);
  }

  /** Adds a run over UDP in the format of a retransmission; makeRoom() comes first. */
  addUdpRunAgain(run: PacketRun, originalSequence: number, fd: number, to: UdpDestination): void {
    writeUdpRunAgain(this.#rows, this.#nextRow(to, run.plan), run, originalSequence, fd, to);
  }

  /** Adds a run interleaved on a TCP connection; makeRoom() comes first. Hot path. */
  addInterleavedRun(run: PacketRun, fd: number, channel: number, owner: RowOwner): void {
    writeInterleavedRun(this.#rows, this.#nextRow(owner, run.plan), run, fd, channel);
  }

  /** Adds one datagram; makeRoom(bytes) comes first. The bytes are copied. */
  addDatagram(bytes: Uint8Array, fd: number, to: SocketAddress, owner: RowOwner): void {
    const offset = this.#store(bytes);
    writeDatagram(this.#rows, this.#nextRow(owner, null), offset, bytes.length, fd, to);
  }

  /** Adds bytes of a TCP stream; makeRoom(bytes) comes first. The bytes are copied. */
  addStreamBytes(bytes: Uint8Array, fd: number, owner: RowOwner): void {
    const offset = this.#store(bytes);
    writeStreamBytes(this.#rows, this.#nextRow(owner, null), offset, bytes.length, fd);
  }

  /** How many times rows have left; who notes it with his rows knows whether they are still here. */
  get flushCount(): number {
    return this.#flushCount;
  }

  /** Writes bytes of a TCP stream at once, for a connection that has no rows here: how many were taken, or -errno. */
  writeNow(bytes: Uint8Array, fd: number): number {
    const taken = native.tcpSend(fd, bytes, 0);
    this.counters[BatchCounter.systemCalls]!++;
    if (taken > 0) this.counters[BatchCounter.bytes]! += taken;
    return taken;
  }

  /** Adds a row that was refused before; makeRoom(rest) comes first. */
  addAgain(row: Uint32Array, plan: RegisteredPlan | null, rest: Uint8Array | null, owner: RowOwner): void {
    if (rest !== null) moveRaw(row, this.#store(rest), rest.length);
    this.#rows.set(row, this.#nextRow(owner, plan));
  }

  /**
   * Copies the interleaved frames of a run that is no row of this batch, for a stream that it does not write: as many whole
   * packets as `into` has room for. Moves the row on past them. Their bytes, or -EINVAL, -ENOBUFS, -EFAULT.
   */
  copyRun(row: Uint32Array, into: Uint8Array): number {
    return this.#native.copyRun(row, into);
  }

  /** Sends all rows. Called at the end of each turn, and when the batch is full. */
  flush(): void {
    if (this.#rowCount > 0) {
      const refused = this.#collectRefused(this.#native.flush(this.#rowCount));
      this.#rowCount = 0;
      this.#arenaUsed = 0;
      this.#flushCount++;
      for (const { owner, row } of refused) owner.rowRefused(row);
    }
    if (this.#retiring.length > 0) this.#forgetRetired();
  }

  /** Forgets all plans; nothing can be sent any more. */
  close(): void {
    this.#native.close();
  }

  #nextRow(owner: RowOwner, plan: RegisteredPlan | null): number {
    this.#owners[this.#rowCount] = owner;
    this.#plans[this.#rowCount] = plan;
    return this.#rowCount++ * ROW_WORDS;
  }

  #store(bytes: Uint8Array): number {
    const offset = this.#arenaUsed;
    if (offset + bytes.length > ARENA_BYTES)
      throw new RangeError(`no room for ${bytes.length} bytes; makeRoom() takes at most ${ARENA_BYTES}`);
    this.#arena.set(bytes, offset);
    this.#arenaUsed += bytes.length;
    return offset;
  }

  // Copied out before anybody is told, because owners add rows while they are told.
  #collectRefused(count: number): { owner: RowOwner; row: RefusedRow }[] {
    const refused: { owner: RowOwner; row: RefusedRow }[] = [];
    for (let i = 0; i < count; i++) {
      const index = this.#exceptions[i * 2]!;
      const row = this.#rows.slice(index * ROW_WORDS, (index + 1) * ROW_WORDS);
      const { begin, end } = rawRange(row);
      const rest = isRaw(row) ? this.#arena.slice(begin, end) : null;
      const code = this.#exceptions[i * 2 + 1]!;
      refused.push({ owner: this.#owners[index]!, row: { code, row, plan: this.#plans[index]!, rest } });
    }
    return refused;
  }

  #forgetRetired(): void {
    let kept = 0;
    for (const plan of this.#retiring) {
      if (plan.holders > 0) this.#retiring[kept++] = plan;
      else this.#native.removePlan(plan.handle);
    }
    this.#retiring.length = kept;
  }
}
