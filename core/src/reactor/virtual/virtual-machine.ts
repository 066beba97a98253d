/**
 * Several task threads, an idle-task thread and the time, in one JavaScript thread of a test.
 * Used to test tasks and modules without sleeping. Rule: deterministic: the seed decides which thread takes its turn next,
 * when a signal between threads arrives and in which order tasks run; the same seed gives the same trace.
 */
import type { TraceEntry } from '../run-order';
import { seededOrder } from '../run-order';
import { SeededRandom } from '../seeded-random';
import type { Task } from '../task';
import type { TaskRef } from '../task-ref';
import { TaskThread } from '../task-thread';
import type { TaskThreadOptions } from '../task-thread-options';
import { VirtualClock } from './virtual-clock';
import { VirtualIdleTimers } from './virtual-idle-timers';
import { VirtualHub, type VirtualPort } from './virtual-port';

/** Steps after which a machine that does not get idle gives up. */
export const MAX_STEPS_TO_IDLE = 100_000;

/** What a thread of the machine may be given; the rest is the machine's. */
export type VirtualThreadOptions = Partial<Omit<TaskThreadOptions, 'clock' | 'port' | 'idleTimers'>>;

/** An exception that a task or a flusher threw. */
export interface VirtualError {
  readonly task: Task | undefined;
  readonly error: unknown;
}

/** A deterministic machine of task threads. */
export class VirtualMachine {
  readonly clock = new VirtualClock();
  readonly hub = new VirtualHub();
  readonly idleTimers: VirtualIdleTimers;
  /** The exceptions so far, of threads that were given no onError of their own. A test should find none. */
  readonly errors: VirtualError[] = [];
  /** All runs so far, of threads that were given no trace of their own. */
  readonly trace: TraceEntry[] = [];

  readonly #random: SeededRandom;
  readonly #threads: TaskThread[] = [];
  readonly #ports: VirtualPort[] = [];

  /** `seed` counts modulo 2^32. */
  constructor(seed = 0) {
    this.#random = new SeededRandom(seed);
    this.idleTimers = new VirtualIdleTimers(this.clock, (ref, events) => this.hub.signal(ref, events));
  }

  /** The threads by index. */
  get threads(): readonly TaskThread[] {
    return this.#threads;
  }

  /** Adds the next thread, 0 first. */
  addThread(options: VirtualThreadOptions = {}): TaskThread {
    const port = this.hub.openPort(this.#threads.length);
    const thread = new TaskThread({
      runOrder: seededOrder(this.#random.next()),
      onError: (task, error) => this.errors.push({ task, error }),
      trace: (entry) => this.trace.push(entry),
      ...options,
      clock: this.clock,
      port,
      idleTimers: this.idleTimers,
    });
    this.#threads.push(thread);
    this.#ports.push(port);
    return thread;
  }

  /** Signals a task from outside, as the event thread does. Returns 0, or NO_SUCH_TASK. */
  signal(ref: TaskRef, events: number): number {
    return this.hub.signal(ref, events);
  }

  /**
   * Does one step, chosen by the seed among those possible now: the turn of a thread that is awake, or the arrival of
   * the oldest signal to a thread. Returns false, doing nothing, when there is none: then only time can go on.
   */
  step(): boolean {
    const nowUs = this.clock.nowUs();
    this.idleTimers.fireDue();
    const awake = this.#ports.filter((port) => port.isAwake(nowUs));
    const expecting = this.#ports.filter((port) => port.travellingCount > 0);
    const choices = awake.length + expecting.length;
    if (choices === 0) return false;
    const choice = this.#random.below(choices);
    if (choice < awake.length) this.#turn(awake[choice]);
    else expecting[choice - awake.length].deliver(1);
    return true;
  }

  /** Steps until nothing is left to do at this time. Error when that takes more than MAX_STEPS_TO_IDLE steps. */
  runUntilIdle(): void {
    for (let steps = 0; this.step(); steps++) {
      if (steps === MAX_STEPS_TO_IDLE) throw new Error(`the machine is not idle after ${steps} steps`);
    }
  }

  /**
   * Lets `byUs` microseconds pass: what can be done now is done, then every timer on its microsecond, until the machine
   * is idle at the end of them. Ends later when a task moves the clock itself.
   */
  advanceUs(byUs: number): void {
    const endUs = this.clock.nowUs() + byUs;
    this.runUntilIdle();
    for (let nextUs = this.nextUs; nextUs <= endUs; nextUs = this.nextUs) {
      this.#moveTo(nextUs);
      this.runUntilIdle();
    }
    this.#moveTo(endUs);
  }

  /** The time of the next timer, in microseconds; Infinity when all threads are parked. */
  get nextUs(): number {
    return Math.min(this.idleTimers.nextUs, ...this.#ports.map((port) => port.deadlineUs));
  }

  #turn(port: VirtualPort): void {
    port.wake(this.clock.nowUs());
    this.#threads[port.threadIndex].turn();
  }

  #moveTo(timeUs: number): void {
    this.clock.advanceUs(Math.max(0, timeUs - this.clock.nowUs()));
  }
}
