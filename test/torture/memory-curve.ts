/**
 * The real memory of the server over a run of the fuzzer, and whether it is flat. Used by fuzz.test.ts.
 * Rule: the warm-up is left out; then the medians of the first third and the last are compared, for heaps breathe.
 */
import type { RealMemory } from './server-under-torture';

/** The share of the samples in which code is compiled and caches take their size. */
const WARM_UP_SHARE = 0.2;
const BYTES_PER_KIB = 1024;

/** Samples of a run; see the head of this file. */
export class MemoryCurve {
  readonly #samples: (RealMemory & { readonly dialogues: number })[] = [];

  /** Adds what is left after so many dialogues. */
  add(dialogues: number, memory: RealMemory): void {
    this.#samples.push({ dialogues, ...memory });
  }

  /** Bytes for each dialogue by which a figure grew from the first third to the last. */
  growthOf(field: keyof RealMemory): number {
    const rest = this.#samples.slice(Math.ceil(this.#samples.length * WARM_UP_SHARE));
    const third = Math.max(1, Math.floor(rest.length / 3));
    const [early, late] = [rest.slice(0, third), rest.slice(-third)];
    const grown =
      medianOf(late.map((sample) => sample[field])) - medianOf(early.map((sample) => sample[field]));
    return grown / (late[0]!.dialogues - early[0]!.dialogues);
  }

  /** One line: the figure at each sample, in KiB. */
  describe(field: keyof RealMemory): string {
    const growth = `${this.growthOf(field).toFixed(1)} bytes a dialogue`;
    return `${field} ${growth}: ${this.#samples.map((sample) => Math.round(sample[field] / BYTES_PER_KIB)).join(' ')} KiB`;
  }
}

function medianOf(all: readonly number[]): number {
  return [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
}
