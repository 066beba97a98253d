/** Which packet plans are made, in which order, and how often: each once, what somebody waits for first. */
import { type BlockingCalls, MemoryBudget, type PacketBatch, RegisteredPlan } from '@finch/core';
import type { PlanWaiter } from '@finch/rtp';
import { PlanCache } from '@finch/rtp/plan-cache';
import { buildPlan } from '@finch/rtp/plan-job';
import type { PlanJobArgument } from '@finch/rtp/plan-service';
import { PlanShelf } from '@finch/rtp/plan-shelf';
import { minuteOfSound } from './minute-of-sound';

interface Job {
  readonly argument: PlanJobArgument;
  resolve(memory: SharedArrayBuffer): void;
  reject(error: Error): void;
}

/** A blocking thread that does a job when it is told to. */
class Blocking {
  readonly jobs: Job[] = [];
  /** First frames of all plans that were asked for. */
  readonly asked: number[] = [];
  readonly #cache: () => PlanCache;

  constructor(cache: () => PlanCache) {
    this.#cache = cache;
  }

  readonly call = <Result>(_job: string, _key: string, argument: unknown): Promise<Result> => {
    const job = argument as PlanJobArgument;
    this.asked.push(this.#cache().segments.segmentOfFrame(job.request.firstFrame));
    return new Promise((resolve, reject) =>
      this.jobs.push({ argument: job, resolve: resolve as Job['resolve'], reject }),
    );
  };

  /** Does the job that was asked for first; returns when the cache has heard of it. */
  async doOne(error?: Error): Promise<void> {
    const job = this.jobs.shift()!;
    if (error !== undefined) job.reject(error);
    else job.resolve(buildPlan(job.argument.request, (_position, length) => new Uint8Array(length)));
    await new Promise(setImmediate);
  }

  async doAll(): Promise<void> {
    while (this.jobs.length > 0) await this.doOne();
  }
}

class Waiter implements PlanWaiter {
  readonly heard: string[] = [];
  planReady(): void {
    this.heard.push('ready');
  }
  planFailed(error: Error): void {
    this.heard.push(error.message);
  }
}

function setUp(shelf = new PlanShelf()): { cache: PlanCache; blocking: Blocking; retired: RegisteredPlan[] } {
  const retired: RegisteredPlan[] = [];
  const batch: Pick<PacketBatch, 'registerPlan' | 'retirePlan'> = {
    registerPlan: () => new RegisteredPlan(1),
    retirePlan: (plan) => {
      retired.push(plan);
    },
  };
  const blocking = new Blocking(() => cache);
  const cache = new PlanCache(minuteOfSound, 0, 1400, {
    batch: batch as PacketBatch,
    blocking: blocking as Pick<BlockingCalls, 'call'> as BlockingCalls,
    memory: new MemoryBudget(1 << 30),
    shelf,
  });
  return { cache, blocking, retired };
}

describe('the plan cache', () => {
  it('asks for a plan once, however many enter, and again after all have left', async () => {
    const { cache, blocking, retired } = setUp();
    for (let viewer = 0; viewer < 10; viewer++) cache.enter(3);
    await blocking.doAll();
    for (let viewer = 0; viewer < 10; viewer++) cache.leave(3);
    cache.enter(3);
    expect(cache.planOf(3)).not.toBeNull();
    expect(blocking.asked).toEqual([3]);
    expect(retired).toEqual([]);
  });

  it('makes each plan once while viewers seek to and fro through the whole movie', async () => {
    const { cache, blocking } = setUp();
    const last = cache.segments.length - 1;
    const places = Array.from({ length: 300 }, (_, i) => (i * 5) % last);
    let at = -1;
    for (const place of places) {
      cache.enter(place);
      cache.enter(place + 1);
      if (at >= 0) cache.leave(at);
      if (at >= 0) cache.leave(at + 1);
      at = place;
      await blocking.doAll();
    }
    expect(blocking.asked.length).toBe(cache.segments.length);
    expect(new Set(blocking.asked).size).toBe(cache.segments.length);
  });

  it('has what somebody waits for made before what is made ahead of time', async () => {
    const { cache, blocking } = setUp();
    for (const segment of [0, 1, 2, 3, 4, 5, 6]) cache.enter(segment);
    const waiter = new Waiter();
    cache.wait(6, waiter);
    cache.wait(4, waiter);
    expect(blocking.asked).toEqual([0, 1]);
    await blocking.doAll();
    expect(blocking.asked).toEqual([0, 1, 4, 6, 2, 3, 5]);
    expect(waiter.heard).toEqual(['ready', 'ready']);
  });

  it('does not make a plan that nobody wants any more', async () => {
    const { cache, blocking } = setUp();
    for (const segment of [0, 1, 2, 3]) cache.enter(segment);
    cache.leave(2);
    cache.leave(1); // under way: it comes, and is kept for the next
    await blocking.doAll();
    expect(blocking.asked).toEqual([0, 1, 3]);
    expect([cache.planOf(1) === null, cache.planOf(2), cache.size]).toEqual([false, null, 3]);
  });

  it('tells those who wait that a plan failed, and asks again when one enters or waits', async () => {
    const { cache, blocking } = setUp();
    const waiter = new Waiter();
    cache.enter(5);
    cache.wait(5, waiter);
    await blocking.doOne(new Error('disk'));
    expect(waiter.heard).toEqual(['disk']);
    cache.wait(5, waiter);
    await blocking.doOne(new Error('disk again'));
    cache.enter(5);
    await blocking.doAll();
    expect(blocking.asked).toEqual([5, 5, 5]);
    expect(cache.planOf(5)).not.toBeNull();
    cache.leave(5);
    expect(cache.planOf(5)).not.toBeNull();
  });

  it('keeps a plan that failed from nobody: the last to leave forgets it', async () => {
    const { cache, blocking } = setUp();
    cache.enter(5);
    await blocking.doOne(new Error('disk'));
    cache.leave(5);
    expect(cache.size).toBe(0);
  });

  it('frees what is used and what is shelved when it closes', async () => {
    const { cache, blocking, retired } = setUp();
    for (const segment of [0, 1, 2]) cache.enter(segment);
    await blocking.doAll();
    cache.leave(1);
    cache.close();
    expect(retired.length).toBe(3);
    expect(cache.thread.shelf.sizeBytes).toBe(0);
  });
});
