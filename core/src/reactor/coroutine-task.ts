/**
 * A task whose run() is a straight line: a generator that yields run results. Extended by connections and whatever else
 * would be a state machine; its local variables are the state, its scope is the lifetime.
 * Rule: events are kept until the body takes them, so nothing that arrives while it waits for something else is lost.
 * The waits (sleep, until, settled, readable, writable) are in coroutine-waits.ts.
 */
import { TaskEvent } from './events';
import { DELETE } from './run-result';
import { Task } from './task';

/** Yields of `finally` blocks that are passed over after a kill, before the rest of the block is given up. */
export const MAX_YIELDS_AFTER_KILL = 64;

const ALL_EVENTS = -1;

/** What a coroutine's body is: it yields run results and is resumed with event bits. */
export type CoroutineBody<Result = void> = Generator<number, Result, number>;

// The coroutine whose body is on the stack: how the waits find it. One per JavaScript thread.
let running: CoroutineTask | undefined;

/**
 * A task that is written as a coroutine.
 * - The body starts with the first signal. A plain `yield result` (PARK, after(ms), see run-result.ts) resumes with all
 *   bits that came and were not taken yet; where there are some already, it resumes at once.
 * - The end of the body deletes the task, so does a `yield DELETE` and an exception, which is reported.
 * - A kill ends the body where it waits, and its `finally` blocks run. They can't wait any more: their yields are passed
 *   over (resumed at once with kill), and a block that yields more than MAX_YIELDS_AFTER_KILL times is given up.
 *   A body that was killed before it started never runs; what its constructor took is freed by onDeleted().
 */
export abstract class CoroutineTask extends Task {
  #body: CoroutineBody | undefined;
  #events = 0;
  #isKilled = false;
  #isInWait = false;

  /** The coroutine that is running now. TypeError, naming `wait`, when none is. */
  static running(wait: string): CoroutineTask {
    if (running !== undefined) return running;
    throw new TypeError(`${wait}() belongs in the body of a CoroutineTask: yield* ${wait}(...)`);
  }

  /** The work, from the first signal to the end of the task. */
  protected abstract body(): CoroutineBody;

  /** Whether a kill has come: then only `finally` blocks run, and none of them may wait. */
  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** Resumes the body; its next yield is the result. */
  override run(events: number): number {
    this.#events |= events;
    const outer = running;
    running = this;
    try {
      return events & TaskEvent.kill ? this.#end() : this.#resume();
    } finally {
      running = outer;
    }
  }

  /** Takes the bits of `mask` that have come and returns them; the others stay. */
  takeEvents(mask: number): number {
    const taken = this.#events & mask;
    this.#events &= ~mask;
    return taken;
  }

  /** The `result` that a wait yields; it looks for its events itself, with takeEvents(). @internal */
  waiting(result: number): number {
    this.#isInWait = true;
    return result;
  }

  #resume(): number {
    let isTakingEvents = this.#body !== undefined && !this.#isInWait;
    this.#body ??= this.body();
    for (;;) {
      this.#isInWait = false;
      const { done, value } = this.#body.next(isTakingEvents ? this.takeEvents(ALL_EVENTS) : 0);
      if (done) return DELETE;
      const result = value as number;
      if (result < 0) return this.#end();
      // Goes round once at most: to resume takes the events, and the next ones come with the next run.
      if (this.#isInWait || this.#events === 0) return result;
      isTakingEvents = true;
    }
  }

  #end(): number {
    this.#isKilled = true;
    const body = this.#body;
    if (body === undefined) return DELETE;
    let isDone = body.return().done;
    for (let yields = 1; !isDone && yields <= MAX_YIELDS_AFTER_KILL; yields++) {
      isDone = body.next(TaskEvent.kill).done;
    }
    if (!isDone) throw new Error(`a finally block of ${this.constructor.name} waits after kill: given up`);
    return DELETE;
  }
}
