/**
 * Where the tasks of one kind wait: queued for their run, or asleep until a deadline. A thread has two lanes, and each task is of one
 * for life. Used by TaskThread alone.
 * Rule: punctual tasks first, and the others never starve: the punctual ones have the turn until its budget is spent, the others a
 * share of it always, and the rest as long as nothing punctual is due.
 */
import type { TaskEntry } from './task-entry';
import { TaskQueue } from './task-queue';
import { TimerHeap } from './timer-heap';

/** The share of a turn's budget that the others have in any case, however much is due. */
export const OTHERS_SHARE = 0.2;

/** One lane of a thread. */
export class TaskLane {
  readonly queue = new TaskQueue<TaskEntry>();
  readonly timers = new TimerHeap<TaskEntry>();

  /** Whether a task of this lane would run if it were its turn now. Hot path. */
  isDue(nowUs: number): boolean {
    return this.queue.length > 0 || this.timers.nextUs <= nowUs;
  }
}
