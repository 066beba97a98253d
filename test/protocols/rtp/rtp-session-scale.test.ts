/** Scale and Speed: which frames are sent, when, with which timestamps. Spec: RFC 2326 §12.34, §12.35, appendix B. */
import { BYE_BYTES, emptySenderReport, RTCP_TYPE, readSenderReport, rtcpTypeAt } from '@finch/rtp';
import type { MadeUpTrack } from '../../modules/file-vod/made-up-presentation';
import { ticksBetween } from '../../support/rtp-receiver';
import { type SentUnit, VirtualViewer } from './virtual-viewer';

const HZ = 90_000;
const SECONDS = 20;
const every = (count: number, us: number): number[] => Array.from({ length: count }, (_, i) => i * us);

/** 25 pictures a second, a key frame each second, shown 80 ms after decoding. */
const VIDEO: MadeUpTrack = {
  kind: 'video',
  clockRateHz: HZ,
  dtsUs: every(SECONDS * 25, 40_000),
  offsetsUs: every(SECONDS * 25, 0).map(() => 80_000),
  keyFrames: every(SECONDS, 25),
};
const AUDIO: MadeUpTrack = { kind: 'audio', clockRateHz: 48_000, dtsUs: every(SECONDS * 50, 20_000) };
const LEAD_S = 0.08;

const open = (tracks: readonly MadeUpTrack[] = [VIDEO, AUDIO]) =>
  new VirtualViewer({ tracks, durationUs: SECONDS * 1e6 });

/** Seconds of the RTP clock between the first unit and each. */
const secondsOf = (units: readonly SentUnit[], hz = HZ): number[] =>
  units.map(({ timestamp }) => ticksBetween(units[0]!.timestamp, timestamp) / hz);

/** Fails unless timestamps advance as the clock does; to 2 ms: the window, and the rounding. */
function expectRealTime(units: readonly SentUnit[], speed = 1): void {
  const seconds = secondsOf(units);
  units.forEach(({ atMs }, i) => {
    expect(Math.abs((atMs - units[0]!.atMs) * speed - seconds[i]! * 1000)).toBeLessThan(2.1 * speed);
  });
}

/** Reports of all tracks that end in BYE. */
function byesOf({ reports }: VirtualViewer): number {
  const isBye = (bytes: Uint8Array) => rtcpTypeAt(bytes, bytes.length - BYE_BYTES) === RTCP_TYPE.goodbye;
  return reports.flat().filter(({ bytes }) => isBye(bytes)).length;
}

function expectContiguous(units: readonly SentUnit[]): void {
  units.forEach(({ sequence }, i) => {
    const before = units[i - 1];
    if (before !== undefined) expect(sequence).toBe((before.sequence + before.packets) & 0xffff);
  });
}

describe('the scale that is served', () => {
  it.each([
    [1, 1],
    [2, 2],
    [0.5, 0.5],
    [100, 32],
    [-1, -1],
    [-1000, -32],
    [0.001, 1 / 32],
    [-0.001, -1 / 32],
  ])('for %d is %d', (wanted, served) => {
    const { session } = open();
    session.play(5e6, { scale: wanted });
    expect(session.scale).toBe(served);
  });

  it('is 1 without a video track, and beyond 2 or backward with one key frame only', () => {
    const sound = open([AUDIO]);
    const still = open([{ ...VIDEO, keyFrames: [0] }]);
    for (const scale of [0.5, 2, 4, -1]) {
      sound.session.play(0, { scale });
      still.session.play(0, { scale });
      expect([sound.session.scale, still.session.scale]).toEqual([1, scale > 0 && scale <= 2 ? scale : 1]);
    }
  });
});

