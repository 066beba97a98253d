/** What a late viewer gives up, step by step, and how he comes back. */
import { TaskEvent } from '@finch/core';
import {
  judgeAudio,
  judgePicture,
  Quality,
  type SlowViewer,
  ThinningVerdict,
  thinnedFramesOf,
} from '@finch/rtp';
import type { MadeUpTrack } from '../../modules/file-vod/made-up-presentation';
import { ticksBetween } from '../../support/rtp-receiver';
import { sliceBytes, VirtualViewer } from './virtual-viewer';

const { send, dropDisposable, skipToKeyFrame, drop } = ThinningVerdict;

describe('the verdict', () => {
  it.each([
    [-5000, send],
    [0, send],
    [749_999, send],
    [750_000, dropDisposable],
    [1_499_999, dropDisposable],
    [1_500_000, skipToKeyFrame],
    [60_000_000, skipToKeyFrame],
  ])('on a picture %d us late is %d', (lateUs, verdict) => {
    expect(judgePicture(lateUs)).toBe(verdict);
  });

  it.each([
    [0, false, send],
    [2_499_999, false, send],
    [2_500_000, false, drop],
    [2_499_999, true, drop],
    [750_000, true, drop],
    [749_999, true, send],
  ])('on sound %d us late (thinned before: %s) is %d', (lateUs, isThinned, verdict) => {
    expect(judgeAudio(lateUs, isThinned)).toBe(verdict);
  });
});

const SECONDS = 20;
const every = (count: number, us: number): number[] => Array.from({ length: count }, (_, i) => i * us);
/** 25 pictures a second, a key frame every two; to every other one nothing refers. */
const VIDEO: MadeUpTrack = {
  kind: 'video',
  clockRateHz: 90_000,
  dtsUs: every(SECONDS * 25, 40_000),
  keyFrames: every(SECONDS / 2, 50),
};
const AUDIO: MadeUpTrack = { kind: 'audio', clockRateHz: 48_000, dtsUs: every(SECONDS * 50, 20_000) };

function pictureOf(frame: number): Uint8Array {
  if (frame % 50 === 0) return sliceBytes(0x65);
  return sliceBytes(frame % 2 === 1 ? 0x01 : 0x41);
}

function open(video: MadeUpTrack = VIDEO, slowViewer: Partial<SlowViewer> = {}): VirtualViewer {
  return new VirtualViewer({
    slowViewer,
    tracks: [video, AUDIO],
    durationUs: SECONDS * 1e6,
    frameBytes: (track, frame) => (track === 0 ? pictureOf(frame) : new Uint8Array(1000)),
  });
}

/** The numbers of the pictures that were sent from the `from`th unit on. */
function picturesOf(viewer: VirtualViewer, from = 0): number[] {
  const [video] = viewer.sent;
  return video!
    .slice(from)
    .map(({ timestamp }) => Math.round(ticksBetween(video![0]!.timestamp, timestamp) / 3600));
}

const thinnedOf = (viewer: VirtualViewer) => viewer.session.senders.map(({ thinned }) => ({ ...thinned }));
const NOTHING = { disposable: 0, upToKeyFrame: 0, wholeGroups: 0, groupFrames: 0, keyFrames: 0, audio: 0 };

/** Plays until 3.0 s, takes nothing for `ms`, then takes all again; gives how many pictures he had. */
function stall(viewer: VirtualViewer, ms: number): number {
  viewer.session.play(0);
  viewer.passMs(3000);
  viewer.isFull = true;
  viewer.passMs(ms);
  const had = viewer.sent[0]!.length;
  viewer.isFull = false;
  viewer.session.signal(TaskEvent.write);
  viewer.passMs(10);
  return had;
}

function expectNoHole(viewer: VirtualViewer): void {
  for (const units of viewer.sent)
    units.forEach(({ sequence }, i) => {
      const before = units[i - 1];
      if (before !== undefined) expect(sequence).toBe((before.sequence + before.packets) & 0xffff);
    });
}

