/** What RTP sources begin with: whole range, no number twice in a row of pools. */
import { randomUint16, randomUint32 } from '@finch/rtp/random-start';

const DRAWS = 5000; // of several pools

describe('random starts', () => {
  it('are of the whole range, and of other numbers each time', () => {
    const words = Array.from({ length: DRAWS }, randomUint32);
    expect(words.every((word) => Number.isInteger(word) && word >= 0 && word <= 0xffffffff)).toBe(true);
    expect(new Set(words).size).toBeGreaterThan(DRAWS - 5);
    expect(words.some((word) => word >= 2 ** 31)).toBe(true);
    expect(words.some((word) => word < 2 ** 31)).toBe(true);
  });

  it('of 16 bits are, too', () => {
    const numbers = Array.from({ length: DRAWS }, randomUint16);
    expect(numbers.every((number) => number >= 0 && number <= 0xffff)).toBe(true);
    expect(new Set(numbers.map((number) => number >> 8)).size).toBe(256);
  });
});
