/**
 * Times in microseconds, counted in buckets 3 % wide. Written once a frame by track meters, read by reports.
 * Rule (hot path): one addition per value, nothing allocated; a percentile is at most 3 % too high, the maximum is exact.
 *
 * Below 64 us a bucket is one microsecond wide; above, each power of two has 32 buckets, up to 2^32 us (71 minutes).
 */

const LINEAR_BUCKETS = 64;
const LINEAR_EXPONENT = 6;
const BUCKETS_PER_POWER = 32;
const POWER_BITS = 5;
const BUCKETS = LINEAR_BUCKETS + (32 - LINEAR_EXPONENT) * BUCKETS_PER_POWER;
const MAX_VALUE_US = 2 ** 32 - 1;

/** Percentiles as reports show them, in milliseconds; `count` values. All 0 without values. */
export interface Percentiles {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** A histogram of times. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #maxUs = 0;

  /** Number of values. */
  get count(): number {
    return this.#count;
  }

  /** Counts a time; what is below 0 counts as 0. Hot path. */
  add(valueUs: number): void {
    const us = valueUs <= 0 ? 0 : valueUs >= MAX_VALUE_US ? MAX_VALUE_US : Math.floor(valueUs);
    this.#counts[bucketOf(us)]!++;
    this.#count++;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  /** Forgets all values. */
  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#maxUs = 0;
  }

  /** The time that the share `fraction` of all values does not exceed; 0 without values. RangeError outside 0..1. */
  percentileUs(fraction: number): number {
    if (!(fraction >= 0 && fraction <= 1)) throw new RangeError(`fraction must be 0..1: ${fraction}`);
    let missing = Math.max(1, Math.ceil(this.#count * fraction));
    if (this.#count === 0) return 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      missing -= this.#counts[bucket]!;
      if (missing <= 0) return Math.min(bucketEndUs(bucket), this.#maxUs);
    }
    return this.#maxUs;
  }

  /** The percentiles of a report. */
  percentiles(): Percentiles {
    const ms = (fraction: number) => this.percentileUs(fraction) / 1000;
    return { count: this.#count, p50Ms: ms(0.5), p90Ms: ms(0.9), p99Ms: ms(0.99), maxMs: this.#maxUs / 1000 };
  }
}

function bucketOf(us: number): number {
  if (us < LINEAR_BUCKETS) return us;
  const exponent = 31 - Math.clz32(us);
  const part = (us >>> (exponent - POWER_BITS)) & (BUCKETS_PER_POWER - 1);
  return LINEAR_BUCKETS + (exponent - LINEAR_EXPONENT) * BUCKETS_PER_POWER + part;
}

function bucketEndUs(bucket: number): number {
  if (bucket < LINEAR_BUCKETS) return bucket;
  const exponent = LINEAR_EXPONENT + Math.floor((bucket - LINEAR_BUCKETS) / BUCKETS_PER_POWER);
  const part = (bucket - LINEAR_BUCKETS) % BUCKETS_PER_POWER;
  return (BUCKETS_PER_POWER + part + 1) * 2 ** (exponent - POWER_BITS) - 1;
}
