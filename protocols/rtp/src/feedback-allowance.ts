/**
 * How much of what one viewer sends about a track is listened to: reports, and packets asked for again, a second. Asked by RTP
 * senders before they do any work for it. Rule: who sends without end costs a comparison for each datagram, and nobody else
 * waits; players stay far below (RFC 3550 §6.2: a report every five seconds; RFC 4585 §3.5: a share of the bandwidth).
 */

/** Compounds of a second that are read. */
export const MAX_REPORTS_PER_S = 50;
/** Packets of a second that are looked for again; a track of 80 Mbit/s that loses a quarter asks for no more. */
export const MAX_NACKS_PER_S = 2000;
const US_PER_S = 1_000_000;

/** The allowance of one viewer and track; see the head of this file. */
export class FeedbackAllowance {
  #sinceUs = -Infinity;
  #reports = 0;
  #nacks = 0;

  /** Whether a report that arrived at `nowUs`, of any steady clock, is read. */
  takesReport(nowUs: number): boolean {
    if (nowUs - this.#sinceUs >= US_PER_S) {
      this.#sinceUs = nowUs;
      this.#reports = 0;
      this.#nacks = 0;
    }
    return ++this.#reports <= MAX_REPORTS_PER_S;
  }

  /** Whether a packet that the report asks for again is looked for. */
  takesNack(): boolean {
    return ++this.#nacks <= MAX_NACKS_PER_S;
  }
}
