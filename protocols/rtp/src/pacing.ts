/**
 * When frames go: by the media clock, a window at a time. Used by RTP sessions. Rule: all sessions of a thread wake on the
 * same grid of instants, so that what is due in one window leaves in one flush; a frame is early by at most the window (and
 * the send-ahead), never late by design.
 */

/** How a session paces, in microseconds. */
export interface Pacing {
  /** Length of the window, 250..20000. */
  readonly windowUs: number;
  /** How far ahead of its time a frame is sent, besides the window; 0 or more. */
  readonly aheadUs: number;
}

/** Frames due before this are sent by a session that runs at `nowUs`. */
export function horizonUs({ windowUs, aheadUs }: Pacing, nowUs: number): number {
  return (Math.floor(nowUs / windowUs) + 1) * windowUs + aheadUs;
}

/** When a session runs to send a frame that is due at `dueUs`. */
export function wakeUs({ windowUs, aheadUs }: Pacing, dueUs: number): number {
  return Math.floor((dueUs - aheadUs) / windowUs) * windowUs;
}
