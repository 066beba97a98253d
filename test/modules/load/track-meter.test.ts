/** What a meter reads out of RTP packets (RFC 3550 §5.1), and what a seek does to its counts. */
import { FigureCounter, Figures } from '@finch/load/figures';
import { TrackMeter } from '@finch/load/track-meter';
import { writeRtpHeader } from '@finch/rtp';

const PAYLOAD_BYTES = 100;
const PACKET_BYTES = 12 + PAYLOAD_BYTES;

function packet(sequenceNumber: number, timestamp = 0, marker = true): Uint8Array {
  const bytes = new Uint8Array(PACKET_BYTES);
  writeRtpHeader(bytes, 0, { marker, payloadType: 96, sequenceNumber, timestamp, ssrc: 7 });
  return bytes;
}

function meterWith() {
  const figures = new Figures();
  const firsts: number[] = [];
  const meter = new TrackMeter(true, 90_000, figures, { firstPacket: (us) => firsts.push(us) });
  const feed = (bytes: Uint8Array, arrivalUs = 1) => meter.packet(bytes, 0, bytes.length, arrivalUs);
  const count = (counter: keyof typeof FigureCounter) => figures.counters[FigureCounter[counter]];
  return { figures, firsts, meter, feed, count };
}

describe('TrackMeter', () => {
  it('counts packets and their payload', () => {
    const { feed, count } = meterWith();
    for (const sequence of [1, 2, 3]) feed(packet(sequence));
    expect([count('packets'), count('payloadBytes')]).toEqual([3, 3 * PAYLOAD_BYTES]);
  });

  it('leaves contributing sources and the extension out of the payload (RFC 3550 §5.3.1)', () => {
    const { feed, count } = meterWith();
    const bytes = packet(1);
    bytes[0] = 0x80 | 0x10 | 2; // X, two contributing sources
    bytes.set([0, 0, 0, 3], 20); // three words of extension
    feed(bytes);
    expect(count('payloadBytes')).toBe(PAYLOAD_BYTES - 8 - 4 - 12);
  });

  it('takes a run of datagrams apart, whose last one is shorter', () => {
    const { meter, count } = meterWith();
    const run = new Uint8Array([...packet(1), ...packet(2), ...packet(3).subarray(0, 50)]);
    meter.datagrams(run, 0, run.length, PACKET_BYTES, 1);
    expect([count('packets'), count('payloadBytes'), count('lost')]).toEqual([3, 2 * PAYLOAD_BYTES + 38, 0]);
  });

  it.each([
    ['too short', new Uint8Array(11)],
    ['of another version', new Uint8Array(40)],
  ])('counts what is %s as malformed and nothing else', (_case, bytes) => {
    const { feed, count } = meterWith();
    feed(bytes);
    expect([count('malformed'), count('packets')]).toEqual([1, 0]);
  });

  it('counts lost, reordered and repeated packets', () => {
    const { feed, count } = meterWith();
    for (const sequence of [1, 2, 5, 4, 4]) feed(packet(sequence));
    expect([count('lost'), count('reordered'), count('duplicates')]).toEqual([1, 1, 1]);
  });

  it('tells of the first packet once, and once more after a seek', () => {
    const { feed, meter, firsts } = meterWith();
    feed(packet(1), 100);
    feed(packet(2), 200);
    meter.restart();
    feed(packet(3), 300);
    expect(firsts).toEqual([100, 300]);
  });

  it('counts a jump of the timestamp as a discontinuity, but not after a seek', () => {
    const { feed, meter, count } = meterWith();
    feed(packet(1, 0));
    feed(packet(2, 90_000 * 60));
    meter.restart();
    feed(packet(3, 90_000 * 6000));
    expect(count('discontinuities')).toBe(1);
  });

  it.each([
    ['before its first packet', true],
    ['after it', false],
  ])(
    'counts as lost what is missing at the start of a seek that RTP-Info named %s (RFC 2326 §12.33)',
    (_case, isFirst) => {
      const { feed, meter, count } = meterWith();
      feed(packet(1));
      meter.restart();
      if (isFirst) meter.startsAt(500);
      feed(packet(503));
      if (!isFirst) meter.startsAt(500);
      feed(packet(504));
      expect(count('lost')).toBe(3);
    },
  );

  it('measures gaps between frames of video in the window', () => {
    const { feed, figures } = meterWith();
    figures.open(0);
    feed(packet(1, 0, false), 1000);
    feed(packet(2, 0), 2000);
    feed(packet(3, 3600), 42_000);
    expect(figures.videoGaps.percentileUs(1)).toBe(40_000);
  });
});
