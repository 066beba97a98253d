/** The memory budget: refused before it is spent, shared by threads, the last tenth for those who were let in. */
import { MemoryBudget } from '@finch/core';

const KIB = 1024;

describe('a memory budget', () => {
  it('gives newcomers nine tenths, and plans and queues the rest', () => {
    const budget = new MemoryBudget(100 * KIB);
    expect(budget.tryTake('connections', 40 * KIB)).toBe(true);
    expect(budget.tryTake('indexes', 50 * KIB)).toBe(true);
    expect(budget.tryTake('sessions', 1)).toBe(false);
    expect(budget.tryTake('plans', 6 * KIB)).toBe(true);
    expect(budget.tryTake('queues', 4 * KIB)).toBe(true);
    expect(budget.tryTake('plans', 1)).toBe(false);
    expect(budget.tryTake('queues', 1)).toBe(false);
    expect(budget.use).toEqual({
      connections: 40 * KIB,
      sessions: 0,
      indexes: 50 * KIB,
      plans: 6 * KIB,
      queues: 4 * KIB,
    });
  });

  it('takes nothing when it refuses, and is whole again when all was given back', () => {
    const budget = new MemoryBudget(10 * KIB);
    expect(budget.tryTake('sessions', 10 * KIB)).toBe(false);
    expect(budget.hasRoom('sessions', 9 * KIB)).toBe(true);
    for (let i = 0; i < 100; i++) {
      expect(budget.tryTake('sessions', 8.5 * KIB)).toBe(true);
      expect(budget.hasRoom('sessions', 1)).toBe(false);
      budget.give('sessions', 8.5 * KIB);
    }
    expect(Object.values(budget.use)).toEqual([0, 0, 0, 0, 0]);
  });

  it('is one for all threads that have its page', () => {
    const main = new MemoryBudget(10 * KIB);
    const worker = new MemoryBudget(main.limitBytes, main.page);
    expect(worker.tryTake('indexes', 9 * KIB)).toBe(true);
    expect(main.tryTake('connections', 1)).toBe(false);
    main.give('indexes', 9 * KIB);
    expect(worker.use.indexes).toBe(0);
  });

  it('can be without limit, and must not be without memory', () => {
    expect(new MemoryBudget(Number.POSITIVE_INFINITY).tryTake('plans', 2 ** 40)).toBe(true);
    expect(() => new MemoryBudget(0)).toThrow(new RangeError('limitBytes must be above 0: 0'));
  });
});
