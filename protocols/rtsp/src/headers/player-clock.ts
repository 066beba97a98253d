/**
 * Which players must have a movie in its time, by what they call themselves. Called by SETUP, for clients that do not say
 * themselves (x-Dynamic-Rate). Rule: who is not known to be harmed is filled ahead of time. Spec: RFC 2326 §12.41 (User-Agent).
 */

/**
 * Deviates: Darwin Streaming Server fills every player over TCP (overbuffer_rate, max_send_ahead_time). GStreamer's rtspsrc, and VLC
 * and all that is made of libVLC (live555), take the arrival of packets for the movie's clock: what comes faster than it is shown,
 * they show faster, and leave out pictures (figures in protocols/rtp/SLOW-NETWORKS.md).
 */
const CLOCKED_BY_ARRIVAL = /^GStreamer\b|\bLIVE555 Streaming Media\b/;

/** Says whether the player of this User-Agent header shows what comes early at once. */
export function isClockedByArrival(userAgent: string | undefined): boolean {
  return userAgent !== undefined && CLOCKED_BY_ARRIVAL.test(userAgent);
}
