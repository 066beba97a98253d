/**
 * Signal ports without a native addon: a hub joins the task threads of one test, all on one JavaScript thread.
 * Used by VirtualMachine, or alone by tests that call turn() themselves.
 * Rule: like the addon, a port keeps one row of pending signals per task, in order of arrival; bits of the same task add
 * up. Signals travel first and arrive when deliver() says so, which lets a test interleave them.
 */
import { generationOf, MAX_THREADS, slotOf, type TaskRef, threadIndexOf } from '../task-ref';
import { NO_SUCH_TASK, SIGNAL_WORDS, type ThreadPort } from '../thread-port';

/** Joins the ports of several threads. */
export class VirtualHub {
  readonly #ports = new Map<number, VirtualPort>();

  /** Makes the port of thread `threadIndex`, 0..63. RangeError when that is out of range or in use. */
  openPort(threadIndex: number): VirtualPort {
    if (!Number.isInteger(threadIndex) || threadIndex < 0 || threadIndex >= MAX_THREADS)
      throw new RangeError(`threadIndex must be a whole number of 0..${MAX_THREADS - 1}: ${threadIndex}`);
    if (this.#ports.has(threadIndex)) throw new RangeError(`threadIndex is in use: ${threadIndex}`);
    const port = new VirtualPort(threadIndex, this);
    this.#ports.set(threadIndex, port);
    return port;
  }

  /** Sends a signal on its way, as another thread would; 0, or NO_SUCH_TASK when there is no such port. */
  signal(ref: TaskRef, events: number): number {
    const port = this.#ports.get(threadIndexOf(ref));
    if (port === undefined || ref <= 0) return NO_SUCH_TASK;
    port.send(ref, events);
    return 0;
  }
}

/** The port of one virtual thread. Made by VirtualHub.openPort(). */
export class VirtualPort implements ThreadPort {
  readonly #hub: VirtualHub;
  readonly #travelling: { readonly ref: TaskRef; readonly events: number }[] = [];
  readonly #arrived = new Map<TaskRef, number>();
  #deadlineUs = Infinity;
  #wakeCount = 0;

  constructor(
    readonly threadIndex: number,
    hub: VirtualHub,
  ) {
    this.#hub = hub;
  }

  /** The wish of the last wakeAt(), in microseconds; Infinity when there is none. */
  get deadlineUs(): number {
    return this.#deadlineUs;
  }

  /** How often wakeAt() was called. */
  get wakeCount(): number {
    return this.#wakeCount;
  }

  /** Number of signals that are on their way. */
  get travellingCount(): number {
    return this.#travelling.length;
  }

  /** Whether the thread should do a turn: signals have arrived, or its time has come. */
  isAwake(nowUs: number): boolean {
    return this.#arrived.size > 0 || this.#deadlineUs <= nowUs;
  }

  /** Puts a signal on its way to this port; for the hub. */
  send(ref: TaskRef, events: number): void {
    this.#travelling.push({ ref, events });
  }

  /** Lets the oldest `count` travelling signals arrive, by default all. */
  deliver(count = Infinity): void {
    for (const { ref, events } of this.#travelling.splice(0, count)) {
      this.#arrived.set(ref, (this.#arrived.get(ref) ?? 0) | events);
    }
  }

  drain(into: Uint32Array): number {
    const room = Math.floor(into.length / SIGNAL_WORDS);
    let rows = 0;
    for (const [ref, events] of this.#arrived) {
      if (rows === room) break;
      into[rows * SIGNAL_WORDS] = slotOf(ref);
      into[rows * SIGNAL_WORDS + 1] = generationOf(ref);
      into[rows * SIGNAL_WORDS + 2] = events;
      rows++;
      this.#arrived.delete(ref);
    }
    return rows;
  }

  wakeAt(deadlineUs: number): void {
    this.#deadlineUs = deadlineUs;
    this.#wakeCount++;
  }

  /** Uses the alarm up, as waking does: a turn that forgets to ask again stays asleep. Called before each turn. */
  wake(nowUs: number): void {
    if (this.#deadlineUs <= nowUs) this.#deadlineUs = Infinity;
  }

  signal(ref: TaskRef, events: number): number {
    return this.#hub.signal(ref, events);
  }
}
