/** The timer heap of a thread with 4,000 sleepers: one is due, and sleeps again. */
import { NOT_IN_HEAP, TimerHeap } from '@finch/core/reactor/timer-heap';
import { measure } from './harness.mjs';

const TIMERS = 4000;
const TURNS = 200_000;
const PERIOD_US = 40_000;

const heap = new TimerHeap();
for (let i = 0; i < TIMERS; i++)
  heap.add(
    { heapIndex: NOT_IN_HEAP, deadlineUs: Number.POSITIVE_INFINITY, startOrder: 0 },
    (i * PERIOD_US) / TIMERS,
  );

measure('timer heap, 4000 sleepers', 'take and add', () => {
  for (let turn = 0; turn < TURNS; turn++) {
    const entry = heap.takeDue(Number.POSITIVE_INFINITY);
    heap.add(entry, entry.deadlineUs + PERIOD_US);
  }
  return TURNS;
});
