/**
 * When frames go: by the media clock, a window at a time. Used by RTP sessions. Rule: all sessions of a thread wake on the
 * same grid of instants, so that what is due in one window leaves in one flush; a frame is early by at most the window, the
 * send-ahead and the over-buffer, never late by design.
 *
 * Over-buffering fills the player while the network has room: what may go ahead of its time is a second at the start of playing,
 * and grows from there by (rate - 1) seconds a second, up to a bound. Who holds so much does not see when a frame comes: what is due
 * for him within a longer window leaves at once, as a rule in one write, which costs little more than a frame's. These windows begin
 * for each session when it began to play, on the common grid, so that a turn has the writes of few. Spec: Darwin Streaming Server's
 * overbuffer_rate, max_send_ahead_time, and the second within which it sends whatever is due.
 */

/** What over-buffering sends at once, unless its bound is lower: players that wait for so much before they show begin at once. */
export const OVERBUFFER_START_US = 1_000_000;

/** Long windows that a player holds at least once he is filled, unless the bound of the over-buffer is lower than a second. */
const MIN_HELD_WINDOWS = 10;

/** How a session paces, in microseconds. */
export interface Pacing {
  /** Length of the window of the grid that all sessions wake on, 250..20000. */
  readonly windowUs: number;
  /** How far ahead of its time a frame is sent, besides the window; 0 or more. */
  readonly aheadUs: number;
  /** How much faster than it is shown a movie is sent until the over-buffer is full: 1 (never) or more. */
  readonly overbufferRate: number;
  /** How far ahead of its time over-buffering sends a frame, 0 or more. */
  readonly overbufferUs: number;
  /** Length of the session's own window: `windowUs`, or several of it where it over-buffers. */
  readonly longWindowUs: number;
}

/** The window of a session that over-buffers, for a way where bursts do no harm: whole windows of `windowUs`. */
export function longWindowOf(windowUs: number, overbufferUs: number): number {
  const mostUs = Math.min(overbufferUs, OVERBUFFER_START_US) / MIN_HELD_WINDOWS;
  return Math.max(Math.floor(mostUs / windowUs), 1) * windowUs;
}

/** Frames due before this are sent by a session that runs at `nowUs` and plays since `sinceUs`. Hot path. */
export function horizonUs(pacing: Pacing, nowUs: number, sinceUs: number): number {
  const { aheadUs, overbufferRate, overbufferUs } = pacing;
  const endUs = windowEndUs(pacing, nowUs, sinceUs);
  const grownUs = OVERBUFFER_START_US + (overbufferRate - 1) * (endUs - sinceUs);
  return endUs + aheadUs + Math.min(grownUs, overbufferUs);
}

/**
 * When a session that plays since `sinceUs` runs to send a frame that is due at `dueUs`, beyond its horizon at `nowUs`. Not in
 * the window that it is in, however the fractions of rates are rounded: it would run for nothing until that is over. Hot path.
 */
export function wakeUs(pacing: Pacing, dueUs: number, sinceUs: number, nowUs: number): number {
  const { aheadUs, overbufferRate, overbufferUs } = pacing;
  const filledUs = dueUs - aheadUs - overbufferUs;
  // While the over-buffer grows, the horizon moves `overbufferRate` times as fast as time.
  const fillingUs = sinceUs + (dueUs - aheadUs - OVERBUFFER_START_US - sinceUs) / overbufferRate;
  const startUs = windowEndUs(pacing, Math.max(filledUs, fillingUs), sinceUs) - pacing.longWindowUs;
  return Math.max(startUs, windowEndUs(pacing, nowUs, sinceUs));
}

/**
 * Since when a session plays, for the two above, that starts at `nowUs` while its player still holds `heldUs` of what comes
 * next: what he holds is part of what over-buffering may send, and not sent on top of it.
 */
export function playsSinceUs({ aheadUs, overbufferRate }: Pacing, nowUs: number, heldUs: number): number {
  const filledUs = heldUs - aheadUs - OVERBUFFER_START_US;
  return overbufferRate > 1 && filledUs > 0 ? nowUs - filledUs / (overbufferRate - 1) : nowUs;
}

/** The same pacing, without over-buffering. */
export function withoutOverbuffer(pacing: Pacing): Pacing {
  return { ...pacing, overbufferUs: 0, longWindowUs: pacing.windowUs };
}

/** The same pacing, for a way that carries `rate` times the movie's own rate: over-buffering is as fast as that, or left out. */
export function withinRate(pacing: Pacing, rate: number): Pacing {
  if (rate >= pacing.overbufferRate) return pacing;
  return rate > 1 ? { ...pacing, overbufferRate: rate } : withoutOverbuffer(pacing);
}

/** The same pacing, with nothing ahead of its time but what the window gathers. */
export function withoutAhead(pacing: Pacing): Pacing {
  return { ...withoutOverbuffer(pacing), aheadUs: 0 };
}

/** When the window ends that a moment lies in. */
function windowEndUs({ windowUs, longWindowUs }: Pacing, atUs: number, sinceUs: number): number {
  const firstUs = Math.floor(sinceUs / windowUs) * windowUs;
  return firstUs + (Math.floor((atUs - firstUs) / longWindowUs) + 1) * longWindowUs;
}
