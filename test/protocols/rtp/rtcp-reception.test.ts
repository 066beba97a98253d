/** What a viewer's receiver reports leave behind. Spec: RFC 3550 §6.4.1, §6.4.2. */
import {
  emptyReportBlock,
  ntpFraction,
  ntpMiddle32,
  ntpSeconds,
  type ReceptionStatistics,
  type ReportBlock,
  readReports,
  writeReceiverReport,
  writeSourceDescription,
} from '@finch/rtp';

const SSRC = 0xfeed0001;
const NOW_US = 1_700_000_000_000_000;

const nothingYet = (): ReceptionStatistics => ({
  fractionLost: 0,
  cumulativeLost: 0,
  highestSequence: 0,
  jitterTicks: 0,
  roundTripUs: -1,
  receivedReports: 0,
});

function compoundOf(...blocks: Partial<ReportBlock>[]): Uint8Array {
  const bytes = new Uint8Array(512);
  const full = blocks.map((block) => ({ ...emptyReportBlock(), ...block }));
  const length = writeReceiverReport(bytes, 0, 7, full);
  return bytes.subarray(0, length + writeSourceDescription(bytes, length, 7, Buffer.from('viewer')));
}

describe('readReports', () => {
  it('takes loss, jitter and sequence of the block about the sender (RFC 3550 §6.4.1)', () => {
    const statistics = nothingYet();
    const block = {
      ssrc: SSRC,
      fractionLost: 64,
      cumulativeLost: -3,
      highestSequence: 0x1ffff,
      jitterTicks: 9,
    };
    expect(readReports(compoundOf({ ssrc: 1, fractionLost: 255 }, block), SSRC, NOW_US, statistics)).toBe(
      true,
    );
    expect(statistics).toEqual({
      fractionLost: 64,
      cumulativeLost: -3,
      highestSequence: 0x1ffff,
      jitterTicks: 9,
      roundTripUs: -1, // no sender report had arrived there
      receivedReports: 1,
    });
  });

  it('reckons the round trip from LSR and DLSR (RFC 3550 §6.4.1)', () => {
    const statistics = nothingYet();
    const sentUs = NOW_US - 750_000;
    const lastSr = ntpMiddle32(ntpSeconds(sentUs), ntpFraction(sentUs));
    readReports(compoundOf({ ssrc: SSRC, lastSr, delaySinceLastSr: 32_768 }), SSRC, NOW_US, statistics);
    expect(Math.abs(statistics.roundTripUs - 250_000)).toBeLessThan(50);
  });

  it('keeps the round trip it knew when the next one is absurd', () => {
    const statistics = { ...nothingYet(), roundTripUs: 5000 };
    const lastSr = ntpMiddle32(ntpSeconds(NOW_US - 3_600_000_000), 0);
    readReports(compoundOf({ ssrc: SSRC, lastSr }), SSRC, NOW_US, statistics);
    expect(statistics).toMatchObject({ roundTripUs: 5000, receivedReports: 1 });
  });

  it.each([
    ['an empty datagram', new Uint8Array(0)],
    ['a cut compound', compoundOf({ ssrc: SSRC, fractionLost: 1 }).subarray(0, 30)],
    ['noise', Uint8Array.from({ length: 64 }, (_, i) => i * 37)],
  ])('of %s changes nothing and says so', (_, bytes) => {
    const statistics = nothingYet();
    expect(readReports(bytes, SSRC, NOW_US, statistics)).toBe(false);
    expect(statistics).toEqual(nothingYet());
  });

  it('of somebody else changes nothing and says so', () => {
    const statistics = nothingYet();
    expect(readReports(compoundOf({ ssrc: SSRC ^ 1, fractionLost: 9 }), SSRC, NOW_US, statistics)).toBe(
      false,
    );
    expect(statistics).toEqual(nothingYet());
  });

  it('of a receiver that has received nothing is a report like any other (RFC 3550 §6.4.2)', () => {
    const statistics = nothingYet();
    expect(readReports(compoundOf(), SSRC, NOW_US, statistics)).toBe(true);
    expect(statistics).toEqual(nothingYet());
  });
});