describe('a viewer whose socket is full', () => {
  it('for less than 750 ms gets everything', () => {
    const viewer = open();
    const had = stall(viewer, 700);
    expect(picturesOf(viewer, had).slice(0, 17)).toEqual(Array.from({ length: 17 }, (_, i) => had + i));
    expect(thinnedOf(viewer)).toEqual([NOTHING, NOTHING]);
  });

  it('for a second loses pictures that no other refers to, until he is late by less than 750 ms', () => {
    const viewer = open();
    const had = stall(viewer, 1200);
    const pictures = picturesOf(viewer, had);
    const late = pictures.filter((picture) => picture * 40 <= 4200 - 750);
    expect(late.length).toBeGreaterThan(3);
    expect(late.every((picture) => picture % 2 === 0)).toBe(true);
    expect(
      pictures.filter((picture) => picture * 40 > 4200 - 740 && picture % 2 === 1).length,
    ).toBeGreaterThan(5);
    const [video, audio] = thinnedOf(viewer);
    expect(video!.disposable).toBe(pictures.at(-1)! - had + 1 - pictures.length);
    expect([video!.upToKeyFrame, audio]).toEqual([0, NOTHING]);
    expectNoHole(viewer);
  });

  it('for two seconds goes on at the last key frame that is due, with all of the sound', () => {
    const viewer = open();
    const had = stall(viewer, 2000); // until 5.0 s; the key frame at 4.0 s is due
    expect(picturesOf(viewer, had)[0]).toBe(100);
    const [video, audio] = thinnedOf(viewer);
    expect(video!.upToKeyFrame).toBe(100 - had);
    expect(audio).toEqual(NOTHING);
    expectNoHole(viewer);
  });

  it('for five seconds loses sound, too, but for the last 750 ms', () => {
    const viewer = open();
    const had = stall(viewer, 5000);
    expect(picturesOf(viewer, had)[0]).toBe(200);
    const { audio } = thinnedOf(viewer)[1]!;
    expect(Math.abs(audio - (5000 - 750) / 20)).toBeLessThan(3);
    expectNoHole(viewer);
    viewer.passMs(2000);
    expect(Math.abs(viewer.sent[0]!.at(-1)!.atMs - viewer.nowMs)).toBeLessThan(50);
    expect(picturesOf(viewer).at(-1)).toBe(Math.floor(10_010 / 40));
    expect([viewer.told, viewer.session.quality]).toEqual([[`late ${Quality.silent}`], Quality.silent]);
    viewer.passMs(4000);
    expect([viewer.told.at(-1), viewer.session.quality]).toEqual([`late ${Quality.full}`, Quality.full]);
  });

  it('tells groups of pictures that were left out whole from the rest of the one that had begun', () => {
    const viewer = open();
    const had = stall(viewer, 5000);
    const [video] = thinnedOf(viewer);
    expect(video).toEqual({ ...NOTHING, upToKeyFrame: 100 - had, wholeGroups: 2, groupFrames: 100 });
    expect(thinnedFramesOf(video!)).toBe(200 - had);
  });

  it.each([
    ['plays on', () => {}],
    ['is moved', ({ session }: VirtualViewer) => void session.play(8_000_000)],
  ])(
    'and who then %s loses the rest of a group that had begun, not groups, when it is full again',
    (_, move) => {
      const viewer = open();
      stall(viewer, 5000);
      const before = thinnedOf(viewer)[0]!;
      move(viewer);
      viewer.passMs(2600); // until 10.6 s: a group has begun
      const had = viewer.sent[0]!.length;
      viewer.isFull = true;
      viewer.passMs(2000);
      viewer.isFull = false;
      viewer.session.signal(TaskEvent.write);
      viewer.passMs(10);
      const after = thinnedOf(viewer)[0]!;
      expect(viewer.sent[0]!.length).toBeGreaterThan(had);
      expect(after.upToKeyFrame).toBeGreaterThan(before.upToKeyFrame + 25);
      expect([after.groupFrames, after.wholeGroups]).toEqual([before.groupFrames, before.wholeGroups]);
    },
  );

  it('again and again is told of once as it begins and once as it ends', () => {
    const viewer = open();
    stall(viewer, 1200);
    expect(viewer.session.quality).toBe(Quality.noDisposable);
    for (let time = 0; time < 2; time++) {
      viewer.passMs(1500);
      viewer.isFull = true;
      viewer.passMs(1700);
      viewer.isFull = false;
      viewer.session.signal(TaskEvent.write);
    }
    viewer.passMs(10);
    expect([viewer.told, viewer.session.quality]).toEqual([
      [`late ${Quality.noDisposable}`],
      Quality.keyFrames,
    ]);
    viewer.passMs(5500);
    expect(viewer.told).toEqual([`late ${Quality.noDisposable}`, `late ${Quality.full}`]);
  });

  it('and who is then moved is told of as one who keeps up', () => {
    const viewer = open();
    stall(viewer, 1200);
    viewer.session.play(10_000_000);
    expect(viewer.told).toEqual([`late ${Quality.noDisposable}`, `late ${Quality.full}`]);
  });

  it('waits for the next key frame when none is due', () => {
    const viewer = open({ ...VIDEO, keyFrames: [0, 250] });
    const had = stall(viewer, 2000);
    expect(viewer.sent[0]!.length).toBe(had);
    viewer.passMs(6000);
    expect(picturesOf(viewer, had)[0]).toBe(250);
  });

  it('keeps his pictures when no key frame is left to wait for', () => {
    const viewer = open({ ...VIDEO, keyFrames: [0] });
    const had = stall(viewer, 2000);
    const pictures = picturesOf(viewer, had);
    expect(pictures[0]).toBeLessThan(had + 2);
    expect(pictures.at(-1)).toBe(Math.floor(5010 / 40));
  });

  it('for ten seconds is given up', () => {
    const viewer = open();
    stall(viewer, 10_100);
    expect(viewer.told).toEqual(['stalled: its connection took nothing for 10 s']);
  });

  it('while he sees key frames only loses some of them', () => {
    const viewer = open();
    viewer.session.play(0, { scale: 4 });
    viewer.passMs(600);
    viewer.isFull = true;
    viewer.passMs(2000);
    viewer.isFull = false;
    viewer.session.signal(TaskEvent.write);
    viewer.passMs(10);
    expect(thinnedOf(viewer)[0]!.keyFrames).toBeGreaterThan(0);
    expectNoHole(viewer);
  });
});

