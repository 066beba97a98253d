/**
 * The samples of one track while they are gathered, in decode order and in the track's own timescale. Filled by
 * sample-tables and fragments, read by timeline. Rule: only samples that lie in the file are kept, 25 bytes each.
 */

import { MediaError } from '@finch/core/stream/media-error';
import { MAX_SAMPLES, MAX_UNIFORM_SAMPLES } from './limits';

/** Counts the samples of a whole movie, so that many tracks can't do what one may not. */
export class SampleBudget {
  #left = MAX_SAMPLES;
  #uniformLeft = MAX_UNIFORM_SAMPLES;

  /** Takes `count` samples that are claimed by a number alone. MediaError `broken` when there were too many. */
  spendUniform(count: number): void {
    if (count > this.#uniformLeft)
      throw new MediaError(
        'broken',
        `${count} samples of one size, expected ${this.#uniformLeft} more at most in this movie`,
      );
    this.#uniformLeft -= count;
  }

  /** Takes one sample. MediaError `broken` when there were too many. */
  spend(): void {
    if (--this.#left < 0) throw new MediaError('broken', `more than ${MAX_SAMPLES} samples`);
  }
}

const MAX_SAMPLE_BYTES = 0x7fffffff;
const FIRST_CAPACITY = 256;

/** The samples of one track while they are collected; see the head of this file. */
export class SampleColumns {
  length = 0;
  /** Samples that were named but lie beyond the end of the file. */
  beyondEndCount = 0;
  /** Decode time at which the next sample would start. */
  nextDts = 0;
  /** Duration of the last sample kept. */
  lastDuration = 0;
  offsets: Float64Array;
  sizes: Uint32Array;
  dts: Float64Array;
  /** Presentation time minus decode time. */
  cts: Int32Array;
  keys: Uint8Array;
  readonly #fileBytes: number;

  /** `capacity`: the samples expected; more find room too. */
  constructor(
    fileBytes: number,
    readonly budget: SampleBudget,
    capacity = FIRST_CAPACITY,
  ) {
    this.#fileBytes = fileBytes;
    this.offsets = new Float64Array(capacity);
    this.sizes = new Uint32Array(capacity);
    this.dts = new Float64Array(capacity);
    this.cts = new Int32Array(capacity);
    this.keys = new Uint8Array(capacity);
  }

  /** Adds a sample at `nextDts` and moves on by `duration`. Empty ones and those not in the file are not kept. */
  add(offset: number, sizeBytes: number, duration: number, cts: number, key: boolean): void {
    // Also for those not kept: the budget bounds the time that indexing takes.
    this.budget.spend();
    const dts = this.nextDts;
    this.nextDts += duration;
    if (sizeBytes === 0) return;
    if (offset < 0 || sizeBytes > MAX_SAMPLE_BYTES || offset + sizeBytes > this.#fileBytes) {
      this.beyondEndCount++;
      return;
    }
    if (this.length === this.offsets.length) this.#grow();
    const row = this.length++;
    this.offsets[row] = offset;
    this.sizes[row] = sizeBytes;
    this.dts[row] = dts;
    this.cts[row] = cts;
    this.keys[row] = key ? 1 : 0;
    this.lastDuration = duration;
  }

  /** Moves every decode time by `ticks`. */
  shift(ticks: number): void {
    for (let row = 0; row < this.length; row++) this.dts[row]! += ticks;
    this.nextDts += ticks;
  }

  /** Presentation time of a row. */
  pts(row: number): number {
    return this.dts[row]! + this.cts[row]!;
  }

  #grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, this.length * 2);
    this.offsets = grown(this.offsets, new Float64Array(capacity));
    this.sizes = grown(this.sizes, new Uint32Array(capacity));
    this.dts = grown(this.dts, new Float64Array(capacity));
    this.cts = grown(this.cts, new Int32Array(capacity));
    this.keys = grown(this.keys, new Uint8Array(capacity));
  }
}

function grown<C extends Float64Array | Uint32Array | Int32Array | Uint8Array>(from: C, to: C): C {
  to.set(from);
  return to;
}
