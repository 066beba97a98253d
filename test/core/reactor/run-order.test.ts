import { fifoOrder, seededOrder } from '@finch/core/reactor/run-order';
import { SeededRandom } from '@finch/core/reactor/seeded-random';
import { makeRig, ScriptedTask } from './scripted-task';

describe('SeededRandom', () => {
  it('repeats itself for a seed: the numbers of mulberry32', () => {
    const random = new SeededRandom(1);
    expect([random.next(), random.next(), random.next()]).toEqual([2693262067, 11749833, 2265367787]);
  });

  it('reaches every number below the end and no other', () => {
    const random = new SeededRandom(7);
    const seen = new Set(Array.from({ length: 200 }, () => random.below(5)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 33])('refuses %d as an end', (end) => {
    expect(() => new SeededRandom(1).below(end)).toThrow(RangeError);
  });
});

describe('run orders', () => {
  function orderOf(runOrder: typeof fifoOrder): number[] {
    const { machine, thread } = makeRig({ runOrder });
    const order: number[] = [];
    const tasks = Array.from(
      { length: 12 },
      (_, i) =>
        new ScriptedTask(thread, () => {
          order.push(i);
          return 0;
        }),
    );
    for (const task of tasks) task.signal(0x100);
    machine.runUntilIdle();
    return order;
  }

  it('serve first come first in production', () => {
    expect(orderOf(fifoOrder)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('shuffle with a seed: the same for the same, each task once', () => {
    const first = orderOf(seededOrder(3));
    expect(orderOf(seededOrder(3))).toEqual(first);
    expect(orderOf(seededOrder(4))).not.toEqual(first);
    expect([...first].sort((a, b) => a - b)).toEqual(orderOf(fifoOrder));
  });
});