/** All pictures from the first to the one that is due `dueMs` after the start, none left out. */
function expectAll(viewer: VirtualViewer, dueMs: number): void {
  expect(thinnedOf(viewer)).toEqual([NOTHING, NOTHING]);
  expect(picturesOf(viewer)).toEqual(Array.from({ length: Math.floor(dueMs / 40) + 1 }, (_, i) => i));
}

describe('a thread that hung', () => {
  it('for a second and a half sends all that was due, and thins nothing', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(3000);
    viewer.passMs(1500, true);
    viewer.passMs(10);
    expectAll(viewer, 4510);
  });

  it('for longer than players wait goes on where it was: nothing is left out, and nobody gets a burst', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(3000);
    viewer.passMs(3500, true);
    viewer.passMs(10);
    expectAll(viewer, 3010);
    viewer.passMs(2000);
    expectAll(viewer, 5010);
  });

  it('while a viewer waited for room is not charged to him, but for the time until he would have been looked at', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(3000);
    viewer.isFull = true;
    viewer.passMs(100);
    viewer.passMs(1800, true);
    viewer.isFull = false;
    viewer.session.signal(TaskEvent.write);
    viewer.passMs(10);
    expectAll(viewer, 4910);
  });

  it('does not close a viewer whose way was full', () => {
    const viewer = open();
    viewer.session.play(0);
    viewer.passMs(3000);
    viewer.isFull = true;
    viewer.passMs(100);
    viewer.passMs(30_000, true);
    viewer.passMs(10);
    expect(viewer.told).toEqual([]);
  });
});

describe('a viewer who is not thinned', () => {
  it('gets everything, late', () => {
    const viewer = open(VIDEO, { isThinning: false });
    stall(viewer, 5000);
    expectAll(viewer, 8010);
  });

  it('is closed when he himself is as late as his queue may be', () => {
    const viewer = open(VIDEO, { isThinning: false, maxQueueUs: 3_000_000 });
    viewer.session.play(0);
    viewer.passMs(1000);
    // room for little more than nothing every second: never long without any, and always later
    for (let second = 0; second < 20 && viewer.told.length === 0; second++) {
      viewer.isFull = true;
      viewer.passMs(1000);
      viewer.fullAfter(10);
      viewer.session.signal(TaskEvent.write);
      viewer.passMs(1);
    }
    expect(viewer.told).toEqual(['stalled: it was 3 s late']);
    expect(viewer.session.isPlaying).toBe(false);
  });
});

it('what goes to a viewer in one run is bounded, and so is what waits for him when it is refused', () => {
  const viewer = open(VIDEO, { maxQueueBytes: 5000, isThinning: false });
  viewer.session.play(0);
  viewer.isFull = true;
  viewer.passMs(1500);
  viewer.isFull = false;
  viewer.session.signal(TaskEvent.write);
  const turns: number[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const before = viewer.session.senders.reduce((sum, { octetCount }) => sum + octetCount, 0);
    viewer.turn();
    turns.push(viewer.session.senders.reduce((sum, { octetCount }) => sum + octetCount, 0) - before);
  }
  expect(Math.max(...turns)).toBeLessThan(5000 + 1004);
  expect(turns.filter((octets) => octets > 4000).length).toBeGreaterThan(5);
});

it('a plan that comes late at the start delays the clock and thins nothing', () => {
  const viewer = open();
  viewer.hasPlans = false;
  viewer.session.play(0);
  viewer.passMs(4000);
  expect(viewer.sent[0]).toEqual([]);
  viewer.plansReady();
  viewer.passMs(1000);
  expect(thinnedOf(viewer).map(thinnedFramesOf)).toEqual([0, 0]);
  expect(picturesOf(viewer)).toEqual(Array.from({ length: viewer.sent[0]!.length }, (_, i) => i));
  expect(Math.abs(viewer.sent[0]!.length - 25)).toBeLessThanOrEqual(1);
});
