/**
 * Which of the queued tasks runs next. Production is first come first served; tests shuffle with a seed.
 * Rule: an order chooses among the tasks of the current round only, so that every one of them gets its run.
 */
import { SeededRandom } from './seeded-random';
import type { TaskRef } from './task-ref';

/** Chooses the next task. */
export interface RunOrder {
  /** The place of the next task among the `count` (1 or more) that remain of this round: 0..count-1. */
  pick(count: number): number;
}

/** First come, first served. A task thread that is given no order does the same without asking. */
export const fifoOrder: RunOrder = { pick: () => 0 };

/** Picks at random; the same seed and the same signals give the same runs. */
export function seededOrder(seed: number): RunOrder {
  const random = new SeededRandom(seed);
  return { pick: (count) => random.below(count) };
}

/** One run, as a trace records it. With a seeded order and a virtual clock, the same seed gives the same trace. */
export interface TraceEntry {
  /** When the run began, in microseconds of the clock. */
  readonly atUs: number;
  readonly threadIndex: number;
  readonly ref: TaskRef;
  readonly className: string;
  /** The bits that run() was handed. */
  readonly events: number;
  /** What it returned; DELETE where it threw. */
  readonly result: number;
}
