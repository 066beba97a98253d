/** The timer heap of a thread with 4,000 sleepers: one is due, and sleeps again. */
import { TimerHeap } from '@finch/core/reactor/timer-heap';
import { measure } from './harness.mjs';

const TIMERS = 4000;
const TURNS = 200_000;
const PERIOD_US = 40_000;

const heap = new TimerHeap();
let due;
let againUs = 0;
const taken = (entry) => {
  due = entry;
  againUs = entry.timerLine.deadlineUs + PERIOD_US;
};
for (let i = 0; i < TIMERS; i++) heap.add({ timerLine: null, timerPlace: 0 }, (i * PERIOD_US) / TIMERS);

measure('timer heap, 4000 sleepers', 'take and add', () => {
  for (let turn = 0; turn < TURNS; turn++) {
    heap.takeDue(heap.nextUs, taken);
    heap.add(due, againUs);
  }
  return TURNS;
});
