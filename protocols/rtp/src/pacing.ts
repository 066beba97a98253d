/**
 * When frames go: by the media clock, a window at a time. Used by RTP sessions. Rule: all sessions of a thread wake on the
 * same grid of instants, so that what is due in one window leaves in one flush; a frame is early by at most the window, the
 * send-ahead and the over-buffer, never late by design.
 *
 * Over-buffering fills the player while the network has room: from the start of playing on, what may go ahead of its time
 * grows by (rate - 1) seconds a second, up to a bound. Spec: Darwin Streaming Server's overbuffer_rate, max_send_ahead_time.
 */

/** How a session paces, in microseconds. */
export interface Pacing {
  /** Length of the window, 250..20000. */
  readonly windowUs: number;
  /** How far ahead of its time a frame is sent, besides the window; 0 or more. */
  readonly aheadUs: number;
  /** How much faster than it is shown a movie is sent until the over-buffer is full: 1 (never) or more. */
  readonly overbufferRate: number;
  /** How far ahead of its time over-buffering sends a frame, 0 or more. */
  readonly overbufferUs: number;
}

/** Frames due before this are sent by a session that runs at `nowUs` and plays since `sinceUs`. Hot path. */
export function horizonUs(pacing: Pacing, nowUs: number, sinceUs: number): number {
  const { windowUs, aheadUs, overbufferRate, overbufferUs } = pacing;
  const windowEndUs = (Math.floor(nowUs / windowUs) + 1) * windowUs;
  return windowEndUs + aheadUs + Math.min((overbufferRate - 1) * (windowEndUs - sinceUs), overbufferUs);
}

/** When a session that plays since `sinceUs` runs to send a frame that is due at `dueUs`. Hot path. */
export function wakeUs(pacing: Pacing, dueUs: number, sinceUs: number): number {
  const { windowUs, aheadUs, overbufferRate, overbufferUs } = pacing;
  const filledUs = dueUs - aheadUs - overbufferUs;
  if (overbufferUs === 0) return Math.floor(filledUs / windowUs) * windowUs;
  // While the over-buffer grows, the horizon moves `overbufferRate` times as fast as time.
  const fillingUs = sinceUs + (dueUs - aheadUs - sinceUs) / overbufferRate;
  return Math.floor(Math.max(filledUs, fillingUs) / windowUs) * windowUs;
}

/** The same pacing, without over-buffering. */
export function withoutOverbuffer(pacing: Pacing): Pacing {
  return { ...pacing, overbufferUs: 0 };
}

/** The same pacing, with nothing ahead of its time but what the window gathers. */
export function withoutAhead(pacing: Pacing): Pacing {
  return { ...withoutOverbuffer(pacing), aheadUs: 0 };
}
