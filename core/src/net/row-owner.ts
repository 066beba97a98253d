/**
 * Who stands behind a row of the packet batch, and what he is told of it. Implemented by connections, destinations and UDP pairs.
 * Rule: he hears of what the kernel did not take, and of nothing else. Thread: the batch's.
 */
import type { RegisteredPlan } from './packet-row';

/** What became of a row that was not taken whole. */
export interface RefusedRow {
  /**
   * -EAGAIN: the row now names what is left of it; keep it and send it again. -EMSGSIZE: it was sent, but ask for no
   * segmentation from now on. Any other -errno: the row is lost.
   */
  readonly code: number;
  /** The owner's to keep. */
  readonly row: Uint32Array;
  /** The plan that the row names, null for raw rows. */
  readonly plan: RegisteredPlan | null;
  /** What is left of a raw row; the owner's to keep. Null for runs. */
  readonly rest: Uint8Array | null;
}

/** Who stands behind a row. */
export interface RowOwner {
  /** Called after a flush, when the batch is empty again: rows may be added. */
  rowRefused(refused: RefusedRow): void;
}
