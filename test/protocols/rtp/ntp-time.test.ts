import { ntpFraction, ntpMiddle32, ntpSeconds, roundTripUs, unixUsOfNtp } from '@finch/rtp/ntp-time';
import fc from 'fast-check';

const NOW_US = 1_700_000_000_250_000;
const anyUs = fc.integer({ min: 0, max: 2_000_000_000_000_000 });
const lsrAt = (unixUs: number) => ntpMiddle32(ntpSeconds(unixUs), ntpFraction(unixUs));

describe('NTP time', () => {
  it('counts from 1900 in seconds and 2^-32 s (RFC 3550 §4)', () => {
    expect([ntpSeconds(0), ntpFraction(0)]).toEqual([2_208_988_800, 0]);
    expect([ntpSeconds(NOW_US), ntpFraction(NOW_US)]).toEqual([3_908_988_800, 2 ** 30]);
  });

  it('wraps in 2036', () => {
    expect(ntpSeconds((2 ** 32 - 2_208_988_800) * 1_000_000)).toBe(0);
  });

  it('comes back to the microsecond', () => {
    fc.assert(fc.property(anyUs, (us) => expect(unixUsOfNtp(ntpSeconds(us), ntpFraction(us))).toBe(us)));
  });

  it('takes the middle 32 bits for LSR (§6.4.1)', () => {
    expect(ntpMiddle32(0xb44db705, 0x20000000)).toBe(0xb7052000);
  });

  it('tells the round trip of the example in RFC 3550 figure 2', () => {
    const arrivalUs = unixUsOfNtp(0xb44db710, 0x80000000);
    expect(roundTripUs(arrivalUs, 0xb7052000, 0x0005_4000)).toBe(6_125_000);
  });

  it('tells any round trip within one unit of 2^-16 s, across the wrap of LSR too', () => {
    fc.assert(
      fc.property(anyUs, fc.nat(60_000_000), fc.nat(5_000_000), (sentUs, tripUs, heldUs) => {
        const dlsr = Math.round((heldUs * 65_536) / 1e6);
        fc.pre(lsrAt(sentUs) !== 0);
        expect(Math.abs(roundTripUs(sentUs + tripUs + heldUs, lsrAt(sentUs), dlsr) - tripUs)).toBeLessThan(
          32,
        );
      }),
    );
  });

  it('is -1 without a sender report and 0 when clocks contradict each other', () => {
    expect(roundTripUs(NOW_US, 0, 0)).toBe(-1);
    expect(roundTripUs(NOW_US, lsrAt(NOW_US), 65_536)).toBe(0);
  });
});
