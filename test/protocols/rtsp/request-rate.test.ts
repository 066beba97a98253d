/** The rate of requests: a burst passes, the long run is bounded. */
import { MAX_REFUSALS, RequestRate } from '@finch/rtsp/request-rate';

const US_PER_S = 1_000_000;

describe('a request rate', () => {
  it('lets five seconds’ worth come at once, then so many a second', () => {
    const rate = new RequestRate(10, 0);
    const passed = (nowUs: number) =>
      Array.from({ length: 100 }, () => rate.take(nowUs)).filter((verdict) => verdict === 'served').length;
    expect([passed(0), passed(0), passed(US_PER_S), passed(1.5 * US_PER_S)]).toEqual([50, 0, 10, 5]);
    expect(passed(1000 * US_PER_S)).toBe(50);
  });

  it('refuses what is above, and bears a thousand of that at once, then a hundred a second', () => {
    const rate = new RequestRate(1, 0);
    for (let i = 0; i < 5; i++) rate.take(0);
    const refused = (nowUs: number) => {
      for (let count = 0; ; count++) if (rate.take(nowUs) === 'ended') return count;
    };
    expect([refused(0), refused(0), refused(0.5 * US_PER_S)]).toEqual([MAX_REFUSALS, 0, 50]);
  });

  it('goes along with its connection', () => {
    const rate = new RequestRate(1, 0);
    for (let i = 0; i < 7; i++) rate.take(0);
    expect(rate.levels).toEqual([5, 2]);
    const there = new RequestRate(1, 1000 * US_PER_S, rate.levels);
    expect([there.take(1000 * US_PER_S), there.levels]).toEqual(['refused', [5, 3]]);
    expect(there.take(1001 * US_PER_S)).toBe('served');
  });
});
