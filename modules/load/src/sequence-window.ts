/**
 * Tells new, late and repeated RTP packets of one track apart and counts what is missing. Used by track meters.
 * Rule (hot path): 64 packets of reordering are allowed; a packet that fills a hole takes the loss back.
 * Spec: RFC 3550 appendix A.1, with a window in place of its probation.
 */

/** What a packet is. `restart`: its number is so far off that the sender began anew. */
export const Arrival = { next: 0, late: 1, duplicate: 2, restart: 3 } as const;

const WINDOW_PACKETS = 64;
/** A jump that is longer counts as a new beginning (RFC 3550 A.1: MAX_DROPOUT). */
const MAX_DROPOUT = 3000;

/** The last 64 sequence numbers of a track. */
export class SequenceWindow {
  /** Holes that nothing has filled. May be taken back by a late packet. */
  lost = 0;
  /** The highest number so far with its cycles above: RFC 3550 §6.4.1. -1 before the first packet. */
  highest = -1;
  // Bit i: the packet `highest - i` has come.
  #low = 0;
  #high = 0;

  /** Takes a packet's number, 0..65535; returns an Arrival. */
  take(sequence: number): number {
    if (this.highest < 0) return this.#begin(sequence);
    const ahead = ((sequence - this.highest) << 16) >> 16;
    if (ahead === 1) {
      this.#high = (this.#high << 1) | (this.#low >>> 31);
      this.#low = (this.#low << 1) | 1;
      this.highest++;
      return Arrival.next;
    }
    if (ahead > 1) return this.#jump(sequence, ahead);
    return this.#lookBack(sequence, -ahead);
  }

  /** Has the next packet begin a new sequence, as after a seek. */
  reset(): void {
    this.highest = -1;
  }

  #begin(sequence: number): number {
    this.highest = sequence;
    this.#low = this.#high = -1;
    return Arrival.next;
  }

  #jump(sequence: number, ahead: number): number {
    if (ahead > MAX_DROPOUT) {
      this.#begin(sequence);
      return Arrival.restart;
    }
    this.lost += ahead - 1;
    this.highest += ahead;
    for (let i = Math.min(ahead, WINDOW_PACKETS); i > 0; i--) {
      this.#high = (this.#high << 1) | (this.#low >>> 31);
      this.#low <<= 1;
    }
    this.#low |= 1;
    return Arrival.next;
  }

  #lookBack(sequence: number, behind: number): number {
    if (behind >= WINDOW_PACKETS) {
      if (behind <= MAX_DROPOUT) return Arrival.duplicate;
      this.#begin(sequence);
      return Arrival.restart;
    }
    const bit = 1 << (behind & 31);
    const hasCome = ((behind < 32 ? this.#low : this.#high) & bit) !== 0;
    if (hasCome) return Arrival.duplicate;
    if (behind < 32) this.#low |= bit;
    else this.#high |= bit;
    this.lost--;
    return Arrival.late;
  }
}
