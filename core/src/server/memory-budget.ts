/**
 * What the process may spend on clients, in bytes that code accounts for: connections, sessions, file indexes, packet plans, and
 * what waits in memory for viewers whose way is full.
 * Taken by whoever is about to spend, on any thread, and given back in the same pieces. Rule: it is refused before it is
 * spent; the last tenth is for the plans and queues of viewers who were let in, so that newcomers can't stop them.
 */

/** What memory is spent on. */
export const MEMORY_KINDS = ['connections', 'sessions', 'indexes', 'plans', 'queues'] as const;

/** Names what memory is spent on. */
export type MemoryKind = (typeof MEMORY_KINDS)[number];

/** Bytes that are spent now, by kind. */
export type MemoryUse = Readonly<Record<MemoryKind, number>>;

/** Pieces are counted in KiB, rounded up: 32-bit counters reach 2 TiB. */
const BYTES_PER_KIB = 1024;
/** The share of the budget that newcomers may spend; the rest is for viewers who were let in. */
const NEWCOMERS_SHARE = 0.9;
/** The most that the counters hold, in KiB. */
const MAX_KIB = 0x7fffffff;

/** Memory of one process; each thread has its own object over the same counters. */
export class MemoryBudget {
  /** A counter in KiB for each kind, and their sum. To be sent to other threads. */
  readonly page: SharedArrayBuffer;
  readonly #counters: Int32Array;
  readonly #limitKib: number;

  /** RangeError unless `limitBytes` is above 0; Infinity is no limit. */
  constructor(
    readonly limitBytes: number,
    page = new SharedArrayBuffer((MEMORY_KINDS.length + 1) * Int32Array.BYTES_PER_ELEMENT),
  ) {
    if (!(limitBytes > 0)) throw new RangeError(`limitBytes must be above 0: ${limitBytes}`);
    this.page = page;
    this.#counters = new Int32Array(page);
    this.#limitKib = Math.min(limitBytes / BYTES_PER_KIB, MAX_KIB);
  }

  /** Takes `bytes` for a kind; false, and nothing is taken, when there is not so much left for it. */
  tryTake(kind: MemoryKind, bytes: number): boolean {
    const kib = inKib(bytes);
    const limitKib =
      kind === 'plans' || kind === 'queues' ? this.#limitKib : this.#limitKib * NEWCOMERS_SHARE;
    if (Atomics.add(this.#counters, SUM, kib) + kib > limitKib) {
      Atomics.sub(this.#counters, SUM, kib);
      return false;
    }
    Atomics.add(this.#counters, MEMORY_KINDS.indexOf(kind), kib);
    return true;
  }

  /** Whether tryTake() would succeed now. */
  hasRoom(kind: MemoryKind, bytes: number): boolean {
    if (!this.tryTake(kind, bytes)) return false;
    this.give(kind, bytes);
    return true;
  }

  /** Gives back what one tryTake() took. */
  give(kind: MemoryKind, bytes: number): void {
    const kib = inKib(bytes);
    Atomics.sub(this.#counters, MEMORY_KINDS.indexOf(kind), kib);
    Atomics.sub(this.#counters, SUM, kib);
  }

  /** What is spent now. */
  get use(): MemoryUse {
    const of = (kind: MemoryKind) => Atomics.load(this.#counters, MEMORY_KINDS.indexOf(kind)) * BYTES_PER_KIB;
    return {
      connections: of('connections'),
      sessions: of('sessions'),
      indexes: of('indexes'),
      plans: of('plans'),
      queues: of('queues'),
    };
  }
}

/** Place of the sum. */
const SUM = MEMORY_KINDS.length;

function inKib(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_KIB);
}
