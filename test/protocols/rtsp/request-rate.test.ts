/** The rate of requests: a burst passes, the long run is bounded. */
import { RequestRate } from '@finch/rtsp/request-rate';

const US_PER_S = 1_000_000;

describe('a request rate', () => {
  it('lets five seconds’ worth come at once, then so many a second', () => {
    const rate = new RequestRate(10, 0);
    const passed = (nowUs: number) =>
      Array.from({ length: 100 }, () => rate.take(nowUs)).filter(Boolean).length;
    expect([passed(0), passed(0), passed(US_PER_S), passed(1.5 * US_PER_S)]).toEqual([50, 0, 10, 5]);
    expect(passed(1000 * US_PER_S)).toBe(50);
  });

  it('says how long to rest until it is as at the beginning', () => {
    const rate = new RequestRate(10, 0);
    expect(rate.restMs(0)).toBe(0);
    for (let i = 0; i < 20; i++) rate.take(0);
    expect(rate.restMs(0)).toBe(2000);
    expect(rate.restMs(1.5 * US_PER_S)).toBe(500);
    expect(rate.restMs(3 * US_PER_S)).toBe(0);
  });
});
