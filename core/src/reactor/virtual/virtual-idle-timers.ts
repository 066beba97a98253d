/**
 * The idle-task thread on virtual time. Used by VirtualMachine and by tests of idle tasks.
 * Rule: the same as the real one: one timer per task, fired once, replaced by setting it again.
 */
import type { Clock } from '../clock';
import { TaskEvent } from '../events';
import type { TaskRef } from '../task-ref';
import type { IdleTimers } from '../thread-port';

/** Idle timers that fire when fireDue() is called. */
export class VirtualIdleTimers implements IdleTimers {
  readonly #clock: Clock;
  readonly #signal: (ref: TaskRef, events: number) => void;
  readonly #deadlinesUs = new Map<TaskRef, number>();

  /** `signal` takes the signals to their tasks: a hub's, or a recorder's. */
  constructor(clock: Clock, signal: (ref: TaskRef, events: number) => void) {
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Number of pending timers. */
  get count(): number {
    return this.#deadlinesUs.size;
  }

  /** When the next one is due, in microseconds; Infinity when there is none. */
  get nextUs(): number {
    return Math.min(...this.#deadlinesUs.values());
  }

  set(ref: TaskRef, delayMs: number): void {
    this.#deadlinesUs.set(ref, this.#clock.nowUs() + Math.ceil(delayMs * 1000));
  }

  cancel(ref: TaskRef): void {
    this.#deadlinesUs.delete(ref);
  }

  /** Fires the timers that are due, by deadline. */
  fireDue(): void {
    const nowUs = this.#clock.nowUs();
    const due = [...this.#deadlinesUs].filter(([, deadlineUs]) => deadlineUs <= nowUs);
    for (const [ref] of due.sort((a, b) => a[1] - b[1])) {
      this.#deadlinesUs.delete(ref);
      this.#signal(ref, TaskEvent.idle);
    }
  }
}
