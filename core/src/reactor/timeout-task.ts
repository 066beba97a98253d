/**
 * Inactivity timeouts: a session that nothing has refreshed for a while is signalled `timeout`.
 * Used by connections and sessions. Rule (hot path): refresh() is one store; the timers move in no heap. One sweeper
 * task per thread looks at the list now and then, and lives only while there is something in it.
 *
 * Lateness: an expiry is signalled never early, and late by at most the spacing of sweeps, 10 ms plus 0.1 ms for each
 * timeout of the thread and never more than 1 s, plus what the thread itself is late.
 * Spec: Darwin Streaming Server's TimeoutTask, which signalled again with each sweep and could be 60 s late.
 */
import { TaskEvent } from './events';
import { after, DELETE } from './run-result';
import { Task } from './task';
import type { TaskThread } from './task-thread';

const SWEEP_SPACING_MIN_MS = 10;
const SWEEP_SPACING_MAX_MS = 1_000;
const SWEEP_SPACING_PER_TIMEOUT_MS = 0.1; // a sweep costs some 10 ns for each, so sweeps take 0.01 % of the thread
const SWEEP_SPACING_SHUTDOWN_MS = 100; // to notice owners that have ended without cancel()

const sweepers = new WeakMap<TaskThread, TimeoutSweeper>();

/** A timeout of one task. Not a task itself; the name is that of its ancestor. Thread: the owner's. */
export class TimeoutTask {
  readonly #owner: Task;
  #timeoutUs: number;
  #expiresUs: number;
  #isCancelled = false;

  /**
   * Starts to count: `owner` is signalled `timeout` when `timeoutMs` (above 0) pass without a refresh().
   * It ends with cancel() or when the owner is deleted. RangeError on another time.
   */
  constructor(owner: Task, timeoutMs: number) {
    this.#owner = owner;
    this.#timeoutUs = checkedUs(timeoutMs);
    this.#expiresUs = owner.thread.nowUs + this.#timeoutUs;
    sweeperOf(owner.thread).add(this);
  }

  /** When it expires, in microseconds of the clock; Infinity once it has, until it is refreshed, and when cancelled. */
  get expiresUs(): number {
    return this.#expiresUs;
  }

  /** Whether there is nobody left to signal. */
  get isOver(): boolean {
    return this.#isCancelled || this.#owner.isDeleted;
  }

  /** Begins the time anew; also after it has expired, which arms it for another signal. Hot path. */
  refresh(): void {
    if (this.#expiresUs === Infinity) this.#rearm();
    else this.#expiresUs = this.#owner.thread.nowUs + this.#timeoutUs;
  }

  /** Changes the time, for a client that negotiated another one, and begins it anew. RangeError unless above 0. */
  changeTimeout(timeoutMs: number): void {
    this.#timeoutUs = checkedUs(timeoutMs);
    this.#rearm();
  }

  /** Ends it for good: it never fires again, and later refreshes do nothing. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    if (this.#expiresUs === Infinity) return;
    this.#expiresUs = Infinity;
    sweepers.get(this.#owner.thread)?.hasEnded();
  }

  /** Signals the owner; for the sweeper alone. @internal */
  expire(): void {
    this.#expiresUs = Infinity;
    this.#owner.signal(TaskEvent.timeout);
  }

  #rearm(): void {
    if (this.isOver) return;
    const hasExpired = this.#expiresUs === Infinity; // then the sweeper has dropped it
    this.#expiresUs = this.#owner.thread.nowUs + this.#timeoutUs;
    const sweeper = sweeperOf(this.#owner.thread);
    if (hasExpired) sweeper.add(this);
    else sweeper.expect(this.#expiresUs);
  }
}

/** Looks for expired timeouts of its thread, not before the first can be. Its list keeps no order. */
class TimeoutSweeper extends Task {
  readonly #timeouts: TimeoutTask[] = [];
  #lastSweepUs = -Infinity;
  #nextSweepUs = Infinity;
  #isKilled = false;
  #endedCount = 0;

  add(timeout: TimeoutTask): void {
    this.#timeouts.push(timeout);
    this.expect(timeout.expiresUs);
  }

  /** Sweeps in time for an expiry at `expiresUs`. */
  expect(expiresUs: number): void {
    if (expiresUs >= this.#nextSweepUs) return;
    this.#nextSweepUs = Math.max(expiresUs, this.#lastSweepUs + this.#spacingUs);
    this.signal(TaskEvent.update);
  }

  /** Notes that a timeout was cancelled; a list that is half waste is swept at once. */
  hasEnded(): void {
    if (++this.#endedCount * 2 < this.#timeouts.length) return;
    this.#nextSweepUs = -Infinity;
    this.signal(TaskEvent.update);
  }

  run(events: number): number {
    if (events & TaskEvent.kill) this.#isKilled = true;
    const { nowUs } = this.thread;
    if (nowUs >= this.#nextSweepUs || this.#isKilled) this.#sweep(nowUs);
    if (this.#timeouts.length === 0) return DELETE;
    return after((this.#nextSweepUs - nowUs) / 1000);
  }

  protected override onDeleted(): void {
    sweepers.delete(this.thread);
  }

  #sweep(nowUs: number): void {
    let firstUs = Infinity;
    for (let i = this.#timeouts.length - 1; i >= 0; i--) {
      const timeout = this.#timeouts[i];
      if (timeout.expiresUs <= nowUs) timeout.expire();
      if (timeout.expiresUs === Infinity || timeout.isOver) this.#drop(i);
      else if (timeout.expiresUs < firstUs) firstUs = timeout.expiresUs;
    }
    this.#endedCount = 0;
    this.#lastSweepUs = nowUs;
    const latestUs = this.#isKilled ? nowUs + SWEEP_SPACING_SHUTDOWN_MS * 1000 : Infinity;
    this.#nextSweepUs = Math.min(Math.max(firstUs, nowUs + this.#spacingUs), latestUs);
  }

  #drop(index: number): void {
    const last = this.#timeouts.pop()!;
    if (index < this.#timeouts.length) this.#timeouts[index] = last;
  }

  get #spacingUs(): number {
    const spacingMs = SWEEP_SPACING_MIN_MS + this.#timeouts.length * SWEEP_SPACING_PER_TIMEOUT_MS;
    return Math.min(spacingMs, SWEEP_SPACING_MAX_MS) * 1000;
  }
}

function sweeperOf(thread: TaskThread): TimeoutSweeper {
  const known = sweepers.get(thread);
  if (known !== undefined) return known;
  const sweeper = new TimeoutSweeper(thread);
  sweepers.set(thread, sweeper);
  return sweeper;
}

function checkedUs(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs < Infinity) return timeoutMs * 1000;
  throw new RangeError(`timeoutMs must be a number of milliseconds above 0: ${timeoutMs}`);
}
