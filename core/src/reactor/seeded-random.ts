/**
 * Random numbers that a seed repeats. Used by seeded run orders and the virtual machine; never for anything secret.
 * Rule: the same seed gives the same numbers on every machine.
 * Spec: mulberry32 (T. Ettinger, public domain), 32 bits of state.
 */

const STATE_STEP = 0x6d2b79f5;
const UINT32_RANGE = 2 ** 32;

/** A repeatable source of numbers. */
export class SeededRandom {
  #state: number;

  /** `seed` counts modulo 2^32. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next number, a whole one of 0..2^32-1. */
  next(): number {
    this.#state = (this.#state + STATE_STEP) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** The next whole number of 0..`end`-1. RangeError when `end` is not a whole number of 1..2^32. */
  below(end: number): number {
    if (!Number.isInteger(end) || end < 1 || end > UINT32_RANGE)
      throw new RangeError(`end must be a whole number of 1..2^32: ${end}`);
    return Math.floor((this.next() / UINT32_RANGE) * end);
  }
}
