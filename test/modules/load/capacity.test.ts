/** The search for a server's capacity, over servers made up by their limits. */

import { DEFAULT_OPTIONS, Figures, type LoadReport, makeReport } from '@finch/load';
import {
  type CapacitySearch,
  type CapacityStep,
  DEFAULT_LIMITS,
  searchCapacity,
  unclean,
} from '@finch/load/capacity';
import * as fc from 'fast-check';

interface Defects {
  readonly lost?: number;
  readonly lateUs?: number;
  readonly playing?: number;
}

function reportOf(viewers: number, { lost = 0, lateUs = 0, playing = viewers }: Defects = {}): LoadReport {
  const figures = new Figures();
  figures.lateness.add(lateUs);
  const moment = { server: null, machine: { busyUs: 0, idleUs: 1 }, clientCpuUs: 0 };
  const record = { options: { ...DEFAULT_OPTIONS, url: 'rtsp://h/m', viewers }, figures, playing, failed: 0 };
  const from = { ...moment, nowUs: 0, counters: new Float64Array(8) };
  const until = { ...moment, nowUs: 1e6, counters: Float64Array.of(1000, 1e6, lost, 0, 0, 0, 0, 0) };
  return makeReport({ ...record, endedEarly: 0, idleServer: null, from, until });
}

const search: CapacitySearch = {
  first: 50,
  most: 10_000,
  precision: 0.1,
  attempts: 1,
  limits: DEFAULT_LIMITS,
};

async function find(limit: number, change: Partial<CapacitySearch> = {}) {
  const asked: number[] = [];
  const run = async (viewers: number) => reportOf(viewers, { lost: viewers > limit ? 1 : 0 });
  const result = await searchCapacity({ ...search, ...change }, run, ({ viewers }) => asked.push(viewers));
  return { ...result, asked };
}

describe('searchCapacity', () => {
  it('doubles, then bisects', async () => {
    const { asked } = await find(330);
    expect(asked).toEqual([50, 100, 200, 400, 300, 350, 325]);
  });

  it('finds the limit to its precision and never above it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 50, max: 10_000 }), async (limit) => {
        const { capacity } = await find(limit);
        expect(capacity).toBeLessThanOrEqual(limit);
        expect(capacity).toBeGreaterThanOrEqual(limit / 1.1 - 1);
      }),
    );
  });

  it('stops at the most viewers allowed', async () => {
    expect(await find(1e6, { most: 300 })).toMatchObject({ capacity: 300, asked: [50, 100, 200, 300] });
  });

  it('finds 0 where not even one viewer is served', async () => {
    expect(await find(0)).toMatchObject({ capacity: 0 });
  });

  it('repeats a run that was not clean, and believes the clean one', async () => {
    const asked: string[] = [];
    const spoiled = new Set([100, 200]);
    const run = async (viewers: number) =>
      reportOf(viewers, { lost: spoiled.delete(viewers) || viewers > 330 ? 1 : 0 });
    const tell = (step: CapacityStep) => asked.push(`${step.viewers}${step.isClean ? '' : ' lost'}`);
    const { capacity, steps } = await searchCapacity({ ...search, attempts: 2 }, run, tell);
    expect(asked).toEqual([
      ...['50', '100 lost', '100', '200 lost', '200', '400 lost', '400 lost'],
      ...['300', '350 lost', '350 lost', '325'],
    ]);
    expect(capacity).toBe(325);
    expect(steps.map((step) => step.viewers)).toEqual([50, 100, 200, 300, 325, 350, 400]);
  });

  it('gives the steps in the order of their viewers', async () => {
    const { steps } = await find(330);
    const counts = steps.map(({ viewers }) => viewers);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });
});

describe('unclean', () => {
  it.each([
    ['nothing', {}, ''],
    ['lost packets', { lost: 2 }, '2 packets lost'],
    ['late frames', { lateUs: 30_000 }, 'p99 lateness 30.0 ms'],
    ['missing viewers', { playing: 9 }, '9 of 10 playing, 0 ended early'],
  ])('names %s', (_case, defects, reason) => {
    expect(unclean(reportOf(10, defects), DEFAULT_LIMITS)).toBe(reason);
  });
});
