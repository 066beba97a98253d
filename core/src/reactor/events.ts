/**
 * The event bits a task is signalled with, and the readiness bits an event context is armed with.
 * Used by everything that signals or runs a task. Rule: a bit says that something happened, never how often; bits that
 * were raised twice before a run arrive once.
 * Spec: Darwin Streaming Server's Task.h, with write readiness as a bit of its own.
 */

/** The bits of `Task.signal()` and of `run(events)`. Bits 7..29 (0x80..0x20000000) are free for a module's own use. */
export const TaskEvent = {
  /** Clean up and return DELETE as soon as nobody holds the task any more. */
  kill: 0x01,
  /** The time that the last run asked for is over, or an idle timer fired. */
  idle: 0x02,
  /** Begin or resume the work. */
  start: 0x04,
  /** A TimeoutTask of this task expired: nothing has refreshed it in time. */
  timeout: 0x08,
  /** The armed context is readable, or its peer has closed. */
  read: 0x10,
  /** The armed context is writable. */
  write: 0x20,
  /** Something that the task depends on has changed. */
  update: 0x40,
} as const;

/** `arm()` asks for one `TaskEvent.read`. */
export const kReadable = 1;
/** `arm()` asks for one `TaskEvent.write`. */
export const kWritable = 2;

/** What can be asked for readiness once: an event context, or a stand-in of a test. */
export interface Armable {
  /**
   * Asks for one signal when the descriptor is ready for something in `mask` (kReadable, kWritable or both), at once
   * when it is ready already.
   */
  arm(mask: number): void;
  /** Hears which of the events that were asked for have come, if it keeps account of them. */
  delivered?(events: number): void;
}
