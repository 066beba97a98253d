/**
 * The unit of work of the reactor: something that is signalled and runs. Extended by sessions, listeners, connections.
 * Rule: a task belongs to one thread for life, and runs there only; nothing but that thread deletes it.
 * Spec: Darwin Streaming Server's Task, without its traps: a signal wakes a sleeper, and run() is handed its events, so
 * it can't forget to take them.
 */
import { type TaskEntry, TaskState } from './task-entry';
import type { TaskRef } from './task-ref';
import type { TaskThread } from './task-thread';

/** A task of one thread. It lives from its construction until its run() returns DELETE or throws. */
export abstract class Task {
  readonly #thread: TaskThread;
  readonly #entry: TaskEntry;

  /**
   * Joins `thread`, parked: the task first runs when it is signalled.
   * `moduleName` is shown with the class name where tasks are listed; '' when it belongs to no module.
   */
  constructor(thread: TaskThread, moduleName = '') {
    this.#thread = thread;
    this.#entry = thread.adopt(this, moduleName);
  }

  /** The thread that runs it. */
  get thread(): TaskThread {
    return this.#thread;
  }

  /** Its name for other threads and for the addon; it resolves to nothing once the task is deleted. */
  get ref(): TaskRef {
    return this.#entry.ref;
  }

  /** The module it belongs to, or ''. */
  get moduleName(): string {
    return this.#entry.moduleName;
  }

  /**
   * Whether it serves deadlines, as media do: then it runs before those that don't. Asked once, by its constructor, so it is the
   * same for all tasks of a class. Such a task keeps its runs short whatever others send it.
   */
  get isPunctual(): boolean {
    return false;
  }

  /** Whether it is gone; then signals do nothing. */
  get isDeleted(): boolean {
    return this.#entry.state === TaskState.deleted;
  }

  /**
   * Raises `events` (bits of TaskEvent) and has the task run, once for all bits raised until then: in this turn's round
   * or the next one; a sleeper is woken. Bits raised while the task runs make it run again, after the others.
   * No bits, or a deleted task: nothing happens. Hot path. Thread: the task's own; others use its `ref`.
   */
  signal(events: number): void {
    this.#thread.signalEntry(this.#entry, events);
  }

  /**
   * Does the work that is due and returns when to run again: DELETE, PARK or after(ms), see run-result.ts.
   * `events` are the bits raised since the last run. Runs without cause are legal: derive what to do from the state and
   * the events. What it throws is reported, and the task is deleted.
   */
  abstract run(events: number): number;

  /**
   * Reads what run() is about to read, and returns a number made of it, whatever that is. The scheduler has several tasks do so
   * in a row before the first of them runs: the processor then fetches the memory of all of them at once, where run() would wait
   * for one line after the other. It changes nothing; what it throws is reported. Worth it for tasks that are many and run often,
   * each time with cold caches. Hot path.
   */
  prefetch(): number {
    return 0;
  }

  /** Frees what the task owns. Called once by its thread, when it is deleted; its `ref` is stale by then. */
  protected onDeleted(): void {}

  /** Calls the hook; for TaskThread alone, which is no subclass. @internal */
  static finish(task: Task): void {
    task.onDeleted();
  }
}
