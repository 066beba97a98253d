/** What one connection takes of the memory budget. */
import { MemoryBudget } from '@finch/core';
import { ConnectionMemory } from '@finch/rtsp/connection-memory';

const COST_BYTES = 16_384;

describe("a connection's memory", () => {
  it('is its cost, and what is not whole beyond 4 KiB, in steps', () => {
    const budget = new MemoryBudget(1 << 20);
    const memory = new ConnectionMemory(budget, COST_BYTES);
    const spent = (unfinishedBytes: number) => {
      expect(memory.holdUnfinished(unfinishedBytes)).toBe(true);
      return budget.use.connections - COST_BYTES;
    };
    expect([0, 4096, 4097, 8192, 20_000, 5000, 0].map(spent)).toEqual([0, 0, 4096, 4096, 16_384, 4096, 0]);
    spent(20_000);
    memory.giveBack();
    expect(budget.use.connections).toBe(0);
  });

  it('is what waits to be sent, too, of the part that newcomers can not spend', () => {
    const budget = new MemoryBudget(40_960);
    const memory = new ConnectionMemory(budget, COST_BYTES);
    const spent = (queuedBytes: number) => {
      expect(memory.holdQueued(queuedBytes)).toBe(true);
      return budget.use.queues;
    };
    expect([4096, 4097, 20_000, 5000, 0, 28_000].map(spent)).toEqual([0, 4096, 16_384, 4096, 0, 24_576]);
    expect(memory.holdUnfinished(5000)).toBe(false);
    expect(memory.holdQueued(40_000)).toBe(false);
    expect(budget.use.queues).toBe(24_576);
    memory.giveBack();
    expect([budget.use.connections, budget.use.queues]).toEqual([0, 0]);
  });

  it('is refused where the budget is spent, and nothing is given back that was not taken', () => {
    const budget = new MemoryBudget(40_000);
    const [first, second, third] = [1, 2, 3].map(() => new ConnectionMemory(budget, COST_BYTES));
    expect([first, second, third].map((memory) => memory!.isGranted)).toEqual([true, true, false]);
    expect(first!.holdUnfinished(10_000)).toBe(false);
    third!.giveBack();
    expect(budget.use.connections).toBe(2 * COST_BYTES);
    first!.giveBack();
    expect(third!.holdUnfinished(10_000)).toBe(true);
    third!.giveBack();
    second!.giveBack();
    expect(budget.use.connections).toBe(0);
  });
});
