/**
 * How far ahead of the movie's time a player can be filled, by what it calls itself. Called by SETUP, for clients that do not say
 * themselves (x-Dynamic-Rate). Rule: who is not known to be harmed gets what over-buffering has.
 */

/**
 * Deviates: Darwin Streaming Server fills every player over TCP (overbuffer_rate, max_send_ahead_time). These take the arrival of
 * packets for the movie's clock: what comes faster than it is shown, they show faster, and leave out pictures (figures in
 * protocols/rtp/SLOW-NETWORKS.md).
 */
const CLOCKED_BY_ARRIVAL: readonly { readonly agent: RegExp; readonly mostUs: number }[] = [
  // rtspsrc: its jitter buffer slews towards the packets that come earliest
  { agent: /^GStreamer\b/, mostUs: 0 },
  // VLC, and what is made of libVLC: its clock starts when it holds a second (--network-caching). That may come at once, but
  // for a margin, so that it is the movie's time that ends the wait
  { agent: /\bLIVE555 Streaming Media\b/, mostUs: 800_000 },
];

/** Tells how far ahead of its time a movie may be sent to the player of this User-Agent header, in microseconds; Infinity: as far as the server likes. */
export function mostAheadUsOf(userAgent: string | undefined): number {
  if (userAgent === undefined) return Infinity;
  return CLOCKED_BY_ARRIVAL.find(({ agent }) => agent.test(userAgent))?.mostUs ?? Infinity;
}
