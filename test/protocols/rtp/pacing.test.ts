/** How far ahead of its time a movie goes: the over-buffer, which fills players over TCP (DSS: overbuffer_rate). */
import {
  horizonUs,
  longWindowOf,
  type Pacing,
  playsSinceUs,
  wakeUs,
  withinRate,
  withoutOverbuffer,
} from '@finch/rtp';
import * as fc from 'fast-check';
import type { MadeUpTrack } from '../../modules/file-vod/made-up-presentation';
import { VirtualViewer } from './virtual-viewer';

const PACING: Pacing = {
  windowUs: 1000,
  aheadUs: 0,
  overbufferRate: 2,
  overbufferUs: 5_000_000,
  longWindowUs: 1000,
};
const GATHERING: Pacing = { ...PACING, windowUs: 5000, longWindowUs: 100_000 };
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
    [0, 1_002_000],
    [3_000_000, 7_002_000],
    [4_000_000, 9_001_000],
    [20_000_000, 25_001_000],
  ])('%d us after the start is at %d us', (sinceStartUs, untilUs) => {
    expect(horizonUs(PACING, 7_000_000 + sinceStartUs, 7_000_000)).toBe(7_000_000 + untilUs);
  });

  it.each([0, 1_000_000, 9_999_000, 10_000_000, 12_345_678, 40_000_000])(
    'reaches a frame due at %d us when the session wakes for it, and not a window before',
    (dueUs) => {
      const atUs = wakeUs(PACING, dueUs, 0, -Infinity);
      expect(horizonUs(PACING, atUs, 0)).toBeGreaterThan(dueUs);
      // what is due in the first second may go at once
      if (atUs > 0) expect(horizonUs(PACING, atUs - PACING.windowUs, 0)).toBeLessThanOrEqual(dueUs);
    },
  );

  it.each([0, 500_000, 1_000_000, 3_000_000, 5_000_000])('goes on from %d us that are held', (heldUs) => {
    const sinceUs = playsSinceUs(PACING, 7_000_000, heldUs);
    const aheadUs = Math.max(heldUs, 1_000_000);
    expect(horizonUs(PACING, 7_000_000, sinceUs) - 7_000_000 - aheadUs).toBeLessThanOrEqual(2000);
    expect(horizonUs(PACING, 7_000_000, sinceUs)).toBeGreaterThan(7_000_000 + aheadUs);
  });
});

describe('the window of a session that over-buffers', () => {
  it.each([
    ['25 s', 5000, 25_000_000, 100_000],
    ['25 s, and windows of 3 ms', 3000, 25_000_000, 99_000],
    ['half a second', 5000, 500_000, 50_000],
    ['next to nothing', 5000, 20_000, 5000],
    ['nothing', 5000, 0, 5000],
  ])('over-buffered by %s, in windows of %d us', (_what, windowUs, overbufferUs, expected) => {
    expect(longWindowOf(windowUs, overbufferUs)).toBe(expected);
  });

  const SINCE_US = 7_013_210;
  const dues = Array.from({ length: 400 }, (_, i) => SINCE_US + i * 40_000);

  it('begins on the grid of all sessions, and holds what comes due within it', () => {
    for (const dueUs of dues) {
      const atUs = wakeUs(GATHERING, dueUs, SINCE_US, -Infinity);
      expect(atUs % GATHERING.windowUs).toBe(0);
      expect(horizonUs(GATHERING, atUs, SINCE_US)).toBeGreaterThan(dueUs);
      if (atUs > SINCE_US)
        expect(horizonUs(GATHERING, atUs - GATHERING.windowUs, SINCE_US)).toBeLessThanOrEqual(dueUs);
    }
  });

  it('is over before a session runs again, whatever the fractions of its rate', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1.1, 1.3, 2, 3.7, 10),
        fc.constantFrom(0, 5000, 500_000, 25_000_000),
        fc.double({ min: 0, max: 9e9, noNaN: true }),
        fc.double({ min: 0, max: 6e7, noNaN: true }),
        (overbufferRate, overbufferUs, sinceUs, playedUs) => {
          const pacing = { ...GATHERING, overbufferRate, overbufferUs };
          const nowUs = sinceUs + playedUs;
          const dueUs = horizonUs(pacing, nowUs, sinceUs);
          const atUs = wakeUs(pacing, dueUs, sinceUs, nowUs);
          expect(atUs).toBeGreaterThan(nowUs);
          expect(horizonUs(pacing, atUs, sinceUs)).toBeGreaterThan(dueUs);
        },
      ),
      { examples: [[1.1, 25_000_000, 7_000_000, 23_001_000]] },
    );
  });

  it('begins at other times for who began at other times', () => {
    const phases = [0, 5000, 35_000].map((laterUs) => {
      const sinceUs = SINCE_US + laterUs;
      return wakeUs(GATHERING, sinceUs + 20_000_000, sinceUs, sinceUs) % GATHERING.longWindowUs;
    });
    expect(new Set(phases).size).toBe(3);
  });

  it('is the common one without over-buffering', () => {
    const plain = withoutOverbuffer(GATHERING);
    expect(wakeUs(plain, 7_013_210, SINCE_US, -Infinity)).toBe(7_010_000);
    expect(horizonUs(plain, 7_013_210, SINCE_US)).toBe(7_015_000);
  });

  it('has a session run once, at every rate', () => {
    for (const overbufferRate of [1.1, 1.3, 2, 3.7]) {
      const pacing = { ...GATHERING, overbufferRate };
      const viewer = new VirtualViewer({ tracks: [VIDEO], durationUs: SECONDS * 1e6, pacing });
      viewer.session.play(0);
      viewer.passMs(10_000);
      expect([overbufferRate, viewer.runs]).toEqual([overbufferRate, 101]);
    }
  });

  it('has all of a window leave at once, and nobody gets less', () => {
    const viewer = new VirtualViewer({ tracks: [VIDEO], durationUs: SECONDS * 1e6, pacing: GATHERING });
    const startMs = viewer.nowMs;
    viewer.session.play(0);
    viewer.passMs(12_000);
    const leftMs = new Set(viewer.sent[0]!.map(({ atMs }) => atMs).filter((atMs) => atMs > startMs + 10_000));
    expect(leftMs.size).toBe(20);
    expect(aheadMs(viewer, startMs)).toBeGreaterThanOrEqual(5000 - 40);
    expect(aheadMs(viewer, startMs)).toBeLessThanOrEqual(5000 + 100);
  });
});

