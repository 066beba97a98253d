/** How far ahead of its time a movie goes: the over-buffer, which fills players over TCP (DSS: overbuffer_rate). */
import { horizonUs, type Pacing, wakeUs } from '@finch/rtp';
import type { MadeUpTrack } from '../../modules/file-vod/made-up-presentation';
import { VirtualViewer } from './virtual-viewer';

const PACING: Pacing = { windowUs: 1000, aheadUs: 0, overbufferRate: 2, overbufferUs: 5_000_000 };
const SECONDS = 30;
const VIDEO: MadeUpTrack = {
  kind: 'video',
  clockRateHz: 90_000,
  dtsUs: Array.from({ length: SECONDS * 25 }, (_, i) => i * 40_000),
  keyFrames: [0, 250, 500],
};
const open = () => new VirtualViewer({ tracks: [VIDEO], durationUs: SECONDS * 1e6, pacing: PACING });
/** How far the last picture sent is ahead of its time. */
const aheadMs = (viewer: VirtualViewer, startMs: number) =>
  (viewer.sent[0]!.length - 1) * 40 - (viewer.nowMs - startMs);

describe('the horizon', () => {
  it.each([
    [0, 2000],
    [3_000_000, 6_002_000],
    [5_000_000, 10_001_000],
    [20_000_000, 25_001_000],
  ])('%d us after the start is at %d us', (sinceStartUs, untilUs) => {
    expect(horizonUs(PACING, 7_000_000 + sinceStartUs, 7_000_000)).toBe(7_000_000 + untilUs);
  });

  it.each([0, 1_000_000, 9_999_000, 10_000_000, 12_345_678, 40_000_000])(
    'reaches a frame due at %d us when the session wakes for it, and not a window before',
    (dueUs) => {
      const atUs = wakeUs(PACING, dueUs, 0);
      expect(horizonUs(PACING, atUs, 0)).toBeGreaterThan(dueUs);
      expect(horizonUs(PACING, atUs - PACING.windowUs, 0)).toBeLessThanOrEqual(dueUs);
    },
  );
});

describe('a movie that fills the player', () => {
  it('goes twice as fast as it is shown until it is 5 s ahead, and stays there', () => {
    const viewer = open();
    const startMs = viewer.nowMs;
    viewer.session.play(0);
    viewer.passMs(2000);
    expect(Math.abs(aheadMs(viewer, startMs) - 2000)).toBeLessThanOrEqual(40);
    viewer.passMs(10_000);
    expect(Math.abs(aheadMs(viewer, startMs) - 5000)).toBeLessThanOrEqual(40);
  });

  it('tells what is on the screen, and goes on after PAUSE where sending stopped', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(8000);
    expect(Math.abs(viewer.session.shownUs - 8_000_000)).toBeLessThanOrEqual(2000);
    const pausedUs = viewer.session.pause();
    expect(Math.abs(pausedUs - 13_000_000)).toBeLessThanOrEqual(41_000);
    const had = viewer.sent[0]!.length;
    viewer.passMs(1000);
    expect(viewer.session.play(undefined)).toBe(pausedUs);
    viewer.passMs(1000);
    expect(Math.abs(viewer.sent[0]!.length - had - 50)).toBeLessThanOrEqual(2);
  });

  it('that changes its scale goes on from the screen, in real time', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(8000);
    expect(Math.abs(viewer.session.play(undefined, { scale: 2 }) - 0)).toBe(0); // the key frame before 8 s
    const had = viewer.sent[0]!.length;
    viewer.passMs(1000);
    expect(Math.abs(viewer.sent[0]!.length - had - 50)).toBeLessThanOrEqual(2);
  });

  it('ends when its time is over, not when all is sent', () => {
    const viewer = open();
    viewer.session.play(25_000_000);
    viewer.passMs(6000); // from the key frame at 20 s: all is sent
    expect(viewer.sent[0]!.length).toBe(250);
    expect(viewer.told).toEqual([]);
    viewer.passMs(4500);
    expect(viewer.told).toEqual(['ended']);
  });
});