describe('playing at a scale', () => {
  it.each([0.5, 1.5, 2])('of %d sends all pictures and no sound, in real time', (scale) => {
    const viewer = open();
    expect(viewer.session.play(4e6, { scale })).toBeCloseTo(3_080_000, -1);
    viewer.passMs(2000);
    const [video, audio] = viewer.sent;
    expect(Math.abs(video!.length - 2 * 25 * scale)).toBeLessThanOrEqual(2);
    expect(audio).toEqual([]);
    expectRealTime(video!);
    expectContiguous(video!);
  });

  it.each([4, 8, -1, -4, -16])('of %d sends key frames only, in real time', (scale) => {
    const viewer = open();
    const startUs = viewer.session.play(10.5e6, { scale });
    expect(startUs / 1e6).toBeCloseTo(10 + LEAD_S, 3);
    const first = viewer.session.senders[0]!.timestampOf(startUs);
    viewer.passMs(990);
    const [video, audio] = viewer.sent;
    const keyFramesLeft = scale > 0 ? 9 : 10;
    expect(video!.length).toBe(Math.min(Math.floor(0.99 * Math.abs(scale)), keyFramesLeft) + 1);
    expect(audio).toEqual([]);
    expect(video![0]!.timestamp).toBe(first);
    const seconds = secondsOf(video!);
    for (const [i, s] of seconds.entries()) expect(s).toBeCloseTo(i / Math.abs(scale), 4);
    expectRealTime(video!);
    expectContiguous(video!);
  });

  it('keeps key frames 40 ms apart', () => {
    const viewer = open([{ ...VIDEO, keyFrames: every(SECONDS * 25, 1) }]);
    viewer.session.play(0, { scale: 8 });
    viewer.passMs(1000);
    const seconds = secondsOf(viewer.sent[0]!);
    const gaps = seconds.slice(1).map((s, i) => s - seconds[i]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0.04 - 1e-6);
    expect(Math.max(...gaps)).toBeLessThan(0.046);
  });

  it('reads ahead where it goes: the segment it is in and that of the next key frame', () => {
    const viewer = open([VIDEO]);
    viewer.session.play(10.5e6, { scale: -2 });
    expect([...viewer.used[0]!.keys()].sort()).toEqual([4, 5]);
    viewer.session.play(10.5e6);
    expect([...viewer.used[0]!.keys()].sort()).toEqual([5, 6]);
    viewer.session.play(2.5e6, { scale: 32 });
    viewer.passMs(100);
    expect(viewer.used[0]!.size).toBeLessThanOrEqual(2);
  });
});

describe('changing the scale while playing', () => {
  it('goes on from where it is, with timestamps that run on without gap or jump (RFC 2326 appendix B)', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(3000);
    for (const scale of [2, 0.5, 4, -2, -4, 1, 8, 1]) {
      const before = viewer.session.positionUs;
      viewer.session.play(undefined, { scale });
      expect(Math.abs(viewer.session.positionUs - before)).toBeLessThanOrEqual(1_050_000);
      viewer.passMs(1000);
    }
    const video = viewer.sent[0]!;
    expectContiguous(video);
    const seconds = secondsOf(video);
    const gaps = seconds.slice(1).map((s, i) => s - seconds[i]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(-0.085);
    // The clock of the timestamps never gets ahead of the real one, and stays behind by less than the pause of a key frame.
    const behind = video.map(({ atMs }, i) => (atMs - video[0]!.atMs) / 1000 - seconds[i]!);
    expect(Math.max(...behind.map(Math.abs))).toBeLessThan(2.5);
  });

  it('between 1 and 2 loses no picture and sends none twice', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(1010);
    viewer.session.play(undefined, { scale: 2 });
    viewer.passMs(1000);
    viewer.session.play(undefined);
    viewer.passMs(1000);
    expect(Math.abs(viewer.sent[0]!.length - 101)).toBeLessThanOrEqual(1);
    const [, audio] = viewer.sent;
    expectContiguous(audio!);
    const seconds = secondsOf(audio!, 48_000);
    expect(audio!.length).toBeGreaterThan(98);
    expect(Math.max(...seconds)).toBeCloseTo(3, 1);
  });

  it('PLAY without a scale is at scale 1 again, from a key frame at or before', () => {
    const viewer = open();
    viewer.session.play(2e6, { scale: 4 });
    viewer.passMs(1100);
    const position = viewer.session.positionUs;
    expect(position / 1e6).toBeCloseTo(1.08 + 4.4, 1);
    const startUs = viewer.session.play(undefined);
    expect(viewer.session.scale).toBe(1);
    expect(startUs).toBeLessThanOrEqual(position);
    expect(position - startUs).toBeLessThan(1e6);
    const count = viewer.sent[1]!.length;
    viewer.passMs(500);
    expect(viewer.sent[1]!.length).toBeGreaterThan(count + 20);
  });

  it('who pauses while key frames are shown goes on where he was', () => {
    const viewer = open();
    viewer.session.play(2e6, { scale: 4 });
    viewer.passMs(1100);
    const position = viewer.session.pause();
    viewer.passMs(5000);
    expect(viewer.session.positionUs).toBe(position);
    expect(position / 1e6).toBeCloseTo(5.48, 1);
    expect(viewer.session.play(undefined) / 1e6).toBeCloseTo(5.08, 2);
  });
});

