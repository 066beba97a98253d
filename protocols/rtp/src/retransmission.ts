/**
 * The retransmission stream of one track: its SSRC, its sequence numbers, and how much it may send. Made by the RTP sender
 * with the first NACK. Rule: a viewer who asks without end gets a share of his track's rate, not more.
 * Spec: RFC 4588 §4 (SSRC multiplexing), §7 (congestion control).
 */
import { randomUint16, randomUint32 } from './random-start';

/** A packet is sent again for so long after it was sent first; what SDP says as rtx-time (RFC 4588 §8.1). */
export const RETRANSMISSION_TIME_US = 2_000_000;
/** Share of the track's bit rate that goes into retransmission. */
export const RETRANSMISSION_SHARE = 0.25;
/** What may be sent again at least, in bytes a second: tracks with no known bit rate, or a small one. */
export const MIN_RETRANSMISSION_BYTES_PER_S = 16_000;
/** What may be sent again at once, in seconds of the track at that share: a burst of losses. */
const BURST_S = 4;
const US_PER_S = 1_000_000;

/** The retransmission stream of one track; see the head of this file. */
export class Retransmission {
  readonly ssrc = randomUint32();
  /** Packets and payload octets so far. */
  packets = 0;
  octets = 0;
  #sequence = randomUint16();
  readonly #bytesPerS: number;
  #budgetBytes: number;
  #filledUs: number;

  /** `payloadType` is what SDP offers for it; `nowUs` is of any steady clock. */
  constructor(
    readonly payloadType: number,
    bitRateBps: number,
    nowUs: number,
  ) {
    this.#bytesPerS = Math.max((bitRateBps / 8) * RETRANSMISSION_SHARE, MIN_RETRANSMISSION_BYTES_PER_S);
    this.#budgetBytes = this.#bytesPerS * BURST_S;
    this.#filledUs = nowUs;
  }

  /** Takes the bytes of one packet out of what may be sent; false when there is not enough left. */
  spends(bytes: number, nowUs: number): boolean {
    const sinceUs = Math.max(nowUs - this.#filledUs, 0);
    const full = this.#bytesPerS * BURST_S;
    this.#budgetBytes = Math.min(this.#budgetBytes + (sinceUs * this.#bytesPerS) / US_PER_S, full);
    this.#filledUs = nowUs;
    if (bytes > this.#budgetBytes) return false;
    this.#budgetBytes -= bytes;
    this.packets++;
    this.octets += bytes;
    return true;
  }

  /** The sequence number of the next packet of the stream. */
  nextSequence(): number {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) & 0xffff;
    return sequence;
  }
}
