/**
 * What a task thread is made of and whom it tells. Filled by the thread pool in production, by VirtualMachine in tests.
 */
import type { Clock } from './clock';
import type { RunOrder, TraceEntry } from './run-order';
import type { Task } from './task';
import type { TaskRef } from './task-ref';
import type { IdleTimers, ThreadPort } from './thread-port';
import type { ThreadStats } from './thread-stats';

/** How long one turn runs queued tasks before it flushes, in microseconds; those that are not punctual have a share in any case. */
export const DEFAULT_TURN_BUDGET_US = 5_000;

/** A run that holds its thread longer than this is reported, in microseconds. */
export const DEFAULT_LONG_RUN_LIMIT_US = 100_000;

/** What a TaskThread is made of. */
export interface TaskThreadOptions {
  readonly clock: Clock;
  readonly port: ThreadPort;
  /** Needed by IdleTask alone. */
  readonly idleTimers?: IdleTimers;
  /** Default: first come, first served. */
  readonly runOrder?: RunOrder;
  /** Microseconds above 0, default 5000. At least one task runs in a turn, however little this is. */
  readonly turnBudgetUs?: number;
  /** Microseconds above 0, default 100000. */
  readonly longRunLimitUs?: number;
  /** Default: a page of its own. */
  readonly stats?: ThreadStats;
  /**
   * Hears of every exception: of run() and onDeleted() (with their task, which is
   * deleted by then or about to be), and of flushers (without). What it throws itself becomes an uncaught exception.
   */
  readonly onError: (task: Task | undefined, error: unknown) => void;
  /** Hears once of each class of tasks, so that a supervisor can name what it reads in the statistics page. */
  readonly onTaskClass?: (classId: number, className: string, moduleName: string) => void;
  /** Hears of a run that held the thread for longer than the limit, after it has ended. */
  readonly onLongRun?: (className: string, moduleName: string, heldUs: number) => void;
  /** Hears of every run. Allocates for each; for tests. */
  readonly trace?: (entry: TraceEntry) => void;
}

/** A live task as introspection shows it. */
export interface TaskInfo {
  readonly task: Task;
  readonly ref: TaskRef;
  readonly className: string;
  /** '' when it belongs to no module. */
  readonly moduleName: string;
  /** Microseconds since it joined the thread. */
  readonly ageUs: number;
  readonly state: 'parked' | 'queued' | 'sleeping' | 'running';
}
