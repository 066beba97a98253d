/**
 * How late timers fire, counted in buckets that grow with the lateness. Written by ThreadStats on the task thread, read
 * by any thread. Rule (hot path): one addition per timer.
 *
 * Below 4 us a bucket is one microsecond wide; above, each power of two has four buckets, so a percentile is at most a
 * quarter too high. Bucket 119 also takes what is 2^31 us (36 minutes) late or more.
 */

/** Number of buckets. */
export const LATENESS_BUCKETS = 120;

const MAX_LATENESS_US = 2 ** 31 - 1;

/** The bucket, 0..119, that counts a lateness of `latenessUs`; early counts as punctual. */
export function latenessBucket(latenessUs: number): number {
  const wholeUs =
    latenessUs < 0 ? 0 : latenessUs > MAX_LATENESS_US ? MAX_LATENESS_US : Math.floor(latenessUs);
  if (wholeUs < 4) return wholeUs;
  const exponent = 31 - Math.clz32(wholeUs);
  return (exponent - 1) * 4 + ((wholeUs >>> (exponent - 2)) & 3);
}

/** The largest lateness, in microseconds, that `bucket` of 0..119 counts. */
export function latenessBucketEndUs(bucket: number): number {
  if (bucket < 4) return bucket;
  const exponent = Math.floor(bucket / 4) + 1;
  return (4 + (bucket % 4) + 1) * 2 ** (exponent - 2) - 1;
}

/**
 * The lateness in microseconds that the share `fraction` (0..1, 0.99 for p99) of all timers in `counts` does not exceed;
 * 0 when there are none. RangeError when `fraction` lies outside.
 */
export function latenessPercentileUs(counts: ArrayLike<number>, fraction: number): number {
  if (!(fraction >= 0 && fraction <= 1)) throw new RangeError(`fraction must be 0..1: ${fraction}`);
  let total = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) total += counts[bucket];
  let missing = Math.max(1, Math.ceil(total * fraction));
  for (let bucket = 0; bucket < counts.length; bucket++) {
    missing -= counts[bucket];
    if (missing <= 0) return latenessBucketEndUs(bucket);
  }
  return 0;
}
