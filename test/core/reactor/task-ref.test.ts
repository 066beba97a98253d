import {
  generationOf,
  MAX_GENERATIONS,
  MAX_SLOTS,
  MAX_THREADS,
  makeTaskRef,
  NO_TASK,
  nextGeneration,
  slotOf,
  threadIndexOf,
} from '@finch/core/reactor/task-ref';
import fc from 'fast-check';

describe('task references', () => {
  it('give back their three parts and are whole numbers below 2^52', () => {
    const threads = fc.integer({ min: 0, max: MAX_THREADS - 1 });
    const generations = fc.integer({ min: 1, max: MAX_GENERATIONS - 1 });
    const slots = fc.integer({ min: 0, max: MAX_SLOTS - 1 });
    fc.assert(
      fc.property(threads, generations, slots, (thread, generation, slot) => {
        const ref = makeTaskRef(thread, generation, slot);
        expect(Number.isSafeInteger(ref) && ref > 0 && ref < 2 ** 52).toBe(true);
        expect([threadIndexOf(ref), generationOf(ref), slotOf(ref)]).toEqual([thread, generation, slot]);
      }),
    );
  });

  it('have the layout that the addon reads with shifts', () => {
    const [thread, generation, slot] = [63, 0xabcdef, 0x2aaaaa];
    const expected = (BigInt(thread) << 46n) | (BigInt(generation) << 22n) | BigInt(slot);
    expect(BigInt(makeTaskRef(thread, generation, slot))).toBe(expected);
  });

  it.each([
    ['threadIndex', 64, 1, 0],
    ['threadIndex', -1, 1, 0],
    ['generation', 0, 0, 0],
    ['generation', 0, MAX_GENERATIONS, 0],
    ['slot', 0, 1, MAX_SLOTS],
    ['slot', 0, 1, 0.5],
  ])('refuse a %s that does not fit (%d, %d, %d)', (name, thread, generation, slot) => {
    expect(() => makeTaskRef(thread, generation, slot)).toThrow(new RegExp(`^${name} must be`));
  });

  it('count generations up and wrap past 0, which names no task', () => {
    expect(nextGeneration(1)).toBe(2);
    expect(nextGeneration(MAX_GENERATIONS - 1)).toBe(1);
    expect(generationOf(NO_TASK)).toBe(0);
  });
});
