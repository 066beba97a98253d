/** The load generator's histogram: what a percentile may be off by, and what it never is. */

import { Histogram } from '@finch/load/histogram';
import * as fc from 'fast-check';

const MAX_ERROR = 1.04;

describe('Histogram', () => {
  it('tells the exact largest time and number of times', () => {
    const histogram = new Histogram();
    for (const us of [5, 1234, 77_777]) histogram.add(us);
    expect(histogram.percentiles()).toMatchObject({ count: 3, maxMs: 77.777 });
    expect(histogram.percentileUs(1)).toBe(77_777);
  });

  it('is all 0 without times, and after clear()', () => {
    const histogram = new Histogram();
    histogram.add(1000);
    histogram.clear();
    expect(histogram.percentiles()).toEqual({ count: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 });
  });

  it('counts what is early as punctual', () => {
    const histogram = new Histogram();
    histogram.add(-5000);
    expect(histogram.percentileUs(0.99)).toBe(0);
  });

  it('gives every percentile never too low and at most 4 % too high', () => {
    const times = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (values, fraction) => {
        const histogram = new Histogram();
        for (const us of values) histogram.add(us);
        const exact = [...values].sort((a, b) => a - b)[
          Math.max(1, Math.ceil(values.length * fraction)) - 1
        ]!;
        const found = histogram.percentileUs(fraction);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found).toBeLessThanOrEqual(exact * MAX_ERROR + 1);
      }),
    );
  });

  it.each([-0.1, 1.1, Number.NaN])('refuses the fraction %p', (fraction) => {
    expect(() => new Histogram().percentileUs(fraction)).toThrow(RangeError);
  });
});
