/**
 * What the body of a CoroutineTask waits with: `yield* sleep(ms)` and its like. Called in bodies and in generators that
 * bodies call. Rule: a wait takes only the events it waits for; the others stay for the next wait. All of them end with
 * the body when the task is killed, and none of them waits after that.
 */
import { type CoroutineBody, CoroutineTask } from './coroutine-task';
import { type Armable, kReadable, kWritable, TaskEvent } from './events';
import { after, PARK } from './run-result';

// Signalled by settled() to its own task; the highest bit below the sign, so no module's bit.
const PROMISE_SETTLED = 0x40000000;

/** Waits `delayMs` milliseconds, whatever is signalled meanwhile but kill. It takes `idle`, which ended it. */
export function* sleep(delayMs: number): CoroutineBody {
  const task = CoroutineTask.running('sleep');
  const endUs = task.thread.nowUs + delayMs * 1000;
  do {
    yield task.waiting(after((endUs - task.thread.nowUs) / 1000));
    if (task.isKilled) return;
  } while (task.thread.nowUs < endUs);
  task.takeEvents(TaskEvent.idle);
}

/**
 * Waits until one of the bits of `mask` comes, or takes what has come already. Returns those that came, never 0 (but
 * after a kill, where it does not wait). TypeError when `mask` has no bits.
 */
export function* until(mask: number): CoroutineBody<number> {
  const task = CoroutineTask.running('until');
  if (mask === 0) throw new TypeError('mask must have bits to wait for: 0');
  let events = task.takeEvents(mask);
  while (events === 0 && !task.isKilled) {
    yield task.waiting(PARK);
    events = task.takeEvents(mask);
  }
  return events;
}

/**
 * Waits until `context` is readable, or one of the bits of `orEvents` (none by default) comes. Returns the bits that
 * came. It may return without cause: the read that follows says whether there is something.
 */
export function* readable(context: Armable, orEvents = 0): CoroutineBody<number> {
  // A bit may have come while the body waited for something else: a context that still counts on it would not ask again.
  context.delivered?.(TaskEvent.read);
  context.arm(kReadable);
  // As until() does, without a coroutine more: a connection comes here with each request.
  const task = CoroutineTask.running('readable');
  const mask = TaskEvent.read | orEvents;
  let events = task.takeEvents(mask);
  while (events === 0 && !task.isKilled) {
    yield task.waiting(PARK);
    events = task.takeEvents(mask);
  }
  return events;
}

/** Waits until `context` is writable, or one of the bits of `orEvents` comes. Like readable(). */
export function* writable(context: Armable, orEvents = 0): CoroutineBody<number> {
  context.delivered?.(TaskEvent.write);
  context.arm(kWritable);
  return yield* until(TaskEvent.write | orEvents);
}

/**
 * Waits until a promise is settled; returns its value or throws its error. A value that is there already is returned at once,
 * in the same run. A kill does not wait for a promise: a value that comes after that goes to `tooLate`, which closes what
 * the promise opened, and a late error is dropped.
 * Error when it is called after a kill, in a `finally` block; the promise is looked after then, too.
 */
export function* settled<Value>(
  value: Value | PromiseLike<Value>,
  tooLate?: (value: Value) => void,
): CoroutineBody<Value> {
  const task = CoroutineTask.running('settled');
  if (!isPending(value) && !task.isKilled) return value;
  const settlement = new Settlement(task, Promise.resolve(value), tooLate);
  try {
    if (task.isKilled) throw new Error('settled() can not wait after kill');
    while (!settlement.isSettled) {
      yield task.waiting(PARK);
      task.takeEvents(PROMISE_SETTLED);
    }
    return settlement.take();
  } finally {
    settlement.abandon();
  }
}

/** Whether a value is still to come, and so something for settled(). */
export function isPending<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

type Outcome<Value> = { readonly value: Value } | { readonly error: unknown };

/** The meeting of a promise and the coroutine that waits for it. */
class Settlement<Value> {
  isSettled = false;
  #isAbandoned = false;
  #outcome: Outcome<Value> | undefined;
  readonly #tooLate: ((value: Value) => void) | undefined;

  constructor(task: CoroutineTask, promise: PromiseLike<Value>, tooLate?: (value: Value) => void) {
    this.#tooLate = tooLate;
    const settle = (outcome: Outcome<Value>) => {
      this.isSettled = true;
      this.#outcome = outcome;
      task.signal(PROMISE_SETTLED);
    };
    promise.then(
      (value) => (this.#isAbandoned ? tooLate?.(value) : settle({ value })),
      (error: unknown) => (this.#isAbandoned ? undefined : settle({ error })),
    );
  }

  /** The value, or the error thrown. Called once, when it is settled. */
  take(): Value {
    const outcome = this.#outcome!;
    this.#outcome = undefined;
    if ('value' in outcome) return outcome.value;
    throw outcome.error;
  }

  /** Sends a value that nobody has taken to `tooLate`, be it here already or still to come. */
  abandon(): void {
    this.#isAbandoned = true;
    if (this.#outcome !== undefined && 'value' in this.#outcome) this.#tooLate?.(this.#outcome.value);
    this.#outcome = undefined;
  }
}
