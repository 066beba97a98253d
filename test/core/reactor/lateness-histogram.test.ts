import {
  LATENESS_BUCKETS,
  latenessBucket,
  latenessBucketEndUs,
  latenessPercentileUs,
} from '@finch/core/reactor/lateness-histogram';
import fc from 'fast-check';

function countsOf(latenessesUs: number[]): number[] {
  const counts = new Array<number>(LATENESS_BUCKETS).fill(0);
  for (const latenessUs of latenessesUs) counts[latenessBucket(latenessUs)]++;
  return counts;
}

describe('the lateness histogram', () => {
  it('has buckets without gaps: the next one begins where one ends', () => {
    for (let bucket = 0; bucket < LATENESS_BUCKETS - 1; bucket++) {
      const endUs = latenessBucketEndUs(bucket);
      expect([latenessBucket(endUs), latenessBucket(endUs + 1)]).toEqual([bucket, bucket + 1]);
    }
  });

  it.each([
    [-5, 0],
    [0, 0],
    [0.9, 0],
    [3, 3],
    [2 ** 31 - 1, 119],
    [1e15, 119],
  ])('counts a lateness of %d us in bucket %d', (latenessUs, bucket) => {
    expect(latenessBucket(latenessUs)).toBe(bucket);
  });

  it('gives percentiles that are exact or up to a quarter too high', () => {
    const latenesses = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(latenesses, fc.constantFrom(0, 0.5, 0.99, 1), (latenessesUs, fraction) => {
        const sorted = [...latenessesUs].sort((a, b) => a - b);
        const exactUs = sorted[Math.max(1, Math.ceil(sorted.length * fraction)) - 1];
        const foundUs = latenessPercentileUs(countsOf(latenessesUs), fraction);
        expect(foundUs).toBeGreaterThanOrEqual(exactUs);
        expect(foundUs).toBeLessThanOrEqual(exactUs * 1.25);
      }),
    );
  });

  it('gives 0 without timers and refuses fractions outside of 0..1', () => {
    expect(latenessPercentileUs(countsOf([]), 0.5)).toBe(0);
    expect(() => latenessPercentileUs([], 1.01)).toThrow(RangeError);
    expect(() => latenessPercentileUs([], Number.NaN)).toThrow(RangeError);
  });
});
