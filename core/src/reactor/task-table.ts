/**
 * The live tasks of a thread by slot and generation. Used by TaskThread to resolve signals that carry references.
 * Rule: a slot changes its generation when its task leaves, so a stale reference resolves to nothing.
 * Spec: the part of Darwin Streaming Server's OSRefTable that one thread needs.
 */
import type { TaskEntry } from './task-entry';
import { generationOf, MAX_SLOTS, makeTaskRef, nextGeneration, slotOf } from './task-ref';

/** A table of at most MAX_SLOTS tasks. */
export class TaskTable {
  readonly #entries: (TaskEntry | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #freeSlots: number[] = [];
  #count = 0;

  constructor(readonly threadIndex: number) {}

  /** Number of live tasks. */
  get count(): number {
    return this.#count;
  }

  /** Gives `entry` a slot and its reference. RangeError when MAX_SLOTS tasks live on the thread. */
  add(entry: TaskEntry): void {
    const slot = this.#freeSlots.pop() ?? this.#openSlot();
    this.#entries[slot] = entry;
    entry.ref = makeTaskRef(this.threadIndex, this.#generations[slot], slot);
    this.#count++;
  }

  /** Frees the slot of `entry`, which is in the table. */
  remove(entry: TaskEntry): void {
    const slot = slotOf(entry.ref);
    this.#entries[slot] = undefined;
    this.#generations[slot] = nextGeneration(generationOf(entry.ref));
    this.#freeSlots.push(slot);
    this.#count--;
  }

  /** The task of that slot, if it still has that generation. */
  find(slot: number, generation: number): TaskEntry | undefined {
    if (slot >= this.#entries.length || this.#generations[slot] !== generation) return undefined;
    return this.#entries[slot];
  }

  /** The live tasks by slot; tasks that come or go meanwhile may be missed. */
  *[Symbol.iterator](): IterableIterator<TaskEntry> {
    for (const entry of this.#entries) if (entry !== undefined) yield entry;
  }

  #openSlot(): number {
    const slot = this.#entries.length;
    if (slot === MAX_SLOTS) throw new RangeError(`a thread has room for ${MAX_SLOTS} tasks`);
    this.#entries.push(undefined);
    this.#generations.push(1);
    return slot;
  }
}
