/**
 * A cursor in a table of runs, (sample_count, value) in 32 bits each: stts and ctts. Used by sample-tables.
 * Rule: a step costs at most the empty runs it passes, so the whole walk is bounded by the box.
 */

import type { TableRows } from './box-reader';

/** What comes after the last run: the last value for ever, or 0. */
export type AfterLastRun = 'repeat-last' | 'zero';

const ROW_BYTES = 8;

/** Reads a run-length table entry by entry; see the head of this file. */
export class RunLengthCursor {
  readonly count: number;
  readonly #view: DataView;
  readonly #position: number;
  readonly #after: AfterLastRun;
  #row = 0;
  #left = 0;
  #value = 0;

  constructor(view: DataView, rows: TableRows, after: AfterLastRun) {
    this.count = rows.count;
    this.#view = view;
    this.#position = rows.position;
    this.#after = after;
  }

  /** The value of the next sample. Signed: writers store small negative numbers in unsigned fields. */
  next(): number {
    while (this.#left === 0) {
      if (this.#row === this.count) return this.#after === 'zero' ? 0 : this.#value;
      const at = this.#position + this.#row++ * ROW_BYTES;
      this.#left = this.#view.getUint32(at);
      this.#value = this.#view.getInt32(at + 4);
    }
    this.#left--;
    return this.#value;
  }
}
