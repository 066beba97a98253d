/**
 * What one connection takes of the memory budget: its cost, and requests that have begun and are not whole. Made by who takes
 * in a connection, for each one. Rule: what was taken is given back once, whoever ends the connection.
 */
import type { MemoryBudget } from '@finch/core';

/** What the cost of a connection has room for; more of a request that is not whole is accounted for, in steps. */
const FREE_UNFINISHED_BYTES = 4096;
const UNFINISHED_STEP_BYTES = 4096;

/** The share of one connection; see the head of this file. */
export class ConnectionMemory {
  /** Whether the budget had room for the connection; if not, nothing was taken for it. */
  readonly isGranted: boolean;
  readonly #budget: MemoryBudget;
  readonly #costBytes: number;
  #unfinishedBytes = 0;

  /** Takes `costBytes`, see memory-costs.ts. */
  constructor(budget: MemoryBudget, costBytes: number) {
    this.#budget = budget;
    this.isGranted = budget.tryTake('connections', costBytes);
    this.#costBytes = this.isGranted ? costBytes : 0;
  }

  /** Accounts for `bytes` of a request that is not whole, in place of the last time's; false when the budget is spent. */
  holdUnfinished(bytes: number): boolean {
    const steps = Math.ceil(Math.max(0, bytes - FREE_UNFINISHED_BYTES) / UNFINISHED_STEP_BYTES);
    const moreBytes = steps * UNFINISHED_STEP_BYTES - this.#unfinishedBytes;
    if (moreBytes > 0 && !this.#budget.tryTake('connections', moreBytes)) return false;
    if (moreBytes < 0) this.#budget.give('connections', -moreBytes);
    this.#unfinishedBytes += moreBytes;
    return true;
  }

  /** Gives back all of it. Called once. */
  giveBack(): void {
    this.#budget.give('connections', this.#costBytes + this.#unfinishedBytes);
  }
}
