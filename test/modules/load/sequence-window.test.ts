/** Which packets count as lost, late, repeated: RFC 3550 appendix A.1 with a window of 64 packets. */

import { Arrival, SequenceWindow } from '@finch/load/sequence-window';
import * as fc from 'fast-check';

function take(...numbers: number[]): SequenceWindow {
  const window = new SequenceWindow();
  for (const number of numbers) window.take(number & 0xffff);
  return window;
}

describe('SequenceWindow', () => {
  it.each([
    ['packets in order', [10, 11, 12], 0],
    ['a hole', [10, 12], 1],
    ['a hole of three over the wrap of the number', [65_534, 2], 3],
    ['a hole that a late packet fills', [10, 12, 11], 0],
    ['a repeated packet', [10, 11, 11, 12], 0],
    ['two holes of which one is filled', [10, 12, 14, 13], 1],
    ['a jump beyond 3000, which is a new beginning', [10, 4000], 0],
    ['a packet 64 places back, which is too late to count', [10, 12, ...range(13, 80), 11], 1],
  ])('counts what is lost with %s', (_case, numbers, lost) => {
    expect(take(...numbers).lost).toBe(lost);
  });

  it.each([
    ['the next one', [10], 11, Arrival.next],
    ['one in front of a hole', [10], 15, Arrival.next],
    ['one that fills a hole', [10, 12], 11, Arrival.late],
    ['one that came before', [10, 11], 10, Arrival.duplicate],
    ['one from before the first', [10], 9, Arrival.duplicate],
    ['one far ahead', [10], 20_000, Arrival.restart],
  ])('tells %s apart', (_case, before, number, expected) => {
    expect(take(...before).take(number)).toBe(expected);
  });

  it('keeps the cycles of the number above its 16 bits (RFC 3550 §6.4.1)', () => {
    expect(take(65_535, 0, 1).highest).toBe(65_537);
  });

  it('loses exactly what never came, in any order within the window', () => {
    const places = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), places, (first, offsets) => {
        const window = take(first, ...offsets.map((offset) => first + offset));
        expect(window.lost).toBe(Math.max(...offsets) - offsets.length);
      }),
    );
  });
});

function range(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, i) => from + i);
}
