/**
 * The scheduler of one JavaScript thread: its tasks, their queue and their timers. Driven by the thread's port, whose
 * wake-ups call turn(). Used by every task of the thread.
 * Rule: a task is in one place at a time (parked, queued, sleeping, running), only this thread deletes it, and the hot
 * path (signal, turn, run) allocates nothing.
 *
 * One turn: 1 signals in, 2 due timers out, 3 run what is queued now within the budget, punctual tasks first, 4 flush,
 * 5 arm the next wake-up.
 * Spec: Darwin Streaming Server's TaskThread; the order of a turn is nginx's, the two-phase timers are libuv's.
 */
import type { Clock } from './clock';
import { TaskEvent } from './events';
import type { RunOrder } from './run-order';
import { DELETE } from './run-result';
import { Task } from './task';
import { type TaskClass, TaskClasses } from './task-classes';
import { TaskEntry, TaskState } from './task-entry';
import { OTHERS_SHARE, TaskLane } from './task-lane';
import { generationOf, slotOf, type TaskRef, threadIndexOf } from './task-ref';
import { TaskTable } from './task-table';
import {
  DEFAULT_LONG_RUN_LIMIT_US,
  DEFAULT_TURN_BUDGET_US,
  type TaskInfo,
  type TaskThreadOptions,
} from './task-thread-options';
import { type IdleTimers, NO_SUCH_TASK, SIGNAL_WORDS, type ThreadPort } from './thread-port';
import { ThreadReports } from './thread-reports';
import { StatsField, ThreadStats } from './thread-stats';

/** Signals fetched from the port with one call. */
const DRAIN_ROWS = 256;
/** Fetches in one turn; a flood of signals must not keep the turn from running tasks. */
const MAX_DRAINS_PER_TURN = 64;

const STATE_NAMES = ['parked', 'queued', 'sleeping', 'running'] as const;

/** The tasks of one thread and the loop that runs them. */
export class TaskThread {
  /** The thread's live figures. */
  readonly stats: ThreadStats;
  /** The timers of the idle-task thread; undefined when the thread was made without. */
  readonly idleTimers: IdleTimers | undefined;
  /** Resolves when shutdown() has been called and the last task is gone. */
  readonly drained: Promise<void>;

  readonly #clock: Clock;
  readonly #port: ThreadPort;
  readonly #runOrder: RunOrder | undefined;
  readonly #turnBudgetUs: number;
  readonly #reports: ThreadReports;
  readonly #table: TaskTable;
  readonly #classes: TaskClasses;
  readonly #punctual = new TaskLane();
  readonly #others = new TaskLane();
  readonly #signals = new Uint32Array(DRAIN_ROWS * SIGNAL_WORDS);
  readonly #flushers: (() => void)[] = [];
  readonly #timerDue = (entry: TaskEntry): void => {
    // Out of the line: a number handed over would be an object for each timer.
    this.stats.countTimer(this.#nowUs - entry.timerLine!.deadlineUs);
    entry.events |= TaskEvent.idle;
    this.#enqueue(entry, entry.lane);
  };

  #nowUs: number;
  #isTurning = false;
  #isWakeAsked = false;
  #isPortFull = false;
  #isShuttingDown = false;
  #resolveDrained: () => void = () => {};

  /** Makes the scheduler of the thread that owns `options.port`. RangeError when a time of the options is not above 0. */
  constructor(options: TaskThreadOptions) {
    this.#clock = options.clock;
    this.#port = options.port;
    this.idleTimers = options.idleTimers;
    this.#runOrder = options.runOrder;
    this.#turnBudgetUs = positive('turnBudgetUs', options.turnBudgetUs ?? DEFAULT_TURN_BUDGET_US);
    positive('longRunLimitUs', options.longRunLimitUs ?? DEFAULT_LONG_RUN_LIMIT_US);
    this.stats = options.stats ?? new ThreadStats();
    this.#reports = new ThreadReports(options, this.stats);
    this.#table = new TaskTable(options.port.threadIndex);
    this.#classes = new TaskClasses(options.onTaskClass);
    this.#nowUs = options.clock.nowUs();
    this.drained = new Promise((resolve) => {
      this.#resolveDrained = resolve;
    });
  }

  /** The thread's number, 0..63. */
  get threadIndex(): number {
    return this.#table.threadIndex;
  }

  /**
   * The time in microseconds. During a turn it is read once for each run, when that begins, and delays that run()
   * returns count from it; outside of turns it is the clock's.
   */
  get nowUs(): number {
    return this.#isTurning ? this.#nowUs : this.#clock.nowUs();
  }

