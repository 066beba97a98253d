/**
 * Rows that a socket had no room for, in order, until it has. Used by TCP connections and UDP pairs.
 * Rule: a waiting row holds its plan, so that the plan outlives it. Thread: its socket's.
 */
import type { PacketBatch, RefusedRow, RowOwner } from './packet-batch';
import type { RegisteredPlan } from './packet-row';

interface Waiting {
  readonly row: Uint32Array;
  readonly plan: RegisteredPlan | null;
  readonly rest: Uint8Array | null;
  readonly owner: RowOwner;
}

/** A queue of refused rows; its socket decides how many it may hold. */
export class RowBacklog {
  #waiting: Waiting[] = [];

  get length(): number {
    return this.#waiting.length;
  }

  /** Puts a row at the end. */
  add({ row, plan, rest }: Omit<RefusedRow, 'code'>, owner: RowOwner): void {
    if (plan !== null) plan.holders++;
    this.#waiting.push({ row, plan, rest, owner });
  }

  /** Hands all rows to the batch again, in order; those that are refused once more come back by way of their owners. */
  sendAgain(batch: PacketBatch): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { row, plan, rest, owner } of waiting) {
      batch.makeRoom(rest?.length);
      batch.addAgain(row, plan, rest, owner);
      if (plan !== null) plan.holders--;
    }
  }

  /** Drops all rows. */
  clear(): void {
    for (const { plan } of this.#waiting) if (plan !== null) plan.holders--;
    this.#waiting = [];
  }
}
