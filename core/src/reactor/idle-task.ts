/**
 * A task with a timer that the idle-task thread keeps. Extended by listeners and whatever must be woken on time, or must
 * be signalled while it waits, without giving up its run result.
 * Rule: one timer per task; setting it again moves it, earlier or later.
 * Spec: Darwin Streaming Server's IdleTask, whose pending timer could not be shortened.
 */
import { Task } from './task';

/** A task that can ask for one `TaskEvent.idle` at a later time. */
export abstract class IdleTask extends Task {
  /**
   * Has the task signalled `idle` once, `delayMs` milliseconds (0 or more) from now; a pending timer is replaced.
   * RangeError on another delay; Error when the thread has no idle timers.
   */
  setIdleTimer(delayMs: number): void {
    if (!(delayMs >= 0 && delayMs < Infinity))
      throw new RangeError(`delayMs must be a number of milliseconds, 0 or more: ${delayMs}`);
    this.#timers.set(this.ref, delayMs);
  }

  /** Drops the pending timer. An idle signal that is on its way already still comes: runs without cause are legal. */
  cancelIdleTimer(): void {
    this.#timers.cancel(this.ref);
  }

  get #timers() {
    const { idleTimers } = this.thread;
    if (idleTimers === undefined) throw new Error('this thread was made without idleTimers');
    return idleTimers;
  }
}
