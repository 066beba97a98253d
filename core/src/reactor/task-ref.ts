/**
 * Names of tasks that may cross threads: numbers instead of pointers.
 * Made by the task table, read by whoever signals from elsewhere. Rule: a reference whose task is gone resolves to
 * nothing, because the generation of its slot has moved on.
 *
 *   51     46 45                22 21              0
 *  +---------+--------------------+-----------------+
 *  | thread  |     generation     |      slot       |
 *  +---------+--------------------+-----------------+
 *
 * The fields are read by division: JavaScript's bit operators end at 32 bits. native/src/thread_index.h is the other face.
 */

/** A task of any thread: an integer of 1..2^52-1, safe to send to other threads and to the addon. */
export type TaskRef = number;

/** Refers to no task; generation 0 is never given out. */
export const NO_TASK: TaskRef = 0;

/** Thread indices are 0..63. */
export const MAX_THREADS = 2 ** 6;
/** Generations are 1..2^24-1. */
export const MAX_GENERATIONS = 2 ** 24;
/** Slots of one thread are 0..2^22-1: so many tasks may live there at once. */
export const MAX_SLOTS = 2 ** 22;

const GENERATION_UNIT = MAX_SLOTS;
const THREAD_UNIT = MAX_SLOTS * MAX_GENERATIONS;

/** Puts a reference together. RangeError when a part does not fit its field. */
export function makeTaskRef(threadIndex: number, generation: number, slot: number): TaskRef {
  checkField('threadIndex', threadIndex, 0, MAX_THREADS);
  checkField('generation', generation, 1, MAX_GENERATIONS);
  checkField('slot', slot, 0, MAX_SLOTS);
  return threadIndex * THREAD_UNIT + generation * GENERATION_UNIT + slot;
}

/** Reads the thread index, 0..63. */
export function threadIndexOf(ref: TaskRef): number {
  return Math.floor(ref / THREAD_UNIT);
}

/** Reads the generation, 1..2^24-1; 0 in NO_TASK. */
export function generationOf(ref: TaskRef): number {
  return Math.floor(ref / GENERATION_UNIT) % MAX_GENERATIONS;
}

/** Reads the slot, 0..2^22-1. */
export function slotOf(ref: TaskRef): number {
  return ref % GENERATION_UNIT;
}

/** Tells the generation that a slot has after `generation`; it wraps and skips 0. */
export function nextGeneration(generation: number): number {
  return generation + 1 < MAX_GENERATIONS ? generation + 1 : 1;
}

function checkField(name: string, value: number, from: number, end: number): void {
  if (Number.isInteger(value) && value >= from && value < end) return;
  throw new RangeError(`${name} must be a whole number of ${from}..${end - 1}: ${value}`);
}
