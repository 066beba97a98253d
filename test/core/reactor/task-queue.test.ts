import { TaskQueue } from '@finch/core/reactor/task-queue';
import fc from 'fast-check';

describe('TaskQueue', () => {
  it('gives nothing when it is empty', () => {
    expect(new TaskQueue<number>().shift()).toBeUndefined();
  });

  it('keeps the order while it grows with its head anywhere in the ring', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(300), (first, second) => {
        const queue = new TaskQueue<number>();
        for (let i = 0; i < first; i++) queue.push(i);
        for (let i = 0; i < first; i++) expect(queue.shift()).toBe(i);
        for (let i = 0; i < second; i++) queue.push(i);
        expect(queue.length).toBe(second);
        for (let i = 0; i < second; i++) expect(queue.shift()).toBe(i);
        expect(queue.length).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('shows any element where it stands, past the end of the ring too', () => {
    const queue = new TaskQueue<number>();
    for (let i = 0; i < 60; i++) queue.push(i);
    for (let i = 0; i < 60; i++) queue.shift();
    for (let i = 0; i < 10; i++) queue.push(i);
    expect(Array.from({ length: 10 }, (_, i) => queue.at(i))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(queue.length).toBe(10);
  });

  it('takes from anywhere; the first element moves to that place', () => {
    const queue = new TaskQueue<string>();
    for (const name of ['a', 'b', 'c', 'd']) queue.push(name);
    expect(queue.take(2)).toBe('c');
    expect([queue.shift(), queue.shift(), queue.shift()]).toEqual(['b', 'a', 'd']);
    queue.push('e');
    expect(queue.take(0)).toBe('e');
  });
});