  /** Number of live tasks. */
  get taskCount(): number {
    return this.#table.count;
  }

  /** The live tasks, to be shown to a person; tasks that come or go while it iterates may be missed. */
  *tasks(): IterableIterator<TaskInfo> {
    const nowUs = this.#clock.nowUs();
    for (const entry of this.#table) {
      const { task, ref, className, moduleName } = entry;
      const state = STATE_NAMES[entry.state as 0 | 1 | 2 | 3];
      yield { task, ref, className, moduleName, ageUs: nowUs - entry.bornUs, state };
    }
  }

  /** The class of tasks with the number `classId` of the statistics page, if there is one. */
  taskClass(classId: number): TaskClass | undefined {
    return this.#classes.find(classId);
  }

  /** The live task that `ref` names on this thread; undefined when it is gone or of another thread. */
  resolve(ref: TaskRef): Task | undefined {
    return this.#find(ref)?.task;
  }

  /** Has `flusher` run at the end of every turn, after the flushers that were added before it. */
  addFlusher(flusher: () => void): void {
    this.#flushers.push(flusher);
  }

  /**
   * Signals the task that `ref` names, of this thread or of another one; stale references are ignored.
   * Returns 0, or NO_SUCH_TASK when the thread does not run (or, on this thread, the task is gone). Hot path.
   */
  signalRef(ref: TaskRef, events: number): number {
    if (threadIndexOf(ref) !== this.threadIndex) return this.#port.signal(ref, events);
    const entry = this.#find(ref);
    if (entry === undefined) return NO_SUCH_TASK;
    this.signalEntry(entry, events);
    return 0;
  }

  /**
   * Signals kill to all tasks; tasks that join from now on are born with it. Returns `drained`. A task may take its time
   * to end: tasks() names the ones that are left.
   */
  shutdown(): Promise<void> {
    if (!this.#isShuttingDown) {
      this.#isShuttingDown = true;
      for (const entry of this.#table) this.signalEntry(entry, TaskEvent.kill);
      if (this.taskCount === 0) this.#resolveDrained();
    }
    return this.drained;
  }

  /**
   * Does one turn. Called by whoever owns the port, at each wake-up; a call from within a turn does nothing.
   * The time it takes is bounded by the budget and one run more.
   */
  turn(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#isWakeAsked = false;
    this.#nowUs = this.#clock.nowUs();
    try {
      this.#takeSignals();
      this.#queueDueTimers(this.#punctual);
      this.#queueDueTimers(this.#others);
      this.#runQueued();
      this.#flush();
      this.stats.endTurn(
        this.#punctual.queue.length + this.#others.queue.length,
        this.#punctual.timers.length + this.#others.timers.length,
      );
    } finally {
      this.#isTurning = false;
      this.#armWakeUp();
    }
  }

  /** Makes the record of a task under construction; for Task alone. @internal */
  adopt(task: Task, moduleName: string): TaskEntry {
    const { classId, className } = this.#classes.of(task, moduleName);
    const lane = task.isPunctual ? this.#punctual : this.#others;
    const entry = new TaskEntry(task, lane, classId, className, moduleName, this.nowUs);
    this.#table.add(entry);
    this.stats.page[StatsField.tasks] = this.taskCount;
    if (this.#isShuttingDown) this.signalEntry(entry, TaskEvent.kill);
    return entry;
  }

  /** Signals the task of a record; for Task alone. Hot path. @internal */
  signalEntry(entry: TaskEntry, events: number): void {
    const state = entry.state;
    if (events === 0 || state === TaskState.deleted) return;
    entry.events |= events;
    if (state === TaskState.queued || state === TaskState.running) return;
    if (state === TaskState.sleeping) entry.lane.timers.remove(entry);
    this.#enqueue(entry, (events & TaskEvent.write) === 0 ? entry.lane : this.#punctual);
  }

  #find(ref: TaskRef): TaskEntry | undefined {
    if (threadIndexOf(ref) !== this.threadIndex) return undefined;
    return this.#table.find(slotOf(ref), generationOf(ref));
  }

  // What waits for room to write is late already, and often media: whose task it is does not matter for this run.
  #enqueue(entry: TaskEntry, lane: TaskLane): void {
    entry.state = TaskState.queued;
    lane.queue.push(entry);
    if (this.#isTurning || this.#isWakeAsked) return;
    this.#isWakeAsked = true;
    this.#port.wakeAt(this.#clock.nowUs());
  }

  #takeSignals(): void {
    const signals = this.#signals;
    let rows = DRAIN_ROWS;
    for (let drains = 0; rows === DRAIN_ROWS && drains < MAX_DRAINS_PER_TURN; drains++) {
      rows = this.#port.drain(signals);
      this.stats.page[StatsField.signalsIn] += rows;
      for (let at = 0; at < rows * SIGNAL_WORDS; at += SIGNAL_WORDS) {
        const entry = this.#table.find(signals[at], signals[at + 1]);
        if (entry !== undefined) this.signalEntry(entry, signals[at + 2]);
      }
    }
    this.#isPortFull = rows === DRAIN_ROWS;
  }