describe('a movie that fills the player', () => {
  it('goes twice as fast as it is shown until it is 5 s ahead, and stays there', () => {
    const viewer = open();
    const startMs = viewer.nowMs;
    viewer.session.play(0);
    viewer.passMs(1);
    expect(Math.abs(aheadMs(viewer, startMs) - 1000)).toBeLessThanOrEqual(40);
    viewer.passMs(2000);
    expect(Math.abs(aheadMs(viewer, startMs) - 3000)).toBeLessThanOrEqual(40);
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
    expect(Math.abs(viewer.session.shownUs - 8_000_000)).toBeLessThanOrEqual(2000);
    expect(viewer.session.play(undefined)).toBe(pausedUs);
    viewer.passMs(1000);
    expect(Math.abs(viewer.sent[0]!.length - had - 25)).toBeLessThanOrEqual(1);
    expect(Math.abs(viewer.session.shownUs - 9_000_000)).toBeLessThanOrEqual(2000);
  });

  it('is never more than 5 s ahead, however often it is paused', () => {
    const viewer = open();
    viewer.session.play(0);
    for (let pauses = 0; pauses < 4; pauses++) {
      viewer.passMs(1000);
      viewer.session.pause();
      viewer.passMs(3000);
      viewer.session.play(undefined);
    }
    viewer.passMs(1000);
    expect(Math.abs((viewer.sent[0]!.length - 1) * 40 - 10_000)).toBeLessThanOrEqual(80); // 5 s are shown
  });

  it('that changes its scale while it is paused goes on from the screen', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(12_000);
    viewer.session.pause();
    expect(viewer.session.play(undefined, { scale: 2 })).toBe(10_000_000); // the key frame before 12 s, not the one before 17 s
  });

  it('lasts half as long at twice the speed', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(8000);
    const had = viewer.sent[0]!.length; // 5 s more than are shown
    viewer.session.play(undefined, { speed: 2 });
    viewer.passMs(2400);
    expect(viewer.sent[0]!.length - had).toBe(0);
    viewer.passMs(1100);
    expect(Math.abs(viewer.sent[0]!.length - had - 50)).toBeLessThanOrEqual(2);
  });

  it('may wait for a player who is full of it: he is closed when something was due for 10 s and could not go', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(6000);
    viewer.isFull = true;
    viewer.passMs(14_000); // for 5 s nothing is due
    expect(viewer.told).toEqual([]);
    viewer.passMs(1500);
    expect(viewer.told).toEqual(['stalled: its connection took nothing for 10 s']);
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

it.each([
  [Infinity, 2, 5_000_000],
  [2, 2, 5_000_000],
  [1.25, 1.25, 5_000_000],
  [1, 2, 0],
  [0.5, 2, 0],
])(
  'a way that carries %d times the rate of the movie is filled at %d times, up to %d us',
  (rate, fillRate, boundUs) => {
    expect(withinRate(PACING, rate)).toMatchObject({ overbufferRate: fillRate, overbufferUs: boundUs });
  },
);
