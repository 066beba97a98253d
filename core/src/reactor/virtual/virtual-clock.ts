/**
 * Time that stands still until a test moves it. Used by VirtualMachine and by tests of tasks and modules.
 * Rule: as monotonic as the real one.
 */
import type { Clock } from '../clock';

/** Where virtual time begins, in microseconds; above 0, because 0 means never in the statistics. */
export const VIRTUAL_START_US = 1_000_000;

/** A clock that is moved by hand. */
export class VirtualClock implements Clock {
  #nowUs = VIRTUAL_START_US;

  /** Microseconds, a whole number. */
  nowUs(): number {
    return this.#nowUs;
  }

  /** Moves the time on; a task may do so to seem slow. RangeError unless `byUs` is a whole number of 0 or more. */
  advanceUs(byUs: number): void {
    if (!Number.isSafeInteger(byUs) || byUs < 0)
      throw new RangeError(`byUs must be a whole number of microseconds, 0 or more: ${byUs}`);
    this.#nowUs += byUs;
  }
}