  // All of them before any runs: a task that sleeps for no time can't hold up the others.
  #queueDueTimers(lane: TaskLane): void {
    lane.timers.takeDue(this.#nowUs, this.#timerDue);
  }

  #runQueued(): void {
    const endUs = this.#nowUs + this.#turnBudgetUs;
    this.#runLane(this.#punctual, endUs, endUs);
    const shareEndUs = this.#nowUs + this.#turnBudgetUs * OTHERS_SHARE;
    this.#runLane(this.#others, shareEndUs, Math.max(endUs, shareEndUs));
  }

  // Runs until `endUs`; from `yieldUs` on it makes way for punctual tasks, so what is due waits for one run and the flush.
  // Tasks queued by these runs wait for the next turn, so no task and no pair of tasks can spin here.
  #runLane(lane: TaskLane, yieldUs: number, endUs: number): void {
    const { queue } = lane;
    const order = this.#runOrder;
    for (let left = queue.length, fetched = 0; left > 0; left--, fetched--) {
      if (fetched === 0) fetched = lane.prefetch(left, this.#reports);
      this.#run((order === undefined ? queue.shift() : queue.take(order.pick(left)))!);
      if (this.#nowUs >= endUs || (this.#nowUs >= yieldUs && this.#punctual.isDue(this.#nowUs))) return;
    }
  }

  #run(entry: TaskEntry): void {
    const startUs = this.#nowUs;
    const events = entry.events;
    entry.events = 0;
    entry.state = TaskState.running;
    this.stats.beginRun(entry.classId, startUs);
    const result = this.#call(entry, events);
    this.#place(entry, result, startUs);
    this.#nowUs = this.#clock.nowUs();
    const heldUs = this.#nowUs - startUs;
    this.stats.endRun(entry.classId, heldUs);
    this.#reports.run(entry, startUs, heldUs, events, result);
  }

  #call(entry: TaskEntry, events: number): number {
    try {
      const result = entry.task.run(events);
      // Also undefined, where a run() without types forgot to return.
      if (typeof result !== 'number' || Number.isNaN(result))
        throw new TypeError(`run() of ${entry.className} must return a number: ${result}`);
      return result;
    } catch (error) {
      this.#reports.error(entry.task, error);
      return DELETE;
    }
  }

  #place(entry: TaskEntry, result: number, startUs: number): void {
    if (result < 0) {
      this.#delete(entry);
    } else if (entry.events !== 0) {
      this.#enqueue(entry, entry.lane);
    } else if (result > 0 && result < Infinity) {
      entry.state = TaskState.sleeping;
      entry.lane.timers.add(entry, Math.ceil(startUs + result * 1000));
    } else {
      entry.state = TaskState.parked;
    }
  }

  #delete(entry: TaskEntry): void {
    entry.state = TaskState.deleted;
    this.#table.remove(entry);
    this.stats.page[StatsField.tasks] = this.taskCount;
    try {
      Task.finish(entry.task);
    } catch (error) {
      this.#reports.error(entry.task, error);
    }
    if (this.#isShuttingDown && this.taskCount === 0) this.#resolveDrained();
  }

  #flush(): void {
    for (const flusher of this.#flushers) {
      try {
        flusher();
      } catch (error) {
        this.#reports.error(undefined, error);
      }
    }
  }

  #armWakeUp(): void {
    const punctual = this.#punctual;
    const others = this.#others;
    const isMoreToDo = punctual.queue.length > 0 || others.queue.length > 0 || this.#isPortFull;
    this.#isWakeAsked = isMoreToDo;
    const nextUs = Math.min(punctual.timers.nextUs, others.timers.nextUs);
    this.#port.wakeAt(isMoreToDo ? this.#nowUs : nextUs);
  }
}

function positive(name: string, value: number): number {
  if (value > 0) return value;
  throw new RangeError(`${name} must be above 0: ${value}`);
}
