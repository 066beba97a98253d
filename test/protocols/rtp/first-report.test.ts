/** The first sender report of a track, which players need to play picture and sound at the same time: RFC 3550 §6.4.1. */
import { type FinchUnderTest, startFinch } from '../../support/finch-under-test';
import { ticksBetween } from '../../support/rtp-receiver';
import { type Carrier, Viewer } from '../../support/viewer';

/** Well before the second round of reports, 5 s later. */
const FIRST_REPORT_MS = 2500;

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
    'of every track over %s, played by %s, tells a later time than its first packet',
    async (carrier, range) => {
      const viewer = await Viewer.open(finch, { carrier });
      try {
        await viewer.play(range);
        for (const track of viewer.tracks) {
          await track.until(() => track.reports.length > 0, 'a first report', FIRST_REPORT_MS);
          const [{ timestamp }, { rtpTimestamp }] = [track.packets[0]!, track.reports[0]!];
          expect(ticksBetween(timestamp, rtpTimestamp)).toBeGreaterThan(0);
        }
      } finally {
        await viewer.close();
      }
    },
  );
});
