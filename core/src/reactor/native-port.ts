/** The real clock, signal port and idle timers of a JavaScript thread, over the addon. Made by whoever starts a thread. */
import { type NativeSignalPort, native } from '@finch/native';
import type { Clock } from './clock';
import type { TaskRef } from './task-ref';
import type { IdleTimers, ThreadPort } from './thread-port';

const US_PER_MS = 1000;

/** CLOCK_MONOTONIC: the same in every thread of the process. */
export const monotonicClock: Clock = { nowUs: () => native.nowUs() };

/** The idle-task thread's timers. Any thread. */
export const nativeIdleTimers: IdleTimers = {
  set: (ref: TaskRef, delayMs: number) => native.idleTimerSet(ref, Math.ceil(delayMs * US_PER_MS)),
  cancel: (ref: TaskRef) => native.idleTimerCancel(ref),
};

/** A thread's signal port on its own event loop: promises and other handles of the loop go on working beside it. */
export class NativePort implements ThreadPort {
  readonly #port: NativeSignalPort;

  /** Calls `onWake` whenever signals have come or the time asked for is over. Throws when the index is in use. */
  constructor(
    readonly threadIndex: number,
    onWake: () => void,
  ) {
    this.#port = new native.SignalPort(threadIndex, onWake);
  }

  drain(into: Uint32Array): number {
    return this.#port.drain(into);
  }

  wakeAt(deadlineUs: number): void {
    this.#port.wakeAt(deadlineUs);
  }

  signal(ref: TaskRef, events: number): number {
    return native.signalTask(ref, events);
  }

  /** Ends the port, so that the thread's loop may end too. */
  close(): void {
    this.#port.close();
  }
}
