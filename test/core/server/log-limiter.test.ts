/** Log lines that clients cause: a burst, then a few a minute, and the number of those that were left out. */
import { type Log, LogLimiter } from '@finch/core';

const MINUTE_MS = 60_000;

describe('a log limiter', () => {
  it('writes a burst, then so many a minute, and says what it left out', () => {
    const lines: string[] = [];
    const log: Log = { error() {}, warn: (line) => lines.push(line), info() {}, debug() {} };
    let nowMs = 0;
    const limiter = new LogLimiter(log, { burst: 3, perMinute: 2 }, () => nowMs);
    const write = (count: number) => {
      for (let i = 0; i < count; i++) limiter.write('warn', 'line');
    };
    write(1000);
    expect(lines).toEqual(['line', 'line', 'line']);
    nowMs += MINUTE_MS;
    write(1000);
    expect(lines.slice(3)).toEqual(['997 lines like the next one were left out', 'line', 'line']);
    nowMs += 100 * MINUTE_MS;
    write(1000);
    expect(lines.slice(6)).toEqual(['998 lines like the next one were left out', 'line', 'line', 'line']);
  });
});
