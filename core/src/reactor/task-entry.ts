/**
 * The scheduler's own record of a task. Made by TaskThread for each task, and seen by nobody else.
 * Rule: all records have one hidden class, so the hot path stays monomorphic however many classes of tasks there are.
 */
import type { Task } from './task';
import type { TaskLane } from './task-lane';
import { NO_TASK, type TaskRef } from './task-ref';
import type { TimerEntry, TimerLine } from './timer-heap';

/** Where a task is; it is in one place at a time, hence never run twice at once. */
export const TaskState = {
  /** Waits for a signal. */
  parked: 0,
  /** Waits in the queue for its run. */
  queued: 1,
  /** Waits in the heap for its deadline, or for a signal. */
  sleeping: 2,
  /** Its run() is on the stack. */
  running: 3,
  /** Gone for good. */
  deleted: 4,
} as const;

export type TaskState = (typeof TaskState)[keyof typeof TaskState];

/** One task as its thread sees it. */
export class TaskEntry implements TimerEntry {
  state: TaskState = TaskState.parked;
  /** Bits raised since the last run. */
  events = 0;
  timerLine: TimerLine | null = null;
  timerPlace = 0;
  ref: TaskRef = NO_TASK;

  constructor(
    readonly task: Task,
    readonly lane: TaskLane,
    readonly classId: number,
    readonly className: string,
    readonly moduleName: string,
    readonly bornUs: number,
  ) {}
}
