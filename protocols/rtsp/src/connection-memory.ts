/**
 * What one connection takes of the memory budget: its cost, requests that have begun and are not whole, and what waits for
 * room to be sent. Made by who takes in a connection, for each one. Rule: what was taken is given back once, whoever ends the connection.
 */
import type { MemoryBudget, MemoryKind } from '@finch/core';

/** What the cost of a connection has room for, each way; more of what comes and goes is accounted for, in steps. */
const FREE_BYTES = 4096;
const STEP_BYTES = 4096;

/** The share of one connection; see the head of this file. */
export class ConnectionMemory {
  /** Whether the budget had room for the connection; if not, nothing was taken for it. */
  readonly isGranted: boolean;
  readonly #budget: MemoryBudget;
  readonly #costBytes: number;
  #unfinishedBytes = 0;
  #queuedBytes = 0;

  /** Takes `costBytes`, see memory-costs.ts. */
  constructor(budget: MemoryBudget, costBytes: number) {
    this.#budget = budget;
    this.isGranted = budget.tryTake('connections', costBytes);
    this.#costBytes = this.isGranted ? costBytes : 0;
  }

  /** Accounts for `bytes` of a request that is not whole, in place of the last time's; false when the budget is spent. */
  holdUnfinished(bytes: number): boolean {
    const wantedBytes = beyondFree(bytes);
    if (!this.#change('connections', this.#unfinishedBytes, wantedBytes)) return false;
    this.#unfinishedBytes = wantedBytes;
    return true;
  }

  /** Accounts for `bytes` that wait to be sent, in place of the last time's; false when the budget is spent. */
  holdQueued(bytes: number): boolean {
    const wantedBytes = beyondFree(bytes);
    if (!this.#change('queues', this.#queuedBytes, wantedBytes)) return false;
    this.#queuedBytes = wantedBytes;
    return true;
  }

  /** Gives back all of it. Called once. */
  giveBack(): void {
    this.#budget.give('connections', this.#costBytes + this.#unfinishedBytes);
    this.#budget.give('queues', this.#queuedBytes);
  }

  #change(kind: MemoryKind, heldBytes: number, wantedBytes: number): boolean {
    const moreBytes = wantedBytes - heldBytes;
    if (moreBytes > 0) return this.#budget.tryTake(kind, moreBytes);
    if (moreBytes < 0) this.#budget.give(kind, -moreBytes);
    return true;
  }
}

function beyondFree(bytes: number): number {
  return Math.ceil(Math.max(0, bytes - FREE_BYTES) / STEP_BYTES) * STEP_BYTES;
}
