/**
 * Judges what a viewer of the load test received: losses by sequence numbers and the sender's own count, lateness against the
 * schedule that the RTP timestamps give. Used by load-viewers, in the load's process.
 * Rule: a packet is late by what the server and the network are to blame for; while the load's own process stood still, it may
 * have been there all the time. Media without B-frames only: there, decode order is the order of timestamps.
 * Spec: RFC 3550 §5.1, §6.4.1; RFC 2326 §12.33.
 */

/** Notes the packets of one track as they arrive. */
export class LoadTrack {
  /** Of the packet that PLAY announced, in RTP-Info; the timestamp belongs to the start of the range. */
  firstSequence = 0;
  firstTimestamp = 0;
  /** What the sender says it has sent, in the report that comes with BYE; undefined until then. */
  sentPackets: number | undefined;
  readonly #sequences: number[] = [];
  readonly #timestamps: number[] = [];
  readonly #seenMs: number[] = [];
  readonly #earliestMs: number[] = [];

  constructor(readonly clockRateHz: number) {}

  get receivedPackets(): number {
    return this.#sequences.length;
  }

  /** Notes an RTP packet that was seen at `seenMs` and may have been there since `earliestMs`. */
  rtpArrived(bytes: Buffer, seenMs: number, earliestMs: number): void {
    this.#sequences.push(bytes.readUInt16BE(2));
    this.#timestamps.push(bytes.readUInt32BE(4));
    this.#seenMs.push(seenMs);
    this.#earliestMs.push(earliestMs);
  }

  /** Reads an RTCP compound; the last report before BYE counts. Returns whether there was a BYE. */
  rtcpArrived(bytes: Buffer): boolean {
    let hasBye = false;
    let packetCount = 0;
    for (let at = 0; at + 4 <= bytes.length; at += 4 * (bytes.readUInt16BE(at + 2) + 1)) {
      if (bytes[at + 1] === SENDER_REPORT) packetCount = bytes.readUInt32BE(at + 20);
      if (bytes[at + 1] === GOODBYE) hasBye = true;
    }
    if (hasBye) this.sentPackets = packetCount;
    return hasBye;
  }

  /** Packets of the sender's count that never came, and those that did not follow the one before. */
  losses(): { lost: number; outOfOrder: number } {
    const sequences = this.#sequences;
    let outOfOrder = sequences.length > 0 && sequences[0] !== this.firstSequence ? 1 : 0;
    for (let i = 1; i < sequences.length; i++)
      if (((sequences[i - 1]! + 1) & 0xffff) !== sequences[i]) outOfOrder++;
    const distinct = new Set(sequences).size; // a test has fewer than 2^16 packets
    return { lost: (this.sentPackets ?? Number.NaN) - distinct, outOfOrder };
  }

  /** When each packet came, less its time in the movie: as it was seen, and at the earliest. */
  transitsMs(): { seen: number[]; earliest: number[] } {
    const mediaMs = this.#timestamps.map(
      (timestamp) => (((timestamp - this.firstTimestamp) | 0) * 1000) / this.clockRateHz,
    );
    return {
      seen: this.#seenMs.map((ms, i) => ms - mediaMs[i]!),
      earliest: this.#earliestMs.map((ms, i) => ms - mediaMs[i]!),
    };
  }
}

const SENDER_REPORT = 200;
const GOODBYE = 203;

/** How late the packets of a viewer were. */
export interface Lateness {
  /** What is beyond doubt, for each packet. */
  readonly provenMs: number[];
  /** As they were seen, with what the load's own process added. */
  readonly seenMs: number[];
}

/**
 * Measures a viewer's packets against his schedule, which begins when PLAY was answered, or so early that no packet came
 * before its time: whichever is earlier.
 */
export function measureLateness(tracks: readonly LoadTrack[], playAnsweredMs: number): Lateness {
  const transits = tracks.map((track) => track.transitsMs());
  const startMs = transits.reduce(
    (first, { seen }) => seen.reduce((a, b) => Math.min(a, b), first),
    playAnsweredMs,
  );
  const late = (times: number[]) => times.map((ms) => ms - startMs);
  return {
    provenMs: transits.flatMap(({ earliest }) => late(earliest)),
    seenMs: transits.flatMap(({ seen }) => late(seen)),
  };
}
