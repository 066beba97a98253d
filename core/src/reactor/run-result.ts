/**
 * What `Task.run()` returns: a number that says when the task wants to run again.
 * Used by every task and by the task thread. Rule: the three meanings are told apart by sign alone.
 *
 *   < 0   delete the task
 *     0   park until it is signalled
 *   > 0   run again after that many milliseconds (fractions count), or earlier when it is signalled
 */

/** Deletes the task. Only its thread does so, after the run has returned. */
export const DELETE = -1;

/** Parks the task until somebody signals it. */
export const PARK = 0;

/** Runs the task again at its thread's next turn, a microsecond from now: the smallest time a thread tells apart. */
export const AGAIN = 0.001;

/**
 * Runs the task again `delayMs` milliseconds after this run began, or when it is signalled.
 * A delay that is over already (0 or negative) gives AGAIN, so that a schedule that has fallen behind neither parks nor
 * deletes its task. Infinity parks. RangeError when `delayMs` is NaN.
 */
export function after(delayMs: number): number {
  if (delayMs >= AGAIN) return delayMs === Infinity ? PARK : delayMs;
  if (Number.isNaN(delayMs)) throw new RangeError('delayMs must be a number of milliseconds: NaN');
  return AGAIN;
}
