/**
 * What a track has sent lately, so that a packet is found again by its sequence number. Kept by RTP senders whose way loses
 * packets. Rule (hot path): nothing is kept of a packet; a stretch of a plan that went with consecutive numbers is one entry,
 * so that a viewer who plays along costs one entry every two seconds.
 */
import type { PlannedSegment } from './plan-cache';

/** Stretches remembered; thinning makes them short. */
const MAX_RUNS = 32;
const WORDS = 3;

/** The recent past of one track; see the head of this file. */
export class SentRuns {
  /** What find() has found: the packet, and the plan that it lies in. */
  planned: PlannedSegment | null = null;
  packet = 0;
  readonly #plans: (PlannedSegment | null)[] = new Array<PlannedSegment | null>(MAX_RUNS).fill(null);
  /** First packet, its sequence number, packets. */
  readonly #words = new Uint32Array(MAX_RUNS * WORDS);
  #newest = 0;

  /** Notes packets that were sent. Hot path. */
  add(planned: PlannedSegment, firstPacket: number, sequence: number, packets: number): void {
    const words = this.#words;
    let at = this.#newest * WORDS;
    const count = words[at + 2]!;
    const follows =
      this.#plans[this.#newest] === planned &&
      words[at]! + count === firstPacket &&
      ((words[at + 1]! + count) & 0xffff) === sequence;
    if (follows) {
      words[at + 2] = count + packets;
      return;
    }
    this.#newest = (this.#newest + 1) % MAX_RUNS;
    at = this.#newest * WORDS;
    this.#plans[this.#newest] = planned;
    words[at] = firstPacket;
    words[at + 1] = sequence;
    words[at + 2] = packets;
  }

  /** Finds the packet that went last with a sequence number; false when it is forgotten, or its plan is. */
  find(sequence: number): boolean {
    for (let age = 0; age < MAX_RUNS; age++) {
      const run = (this.#newest - age + MAX_RUNS) % MAX_RUNS;
      const planned = this.#plans[run]!;
      const at = run * WORDS;
      const after = (sequence - this.#words[at + 1]!) & 0xffff;
      if (planned === null || after >= this.#words[at + 2]!) continue;
      this.planned = planned;
      this.packet = this.#words[at]! + after;
      return !planned.registered.retired;
    }
    return false;
  }

  /** Forgets everything: what comes has other timestamps. */
  clear(): void {
    this.#plans.fill(null);
    this.#words.fill(0);
    this.planned = null;
  }
}
