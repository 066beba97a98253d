import { AGAIN, after, DELETE, PARK } from '@finch/core/reactor/run-result';

describe('run results', () => {
  it('are told apart by sign', () => {
    expect(DELETE).toBeLessThan(0);
    expect(PARK).toBe(0);
    expect(AGAIN).toBeGreaterThan(0);
  });

  it.each([
    ['a delay', 20, 20],
    ['a fraction', 0.25, 0.25],
    ['no delay: the smallest positive one', 0, AGAIN],
    ['a schedule that has fallen behind', -7, AGAIN],
    ['less than a microsecond', 0.0001, AGAIN],
    ['for ever', Infinity, PARK],
  ])('after(ms) takes %s', (_what, delayMs, result) => {
    expect(after(delayMs)).toBe(result);
  });

  it('after(NaN) is a RangeError', () => {
    expect(() => after(Number.NaN)).toThrow(RangeError);
  });
});
