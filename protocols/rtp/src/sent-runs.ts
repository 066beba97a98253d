/**
 * What a track has sent lately, so that a packet is found again by its sequence number. Kept by RTP senders whose way loses
 * packets. Rule: nothing is kept of a packet; packets of a plan that went one after the other with consecutive numbers are one
 * stretch, told here when it begins, so that a viewer who plays along costs one entry every two seconds.
 */
import type { PlannedSegment } from './cached-segment';

/** Stretches remembered; thinning makes them short. */
const MAX_STRETCHES = 32;

interface Stretch {
  readonly planned: PlannedSegment;
  readonly firstPacket: number;
  /** Of the first packet. */
  readonly sequence: number;
}

/** The recent past of one track; see the head of this file. */
export class SentRuns {
  /** What find() has found: the packet, and the plan that it lies in. */
  planned: PlannedSegment | null = null;
  packet = 0;
  /** The oldest first; the last one is going on. */
  #stretches: Stretch[] = [];

  /** Notes that packets are sent that do not follow the one before: from `firstPacket` of a plan on, with `sequence` on. */
  begin(planned: PlannedSegment, firstPacket: number, sequence: number): void {
    const stretches = this.#stretches;
    // Nobody can ask for packets of a plan that was given up: it is let go here, too.
    while (
      stretches.length > 0 &&
      (stretches.length >= MAX_STRETCHES || stretches[0]!.planned.registered.retired)
    )
      stretches.shift();
    stretches.push({ planned, firstPacket, sequence });
  }

  /** Finds the packet that went last with a sequence number, before `nextSequence`; false when it is forgotten, or its plan is. */
  find(sequence: number, nextSequence: number): boolean {
    let endSequence = nextSequence;
    for (let i = this.#stretches.length - 1; i >= 0; i--) {
      const stretch = this.#stretches[i]!;
      const after = (sequence - stretch.sequence) & 0xffff;
      if (after < ((endSequence - stretch.sequence) & 0xffff)) {
        this.planned = stretch.planned;
        this.packet = stretch.firstPacket + after;
        return !stretch.planned.registered.retired;
      }
      endSequence = stretch.sequence;
    }
    return false;
  }

  /** Forgets everything: what comes has other timestamps. */
  clear(): void {
    this.#stretches = [];
    this.planned = null;
  }
}