describe('the ends', () => {
  it('backward it stops at the start, without BYE, and plays on from there', () => {
    const viewer = open();
    viewer.session.play(3e6, { scale: -2 });
    viewer.passMs(3000);
    expect([viewer.session.isPlaying, viewer.session.positionUs, viewer.told]).toEqual([
      false,
      0,
      ['range ended'],
    ]);
    expect(viewer.sent[0]!.length).toBe(3);
    expect(viewer.session.play(undefined)).toBe(0);
    viewer.passMs(200);
    expect(viewer.sent[0]!.length).toBeGreaterThan(6);
    const seconds = secondsOf(viewer.sent[0]!);
    expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
  });

  it('who turns round when the last key frame has just been sent is at the start', () => {
    const viewer = open([VIDEO]);
    viewer.session.play(3e6, { scale: -4 });
    while (viewer.sent[0]!.length < 3) viewer.passMs(1);
    expect(viewer.session.play(undefined)).toBe(LEAD_S * 1e6);
  });

  it('fast forward it ends as ever, and backward goes on from the end', () => {
    const viewer = open();
    viewer.session.play(10e6, { scale: 8 });
    viewer.passMs(2000);
    expect(viewer.told).toEqual(['ended']);
    expect(viewer.session.play(undefined, { scale: -1 }) / 1e6).toBeCloseTo(19.08, 2);
  });

  it('fast forward it is not told BYE at the end while something follows (RFC 3550 §6.6)', () => {
    const viewer = open();
    viewer.goesOn = true;
    viewer.session.play(10e6, { scale: 8 });
    viewer.passMs(2000);
    expect(viewer.told).toEqual(['range ended']);
    expect(byesOf(viewer)).toBe(0);
    viewer.goesOn = false;
    expect(viewer.session.play(18.5e6) / 1e6).toBeCloseTo(18.08, 2);
    viewer.passMs(4000);
    expect([viewer.told, byesOf(viewer)]).toEqual([['range ended', 'ended'], 2]);
    expectContiguous(viewer.sent[0]!);
  });

  it('backward it stops at the end of the range, which belongs to it', () => {
    const viewer = open();
    viewer.session.play(6.08e6, { scale: -4, untilUs: 3.08e6 });
    expect(viewer.session.endUs).toBe(3.08e6);
    viewer.passMs(2000);
    expect(viewer.sent[0]!.length).toBe(4);
    expect([viewer.session.isPlaying, viewer.told]).toEqual([false, ['range ended']]);
  });
});

describe('speed', () => {
  it.each([
    [0.25, 0.25],
    [2, 2],
    [10, 4],
    [0.01, 0.25],
  ])('%d delivers at %d times the rate, with the timestamps of the movie', (speed, served) => {
    const viewer = open();
    viewer.session.play(0, { speed });
    expect([viewer.session.scale, viewer.session.speed]).toEqual([1, served]);
    viewer.passMs(2000);
    expect(Math.abs(viewer.sent[0]!.length - 50 * served)).toBeLessThanOrEqual(2);
    expect(secondsOf(viewer.sent[0]!).slice(0, 4)).toEqual([0, 0.04, 0.08, 0.12]);
    expectRealTime(viewer.sent[0]!, served);
  });

  it('of one viewer is not that of another', () => {
    const [one, other] = [open(), open()];
    one.session.play(0, { speed: 4 });
    other.session.play(0);
    one.passMs(1000);
    other.passMs(1000);
    expect(one.sent[0]!.length).toBeGreaterThan(90);
    expect(other.sent[0]!.length).toBeLessThanOrEqual(26);
  });
});

it.each([1, 2, 8, -4])('sender reports at scale %d agree with the stream (RFC 3550 §6.4.1)', (scale) => {
  const seconds = 60;
  const video = {
    ...VIDEO,
    dtsUs: every(seconds * 25, 40_000),
    offsetsUs: every(seconds * 25, 0).map(() => 80_000),
  };
  const track = { ...video, keyFrames: every(seconds, 25) };
  const viewer = new VirtualViewer({ tracks: [track], durationUs: seconds * 1e6 });
  viewer.session.play(scale < 0 ? 59e6 : 1e6, { scale });
  viewer.passMs(6500); // the second report comes after 6.2 s at the latest
  const first = viewer.sent[0]![0]!;
  const [before, { atMs, bytes }] = viewer.reports[0]! as [SentReport, SentReport];
  expect(timestampOf(before.bytes)).toBe(first.timestamp); // of the moment of the first packet, which is still to come
  const passedS = ticksBetween(first.timestamp, timestampOf(bytes)) / HZ;
  expect(passedS).toBeCloseTo((atMs - first.atMs) / 1000 - LEAD_S, 2);
});

type SentReport = VirtualViewer['reports'][number][number];

function timestampOf(bytes: Uint8Array): number {
  const report = emptySenderReport();
  readSenderReport(bytes, 0, report);
  return report.rtpTimestamp;
}
