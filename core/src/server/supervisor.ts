/**
 * Hears from the watchdog that a task holds its thread, and says which. Runs on the main thread, whose loop is free while
 * the other is held. Rule: it only tells; the thread goes on as soon as the task returns.
 */
import { native } from '@finch/native';
import { TaskEvent } from '../reactor/events';
import { DELETE, PARK } from '../reactor/run-result';
import { Task } from '../reactor/task';
import type { TaskThread } from '../reactor/task-thread';
import { StatsField } from '../reactor/thread-stats';
import type { Log } from './log';
import type { TaskThreadHandle } from './thread-pools';

/** The task that the watchdog signals; see the head of this file. */
export class Supervisor extends Task {
  readonly #threads: readonly TaskThreadHandle[];
  readonly #limitUs: number;
  readonly #log: Log;

  /** Watches the threads from now on, until the idle-task thread stops. */
  constructor(thread: TaskThread, threads: readonly TaskThreadHandle[], limitUs: number, log: Log) {
    super(thread);
    this.#threads = threads;
    this.#limitUs = limitUs;
    this.#log = log;
    for (const { stats } of threads)
      native.watchThread(stats.page, StatsField.runningSinceUs, limitUs, this.ref);
  }

  run(events: number): number {
    if (events & TaskEvent.kill) return DELETE;
    for (const { stats, threadIndex, classNames } of this.#threads) {
      const sinceUs = stats.read(StatsField.runningSinceUs);
      const heldUs = native.nowUs() - sinceUs;
      if (sinceUs === 0 || heldUs < this.#limitUs) continue;
      const name = classNames.get(stats.read(StatsField.runningClassId)) ?? 'a task';
      this.#log.error(
        `${name} has held task thread ${threadIndex} for ${Math.round(heldUs / 1000)} ms and still does`,
      );
    }
    return PARK;
  }
}
