/**
 * What a task thread tells the people outside: exceptions, long runs, traces. Used by TaskThread alone.
 * Rule: a listener that throws never breaks the turn it is called from; the process hears of it as an uncaught exception.
 */
import type { Task } from './task';
import type { TaskEntry } from './task-entry';
import { DEFAULT_LONG_RUN_LIMIT_US, type TaskThreadOptions } from './task-thread-options';
import { StatsField, type ThreadStats } from './thread-stats';

/** The listeners of one thread. */
export class ThreadReports {
  readonly #threadIndex: number;
  readonly #stats: ThreadStats;
  readonly #longRunLimitUs: number;
  readonly #onError: TaskThreadOptions['onError'];
  readonly #onLongRun: TaskThreadOptions['onLongRun'];
  readonly #trace: TaskThreadOptions['trace'];

  constructor(options: TaskThreadOptions, stats: ThreadStats) {
    this.#threadIndex = options.port.threadIndex;
    this.#stats = stats;
    this.#longRunLimitUs = options.longRunLimitUs ?? DEFAULT_LONG_RUN_LIMIT_US;
    this.#onError = options.onError;
    this.#onLongRun = options.onLongRun;
    this.#trace = options.trace;
  }

  /** Counts and tells an exception; `task` is undefined when it was a flusher's. */
  error(task: Task | undefined, error: unknown): void {
    this.#stats.page[StatsField.errors]++;
    tell(() => this.#onError(task, error));
  }

  /** Tells of a run that has ended: of long ones the supervisor, of all the trace if there is one. Hot path. */
  run(entry: TaskEntry, atUs: number, heldUs: number, events: number, result: number): void {
    if (heldUs > this.#longRunLimitUs) this.#longRun(entry, heldUs);
    if (this.#trace !== undefined) this.#traceRun(entry, atUs, events, result);
  }

  #longRun(entry: TaskEntry, heldUs: number): void {
    this.#stats.page[StatsField.longRuns]++;
    tell(() => this.#onLongRun?.(entry.className, entry.moduleName, heldUs));
  }

  #traceRun(entry: TaskEntry, atUs: number, events: number, result: number): void {
    const { ref, className } = entry;
    tell(() => this.#trace?.({ atUs, threadIndex: this.#threadIndex, ref, className, events, result }));
  }
}

function tell(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
