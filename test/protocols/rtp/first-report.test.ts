/** The first sender report of a track, which players need to play picture and sound at the same time: RFC 3550 §6.4.1. */
import { type FinchUnderTest, startFinch } from '../../support/finch-under-test';
import { ticksBetween } from '../../support/rtp-receiver';
import { type Carrier, Viewer } from '../../support/viewer';

/** A generous bound. */
const FIRST_REPORT_MS = 4500;
/** Of a picture, a second; of sound, two. */
const MAX_LATE_TICKS = 90_000;

describe('the first report', () => {
  let finch: FinchUnderTest;
  beforeAll(async () => {
    finch = await startFinch();
  });
  afterAll(() => finch.stop());

  it.each<[Carrier, string]>([
    ['UDP', 'npt=0-'],
    ['TCP', 'npt=0-'],
    ['UDP', 'npt=7.3-'],
  ])(
    'of every track over %s, played by %s, goes before the first packet and speaks of its moment, or of the start of the range',
    async (carrier, range) => {
      const viewer = await Viewer.open(finch, { carrier });
      try {
        const { rtpTicks } = await viewer.play(range);
        for (const [i, track] of viewer.tracks.entries()) {
          await track.until(() => track.reports.length > 0, 'a first report', FIRST_REPORT_MS);
          await track.packetsArrived(1);
          const [{ timestamp }, { rtpTimestamp, packetCount }] = [track.packets[0]!, track.reports[0]!];
          expect(packetCount).toBe(0);
          const start = rtpTicks[i]!;
          const first = ticksBetween(start, timestamp) > 0 ? timestamp : start;
          // The moment is the first packet's, unless the thread was late for it.
          expect(ticksBetween(first, rtpTimestamp)).toBeGreaterThanOrEqual(0);
          expect(ticksBetween(first, rtpTimestamp)).toBeLessThan(MAX_LATE_TICKS);
        }
      } finally {
        await viewer.close();
      }
    },
  );
});
