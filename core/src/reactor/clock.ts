/**
 * Where the reactor's time comes from. The clock of the machine in production (native-port.ts), a virtual one in tests.
 * Rule: it never goes backwards and is the same in every thread of the process but for microseconds, so that deadlines may cross threads.
 */

/** A monotonic clock. */
export interface Clock {
  /** Microseconds since a fixed moment in the past; a whole number above 0. */
  nowUs(): number;
}
