/**
 * How much a connection does in one run of its task. Kept by the connection. Rule: what would go beyond it is done in the next run,
 * behind all who wait for their turn, so that who sends without end costs the others no more than anybody.
 */
import { type CoroutineBody, sleep } from '@finch/core';

/** What may be done in one run, in requests answered: some half a millisecond. */
export const MAX_EFFORT_PER_RUN = 16;
/** A read, with the parsing of what it brings, in requests answered. */
export const READ_EFFORT = 4;
/** To answer one request. */
export const REQUEST_EFFORT = 1;

/** The effort of one task; see the head of this file. */
export class RunEffort {
  #spent = 0;

  /** A run begins. */
  begin(): void {
    this.#spent = 0;
  }

  /** Counts `effort` if it fits into this run; if not, it is for exertLater(). */
  exert(effort: number): boolean {
    if (this.#spent + effort > MAX_EFFORT_PER_RUN) return false;
    this.#spent += effort;
    return true;
  }

  /** Waits for the next run and counts `effort` there. Called in the body of the task. */
  *exertLater(effort: number): CoroutineBody {
    yield* sleep(0);
    this.#spent += effort;
  }
}
