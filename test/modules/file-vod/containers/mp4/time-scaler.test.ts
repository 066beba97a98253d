import { TimeScaler } from '@finch/file-vod/containers/mp4/time-scaler';
import fc from 'fast-check';

/** The same sum in whole numbers of any size. */
function exact(
  t: bigint,
  timescale: bigint,
  clock: bigint,
  mediaStart: bigint,
  start: bigint,
  startScale: bigint,
) {
  const divisor = timescale * startScale * 2n;
  const sum =
    2n * ((t - mediaStart) * clock * startScale + start * clock * timescale) + timescale * startScale;
  const floor = sum / divisor;
  return sum < 0n && sum % divisor !== 0n ? floor - 1n : floor;
}

describe('TimeScaler', () => {
  it('rounds each time once and never drifts: 30000/1001 frames at 90 kHz are 3003 ticks apart for ever', () => {
    const scaler = new TimeScaler(30000, 90000, 0, 0n, 1000);
    for (const frame of [0, 1, 1000, 10_000_000]) expect(scaler.at(frame * 1001)).toBe(frame * 3003);
  });

  it('agrees with exact arithmetic to the tick over all scales and edits', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 0xffffffff }),
        fc.constantFrom(90000, 44100, 48000, 7350, 1_000_000),
        fc.integer({ min: 0, max: 30_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: 1, max: 0xffffffff }),
        (timescale, clock, seconds, part, start, startScale) => {
          const mediaStart = Math.floor(part * timescale);
          const t = Math.min(seconds * timescale, 2 ** 52) + 7;
          const found = new TimeScaler(timescale, clock, mediaStart, BigInt(start), startScale).at(t);
          const [a, b, c] = [BigInt(t), BigInt(timescale), BigInt(clock)];
          const wanted = Number(exact(a, b, c, BigInt(mediaStart), BigInt(start), BigInt(startScale)));
          // A sum of two rests within 2^-50 of a half may round either way.
          expect(Math.abs(found - wanted)).toBeLessThanOrEqual(start === 0 ? 0 : 1);
        },
      ),
      { numRuns: 500 },
    );
  });
});
