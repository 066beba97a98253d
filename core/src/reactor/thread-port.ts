/**
 * What a task thread needs from below: its mailbox and alarm clock, and the timers of the idle-task thread.
 * Implemented by the addon and by the virtual machine of the tests. Rule: these two interfaces are all that the
 * scheduler knows of the world outside its thread.
 */
import { constants } from 'node:os';
import type { TaskRef } from './task-ref';

/** Words of one signal in the mailbox: slot, generation, events. */
export const SIGNAL_WORDS = 3;

/** A signal's refusal: the reference names no thread that runs, or no task that lives here (-ESRCH). */
export const NO_SUCH_TASK = -constants.errno.ESRCH;

/** The signal port of one thread. Every call but `signal()` of another port is made by the thread that owns it. */
export interface ThreadPort {
  /** The owner's number, 0..63. */
  readonly threadIndex: number;
  /**
   * Moves signals that other threads sent into `into`, as rows of slot, generation and events, oldest first.
   * Returns the number of rows; when it is the room of `into` (`into.length / 3`) there may be more.
   */
  drain(into: Uint32Array): number;
  /**
   * Asks for one turn at `deadlineUs` of the clock, a whole number; a time that has passed means at once. It replaces
   * the earlier wish; Infinity cancels it. Signals from other threads wake the thread without being asked.
   */
  wakeAt(deadlineUs: number): void;
  /** Signals a task of another thread. Returns 0, or NO_SUCH_TASK when that thread does not run. */
  signal(ref: TaskRef, events: number): number;
}

/** The idle-task thread: timers that fire on time even when the task's own thread is busy elsewhere. */
export interface IdleTimers {
  /** Signals `idle` to the task once, `delayMs` from now. Replaces a pending timer, be it earlier or later. */
  set(ref: TaskRef, delayMs: number): void;
  /** Drops the task's timer; nothing happens when there is none. */
  cancel(ref: TaskRef): void;
}
