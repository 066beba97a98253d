/** What packet plans cost: taken from the memory budget when they come, given back when they go, refused when it is spent. */
import { type BlockingCalls, MemoryBudget, type PacketBatch, RegisteredPlan } from '@finch/core';
import { PlanCache } from '@finch/rtp/plan-cache';
import { buildPlan } from '@finch/rtp/plan-job';
import type { PlanJobArgument } from '@finch/rtp/plan-service';
import { PlanShelf } from '@finch/rtp/plan-shelf';
import { minuteOfSound } from './minute-of-sound';

/** Makes plans as a blocking thread does, from a file of nothing. */
const blocking: Pick<BlockingCalls, 'call'> = {
  call: async <Result>(_job: string, _key: string, argument: unknown) =>
    buildPlan((argument as PlanJobArgument).request, (_position, length) => new Uint8Array(length)) as Result,
};
const batch: Pick<PacketBatch, 'registerPlan' | 'retirePlan'> = {
  registerPlan: () => new RegisteredPlan(1),
  retirePlan: () => {},
};

function cacheWith(memory: MemoryBudget, shelf = new PlanShelf()): PlanCache {
  const thread = { batch: batch as PacketBatch, blocking: blocking as BlockingCalls, memory, shelf };
  return new PlanCache(minuteOfSound, 0, 1400, thread);
}

/** Enters a segment and waits for its plan; resolves with the error when there is none. */
async function enter(cache: PlanCache, segment: number): Promise<Error | undefined> {
  cache.enter(segment);
  return await new Promise((resolve) =>
    cache.wait(segment, { planReady: () => resolve(undefined), planFailed: resolve }),
  );
}

describe('packet plans', () => {
  it('cost what they are, in use and on the shelf', async () => {
    const memory = new MemoryBudget(1 << 30);
    const shelf = new PlanShelf();
    const cache = cacheWith(memory, shelf);
    await enter(cache, 0);
    const onePlan = memory.use.plans;
    expect(onePlan).toBeGreaterThan(0);
    for (let segment = 1; segment < 14; segment++) await enter(cache, segment);
    expect(memory.use.plans).toBe(14 * onePlan);
    expect(shelf.sizeBytes).toBe(0);
    for (let segment = 0; segment < 14; segment++) cache.leave(segment);
    expect(memory.use.plans).toBe(14 * onePlan);
    expect(shelf.sizeBytes).toBeGreaterThan(13 * (onePlan - 1024)); // the budget counts in KiB, rounded up
    cache.close();
    expect([memory.use.plans, shelf.sizeBytes]).toEqual([0, 0]);
  });

  it('go from the shelf, the one that has lain longest first, when that is full', async () => {
    const memory = new MemoryBudget(1 << 30);
    const cache = cacheWith(memory);
    await enter(cache, 0);
    const { sizeBytes } = cache.planOf(0)!;
    cache.close();

    const small = cacheWith(memory, new PlanShelf(3 * sizeBytes));
    for (let segment = 0; segment < 5; segment++) await enter(small, segment);
    for (const segment of [4, 3, 0, 1, 2]) small.leave(segment);
    const kept = [0, 1, 2, 3, 4].filter((segment) => small.planOf(segment) !== null);
    expect(kept).toEqual([0, 1, 2]);
    small.close();
    expect(memory.use.plans).toBe(0);
  });

  it('are refused when the budget is spent, after those that nobody uses have gone, one by one', async () => {
    const measured = new MemoryBudget(1 << 30);
    const measuring = cacheWith(measured);
    await enter(measuring, 0);
    const onePlan = measured.use.plans;
    measuring.close();

    const memory = new MemoryBudget(onePlan * 4);
    const cache = cacheWith(memory);
    for (let segment = 0; segment < 4; segment++) expect(await enter(cache, segment)).toBeUndefined();
    expect(await enter(cache, 4)).toMatchObject({ name: 'MediaError', code: 'busy' });
    expect(memory.use.plans).toBe(4 * onePlan);
    cache.leave(0);
    cache.leave(1);
    expect(await enter(cache, 4)).toBeUndefined();
    expect([cache.planOf(0), cache.planOf(1) === null, cache.size]).toEqual([null, false, 4]);
    cache.close();
    expect(memory.use.plans).toBe(0);
  });
});
