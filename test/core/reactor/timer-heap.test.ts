import { type TimerEntry, TimerHeap } from '@finch/core/reactor/timer-heap';
import fc from 'fast-check';

interface Timer extends TimerEntry {
  readonly name: number;
}

function timer(name: number): Timer {
  return { name, timerLine: null, timerPlace: 0 };
}

function takeAll(heap: TimerHeap<Timer>, nowUs: number): number[] {
  const names: number[] = [];
  heap.takeDue(nowUs, ({ name }) => names.push(name));
  return names;
}

describe('TimerHeap', () => {
  it('has no next deadline when it is empty', () => {
    const heap = new TimerHeap<Timer>();
    expect([heap.length, heap.nextUs, takeAll(heap, 1e9)]).toEqual([0, Infinity, []]);
  });

  it('gives out what is due, the deadline included, and keeps the rest', () => {
    const heap = new TimerHeap<Timer>();
    for (const deadlineUs of [30, 10, 20, 11]) heap.add(timer(deadlineUs), deadlineUs);
    expect(takeAll(heap, 11)).toEqual([10, 11]);
    expect([heap.length, heap.nextUs]).toEqual([2, 20]);
  });

  it('lets equal deadlines leave in the order in which they came', () => {
    const heap = new TimerHeap<Timer>();
    for (let name = 0; name < 50; name++) heap.add(timer(name), 7);
    expect(takeAll(heap, 7)).toEqual(Array.from({ length: 50 }, (_, name) => name));
  });

  it('takes out any element, once', () => {
    const heap = new TimerHeap<Timer>();
    const timers = [5, 1, 4, 2, 3].map(timer);
    for (const each of timers) heap.add(each, each.name);
    heap.remove(timers[2]);
    heap.remove(timers[2]);
    expect(timers[2].timerLine).toBeNull();
    expect(takeAll(heap, 9)).toEqual([1, 2, 3, 5]);
  });

  it('lets the last element rise when it replaces one of a later branch', () => {
    const heap = new TimerHeap<Timer>();
    const timers = [0, 10, 1, 2, 3, 11, 12, 13, 14, 5].map(timer);
    for (const each of timers) heap.add(each, each.name);
    heap.remove(timers[6]);
    for (const name of [20, 21, 22, 23]) heap.add(timer(name), name);
    expect(takeAll(heap, 19)).toEqual([0, 1, 2, 3, 5, 10, 11, 13, 14]);
  });

  // Deadlines that lie closer than 256 us share a place in the table of lines; further apart, each has its own.
  it.each([1, 2000])(
    'does as a sorted array does, whatever is added, removed and taken (x %d us)',
    (unitUs) => {
      const add = fc.record({ kind: fc.constant('add' as const), value: fc.integer({ min: 0, max: 40 }) });
      const remove = fc.record({ kind: fc.constant('remove' as const), value: fc.nat(200) });
      const take = fc.record({ kind: fc.constant('take' as const), value: fc.integer({ min: 0, max: 40 }) });
      fc.assert(
        fc.property(fc.array(fc.oneof(add, add, remove, take), { maxLength: 200 }), (steps) => {
          const heap = new TimerHeap<Timer>();
          let model: { timer: Timer; name: number; deadlineUs: number }[] = [];
          let made = 0;
          for (const { kind, value } of steps) {
            if (kind === 'add') {
              const added = timer(made++);
              heap.add(added, value * unitUs);
              model.push({ timer: added, name: added.name, deadlineUs: value * unitUs });
              model.sort((a, b) => a.deadlineUs - b.deadlineUs || a.name - b.name);
            } else if (kind === 'remove' && model.length > 0) {
              const [gone] = model.splice(value % model.length, 1);
              heap.remove(gone.timer);
            } else if (kind === 'take') {
              const due = model
                .filter(({ deadlineUs }) => deadlineUs <= value * unitUs)
                .map(({ name }) => name);
              expect(takeAll(heap, value * unitUs)).toEqual(due);
              model = model.filter(({ deadlineUs }) => deadlineUs > value * unitUs);
            }
            expect(heap.length).toBe(model.length);
            expect(heap.nextUs).toBe(model[0]?.deadlineUs ?? Infinity);
          }
        }),
      );
    },
  );
});

describe('TimerHeap with one deadline for many', () => {
  it('keeps the order when elements leave and come back in their midst', () => {
    const heap = new TimerHeap<Timer>();
    const timers = Array.from({ length: 200 }, (_, name) => timer(name));
    for (const each of timers) heap.add(each, 5);
    for (const each of timers) if (each.name % 3 !== 0) heap.remove(each);
    for (const each of timers) if (each.name % 3 === 1) heap.add(each, 5);
    const stayed = timers.filter(({ name }) => name % 3 === 0);
    const returned = timers.filter(({ name }) => name % 3 === 1);
    expect(takeAll(heap, 5)).toEqual([...stayed, ...returned].map(({ name }) => name));
  });

  it('lets equal deadlines leave in the order in which they came when others took their place in the table', () => {
    const heap = new TimerHeap<Timer>();
    for (let name = 0; name < 60; name++) heap.add(timer(name), name % 3);
    const inOrder = [0, 1, 2].flatMap((us) => Array.from({ length: 20 }, (_, i) => i * 3 + us));
    expect(takeAll(heap, 2)).toEqual(inOrder);
  });

  it('closes up after one that leaves and returns without end', () => {
    const heap = new TimerHeap<Timer>();
    const resident = timer(1);
    const restless = timer(2);
    heap.add(resident, 5);
    let furthest = 0;
    for (let i = 0; i < 10_000; i++) {
      heap.add(restless, 5);
      const other = timer(3);
      heap.add(other, 5);
      heap.remove(restless);
      heap.remove(other);
      furthest = Math.max(furthest, restless.timerPlace, other.timerPlace);
      heap.add(other, 5);
      furthest = Math.max(furthest, other.timerPlace);
      heap.remove(other);
    }
    expect(furthest).toBeLessThan(200);
    expect(takeAll(heap, 5)).toEqual([1]);
  });
});
