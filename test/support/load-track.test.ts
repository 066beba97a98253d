import { LoadTrack, measureLateness } from './load-track';

const CLOCK_RATE_HZ = 90_000;
const FRAME_TICKS = 3600;
const FRAME_MS = 40;

function packet(sequence: number, timestamp: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16BE(sequence & 0xffff, 2);
  bytes.writeUInt32BE(timestamp >>> 0, 4);
  return bytes;
}

/** SR of `packetCount` packets, then BYE. */
function farewell(packetCount: number): Buffer {
  const bytes = Buffer.alloc(28 + 8);
  bytes.writeUInt32BE(0x80c8_0006, 0);
  bytes.writeUInt32BE(packetCount, 20);
  bytes.writeUInt32BE(0x81cb_0001, 28);
  return bytes;
}

/** A track of five frames, a packet each, that begins just before both of its numbers wrap; `arrivalsMs` by frame. */
function trackOf(arrivalsMs: readonly (number | undefined)[], earliestMs = arrivalsMs): LoadTrack {
  const track = new LoadTrack(CLOCK_RATE_HZ);
  track.firstSequence = 0xfffe;
  track.firstTimestamp = 2 ** 32 - FRAME_TICKS;
  arrivalsMs.forEach((ms, i) => {
    if (ms === undefined) return;
    track.rtpArrived(packet(0xfffe + i, track.firstTimestamp + i * FRAME_TICKS), ms, earliestMs[i]!);
  });
  track.rtcpArrived(farewell(5));
  return track;
}

const onTime = [0, 1, 2, 3, 4].map((i) => 1000 + i * FRAME_MS);

describe('LoadTrack', () => {
  it('finds nothing wrong with what came whole and in time, over both wraps (RFC 3550 §5.1)', () => {
    const track = trackOf(onTime);
    expect(track.losses()).toEqual({ lost: 0, outOfOrder: 0 });
    expect(Math.max(...measureLateness([track], 1000).provenMs)).toBeCloseTo(0);
  });

  it.each([
    ['the first', 0],
    ['one in the middle', 2],
    ['the last, by the count of the report (RFC 3550 §6.4.1)', 4],
  ])('finds a lost packet: %s', (_which, index) => {
    const arrivals = onTime.map((ms, i) => (i === index ? undefined : ms));
    expect(trackOf(arrivals).losses().lost).toBe(1);
  });

  it('counts no loss as known before BYE', () => {
    const track = new LoadTrack(CLOCK_RATE_HZ);
    track.rtpArrived(packet(0, 0), 0, 0);
    expect(track.losses().lost).toBeNaN();
  });

  it('finds a packet that did not follow the one before', () => {
    const track = trackOf(onTime);
    track.rtpArrived(packet(0xfffe, 0), 2000, 2000);
    expect(track.losses()).toEqual({ lost: 0, outOfOrder: 1 });
  });
});

describe('measureLateness', () => {
  it('finds a late packet', () => {
    const arrivals = onTime.map((ms, i) => (i === 3 ? ms + 150 : ms));
    const { provenMs, seenMs } = measureLateness([trackOf(arrivals)], 1000);
    expect(Math.max(...provenMs)).toBeCloseTo(150);
    expect(Math.max(...seenMs)).toBeCloseTo(150);
  });

  it('takes off what the process of the load may have added', () => {
    const arrivals = onTime.map((ms, i) => (i === 3 ? ms + 150 : ms));
    const { provenMs, seenMs } = measureLateness([trackOf(arrivals, onTime)], 1000);
    expect(Math.max(...provenMs)).toBeCloseTo(0);
    expect(Math.max(...seenMs)).toBeCloseTo(150);
  });

  it('measures all tracks of a viewer against one schedule, from the answer to PLAY on', () => {
    const late = trackOf(onTime.map((ms) => ms + 120));
    expect(Math.max(...measureLateness([trackOf(onTime), late], 1000).provenMs)).toBeCloseTo(120);
    expect(Math.max(...measureLateness([late], 1000).provenMs)).toBeCloseTo(120);
  });
});
