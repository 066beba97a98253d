/**
 * Where the tasks of one kind wait: queued for their run, or asleep until a deadline. A thread has two lanes, and each task is of one
 * for life. Used by TaskThread alone.
 * Rule: punctual tasks first, and the others never starve: the punctual ones have the turn until its budget is spent, the others a
 * share of it always, and the rest as long as nothing punctual is due.
 */
import type { TaskEntry } from './task-entry';
import { TaskQueue } from './task-queue';
import type { ThreadReports } from './thread-reports';
import { TimerHeap } from './timer-heap';

/** The share of a turn's budget that the others have in any case, however much is due. */
export const OTHERS_SHARE = 0.2;

/** Tasks that prefetch before the first of them runs: what they read of memory fits in a first-level cache. */
const PREFETCHED_TASKS = 16;

/** One lane of a thread. */
export class TaskLane {
  readonly queue = new TaskQueue<TaskEntry>();
  readonly timers = new TimerHeap<TaskEntry>();
  /** What the last prefetches returned: nothing but a place where it can be seen, or V8 would leave them out. */
  prefetched = 0;

  /** Whether a task of this lane would run if it were its turn now. Hot path. */
  isDue(nowUs: number): boolean {
    return this.queue.length > 0 || this.timers.nextUs <= nowUs;
  }

  /** Has tasks that run next prefetch, `most` of them or fewer, and returns how many did; what one throws is reported. Hot path. */
  prefetch(most: number, reports: ThreadReports): number {
    const count = Math.min(most, PREFETCHED_TASKS);
    let read = 0;
    try {
      for (let i = 0; i < count; i++) read += this.queue.at(i)!.task.prefetch();
    } catch (error) {
      reports.error(undefined, error);
    }
    this.prefetched = read;
    return count;
  }
}
