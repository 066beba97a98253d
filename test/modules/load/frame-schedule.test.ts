/** How late frames are, in decode order. Times in microseconds; 25 frames a second. */
import { Figures } from '@finch/load/figures';
import { FrameSchedule } from '@finch/load/frame-schedule';

const FRAME_US = 40_000;
const LEARNING_FRAMES = 76;

/** Adds `frames` frames, the n-th late by `latenessOf(n)`; returns the figures of those after the first 3 s. */
function play(frames: number, latenessOf: (n: number) => number, ptsOf = (n: number) => n): Figures {
  const figures = new Figures();
  figures.open(0);
  const schedule = new FrameSchedule(figures);
  for (let n = 0; n < frames; n++) schedule.add(ptsOf(n) * FRAME_US, 1e6 + n * FRAME_US + latenessOf(n));
  schedule.flush();
  return figures;
}

describe('FrameSchedule', () => {
  it('counts no frame of the first 3 s', () => {
    expect(play(LEARNING_FRAMES - 1, () => 0).lateness.count).toBe(0);
  });

  it('finds punctual frames punctual', () => {
    const { lateness } = play(LEARNING_FRAMES + 50, () => 0);
    expect(lateness.count).toBeGreaterThanOrEqual(50);
    expect(lateness.percentileUs(1)).toBe(0);
  });

  it('measures from the earliest frame of the first 3 s', () => {
    const { lateness } = play(LEARNING_FRAMES + 50, (n) => (n === 20 ? 1000 : 6000));
    expect(lateness.percentileUs(1)).toBe(5000);
  });

  it('finds one late frame', () => {
    const { lateness } = play(LEARNING_FRAMES + 50, (n) => (n === 100 ? 30_000 : 0));
    expect(lateness.percentileUs(1)).toBe(30_000);
    expect(lateness.percentileUs(0.9)).toBe(0);
  });

  it('finds frames in decode order punctual, whatever the order of their timestamps', () => {
    const ptsOf = (n: number) => n + [0, 2, 0, -2][n % 4]!;
    const { lateness } = play(LEARNING_FRAMES + 50, () => 0, ptsOf);
    expect(lateness.percentileUs(1)).toBe(0);
  });

  it('begins anew after restart()', () => {
    const figures = new Figures();
    figures.open(0);
    const schedule = new FrameSchedule(figures);
    for (let n = 0; n < 100; n++) schedule.add(n * FRAME_US, n * FRAME_US);
    schedule.restart();
    for (let n = 0; n < 100; n++) schedule.add(n * FRAME_US, 9e6 + n * FRAME_US);
    schedule.flush();
    expect(figures.lateness.percentileUs(1)).toBe(0);
  });

  it('counts frames of the window only', () => {
    const figures = new Figures();
    figures.open(4e6);
    figures.close(5e6);
    const schedule = new FrameSchedule(figures);
    for (let n = 0; n < 200; n++) schedule.add(n * FRAME_US, n * FRAME_US);
    schedule.flush();
    expect(figures.lateness.count).toBe(25);
  });
});
