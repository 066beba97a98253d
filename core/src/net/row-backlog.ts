/**
 * Rows that a socket had no room for, in order, until it has. Used by TCP connections and UDP pairs.
 * Rule: a waiting row holds its plan, so that the plan outlives it. Thread: its socket's.
 */
import type { PacketBatch } from './packet-batch';
import type { RegisteredPlan } from './packet-row';
import type { RefusedRow, RowOwner } from './row-owner';

/** What a row costs while it waits, in bytes, without bytes of its own: two small objects and a typed array. */
const ROW_COST_BYTES = 256;

interface Waiting {
  readonly row: Uint32Array;
  readonly plan: RegisteredPlan | null;
  readonly rest: Uint8Array | null;
  readonly owner: RowOwner;
}

/** A queue of refused rows; its socket decides how many it may hold. */
export class RowBacklog {
  #waiting: Waiting[] = [];
  #sizeBytes = 0;

  /** Memory that the rows take. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Puts a row at the end. */
  add({ row, plan, rest }: Omit<RefusedRow, 'code'>, owner: RowOwner): void {
    if (plan !== null) plan.holders++;
    this.#push({ row, plan, rest, owner });
  }

  /**
   * Hands rows to the batch again, in order; those that are refused once more come back by way of their owners, and
   * then the rows behind them stay, too.
   */
  sendAgain(batch: PacketBatch): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#sizeBytes = 0;
    for (const entry of waiting) {
      const { row, plan, rest, owner } = entry;
      batch.makeRoom(rest?.length);
      // Making room may have flushed, and what was refused then must not be overtaken.
      if (this.#waiting.length > 0) {
        this.#push(entry);
        continue;
      }
      batch.addAgain(row, plan, rest, owner);
      if (plan !== null) plan.holders--;
    }
  }

  /** Drops all rows. */
  clear(): void {
    for (const { plan } of this.#waiting) if (plan !== null) plan.holders--;
    this.#waiting = [];
    this.#sizeBytes = 0;
  }

  #push(entry: Waiting): void {
    this.#waiting.push(entry);
    this.#sizeBytes += ROW_COST_BYTES + (entry.rest?.length ?? 0);
  }
}
