/** The real clock, signal port and idle timers of a JavaScript thread, over the addon. Made by whoever starts a thread. */
import { type NativeSignalPort, native } from '@finch/native';
import type { Clock } from './clock';
import type { TaskRef } from './task-ref';
import type { IdleTimers, ThreadPort } from './thread-port';

const US_PER_MS = 1000;
/** Comparisons of two clocks, of which the one that nothing came between counts. */
const CLOCK_COMPARISONS = 16;

/** When the engine's clock of this thread began to count, by the addon's. */
const engineClockStartUs = compareClocks();

// The engine reads this clock without the way into the addon, which takes longer than the reading; it counts from another moment.
/** CLOCK_MONOTONIC in every thread of the process: never ahead of the addon's clock, and a few microseconds behind it at most. */
export const monotonicClock: Clock = {
  nowUs: () => Math.floor(performance.now() * US_PER_MS + engineClockStartUs),
};

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

function compareClocks(): number {
  let startUs = -Infinity;
  for (let i = 0; i < CLOCK_COMPARISONS; i++)
    startUs = Math.max(startUs, native.nowUs() - performance.now() * US_PER_MS);
  return startUs;
}
