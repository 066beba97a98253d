/**
 * The packet plans of one task thread that nobody uses, kept in case another viewer comes by: of all movies together, so that
 * many movies with a viewer each cost no more than one with many. Filled and emptied by plan caches. Rule: what has lain
 * longest goes first, when there is too much or when the memory budget is spent. Thread: one task thread.
 */

/** Bounds what one thread keeps, in bytes: about ten minutes of a movie of 2.5 Mbit/s. */
export const MAX_SHELVED_BYTES = 8 * 1024 * 1024;

/** A plan that can lie on the shelf. */
export interface ShelvedPlan {
  /** Does not change while it lies there. */
  readonly sizeBytes: number;
  /** Frees the plan; it is no longer on the shelf. */
  giveUp(): void;
}

/** The shelf of one task thread; see the head of this file. */
export class PlanShelf {
  /** In the order they came in. */
  readonly #plans = new Set<ShelvedPlan>();
  #sizeBytes = 0;

  /** RangeError unless `limitBytes` is 0 or more. */
  constructor(readonly limitBytes: number = MAX_SHELVED_BYTES) {
    if (!(limitBytes >= 0)) throw new RangeError(`limitBytes must be 0 or more: ${limitBytes}`);
  }

  /** What lies here, in bytes. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Adds a plan that nobody uses any more; gives up what there is no room for then, maybe this very plan. */
  add(plan: ShelvedPlan): void {
    if (this.#plans.has(plan)) return;
    this.#plans.add(plan);
    this.#sizeBytes += plan.sizeBytes;
    while (this.#sizeBytes > this.limitBytes) this.giveUpOldest();
  }

  /** Takes a plan back into use; nothing happens when it is not here. */
  remove(plan: ShelvedPlan): void {
    if (this.#plans.delete(plan)) this.#sizeBytes -= plan.sizeBytes;
  }

  /** Gives up the plan that has lain longest; false when there is none. */
  giveUpOldest(): boolean {
    for (const plan of this.#plans) {
      this.remove(plan);
      plan.giveUp();
      return true;
    }
    return false;
  }
}
