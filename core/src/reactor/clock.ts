/**
 * Where the reactor's time comes from. The addon's clock in production, a virtual one in tests.
 * Rule: it never goes backwards and is the same in every thread of the process, so that deadlines may cross threads.
 */

/** A monotonic clock. */
export interface Clock {
  /** Microseconds since a fixed moment in the past; a whole number above 0. */
  nowUs(): number;
}
