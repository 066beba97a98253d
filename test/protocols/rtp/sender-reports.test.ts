/** When senders report. Spec: RFC 3550 §6.2, §6.3.1. */
import { type RtpSender, SenderReports } from '@finch/rtp';

const CNAME = Buffer.from('test');

/** The times between rounds, in seconds. */
function intervalsS(random: () => number, rounds: number): number[] {
  const reports = new SenderReports([] as RtpSender[], CNAME, random);
  reports.restart();
  return Array.from({ length: rounds }, () => reports.sendRound(7e6, 0) / 1e6 - 7);
}

describe('the interval of reports', () => {
  it.each([
    [0, 2.05],
    [0.5, 4.1],
    [0.999999, 6.16],
  ])('at a draw of %d is %d s: half to one and a half of 5 s, less the compensation', (draw, seconds) => {
    for (const interval of intervalsS(() => draw, 3)) expect(interval).toBeCloseTo(seconds, 1);
  });

  it('is drawn anew each time', () => {
    const draws = [0.1, 0.9, 0.4];
    const [first, second, third] = intervalsS(() => draws.push(draws.shift()!) && draws.at(-1)!, 3);
    expect(second!).toBeGreaterThan(third!);
    expect(third!).toBeGreaterThan(first!);
  });
});
