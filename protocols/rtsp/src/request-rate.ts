/**
 * How many requests, and how much that has no answer (interleaved frames, responses, bytes on the GET half of a tunnel), a connection
 * may send. Asked by the connection for each one. Rule: who stays within the rate never notices; a burst of some seconds' worth passes,
 * since players ask for much at once when they begin. What is too much is refused at once, never later: nothing waits for its turn, so
 * no answer is late. Refusals are bounded, too: who is refused again and again is somebody who does not listen. Leaky buckets.
 */

/** Seconds' worth of requests that may come at once. */
const BURST_S = 5;
/** Refusals of a connection at once: some 30 ms of its thread, which it shares with the others as ever. */
export const MAX_REFUSALS = 1000;
/** Refusals a second in the long run: half of the requests that are served by default. */
const REFUSALS_PER_SECOND = 100;
const US_PER_S = 1_000_000;

/** What becomes of something that came: it is served, or refused, or refused as the last one of its connection. */
export type RateVerdict = 'served' | 'refused' | 'ended';

/** The requests of one connection; see the head of this file. */
export class RequestRate {
  readonly #served: LeakyBucket;
  /** Most are never refused anything. */
  #refused: LeakyBucket | undefined;

  /** `perSecond` is above 0; `nowUs` is the thread's clock; `levels` are those of the connection on the thread it comes from. */
  constructor(perSecond: number, nowUs: number, [served = 0, refused = 0]: readonly number[] = []) {
    this.#served = new LeakyBucket(perSecond, perSecond * BURST_S, nowUs, served);
    if (refused > 0) this.#refused = refusals(nowUs, refused);
  }

  /** Counts a request, or what has no answer. */
  take(nowUs: number): RateVerdict {
    if (this.#served.add(nowUs)) return 'served';
    this.#refused ??= refusals(nowUs, 0);
    return this.#refused.add(nowUs) ? 'refused' : 'ended';
  }

  /** What is counted now: the connection takes it along where it goes. */
  get levels(): readonly number[] {
    return [this.#served.level, this.#refused?.level ?? 0];
  }
}

function refusals(nowUs: number, level: number): LeakyBucket {
  return new LeakyBucket(REFUSALS_PER_SECOND, MAX_REFUSALS, nowUs, level);
}

/** Takes one at a time while there is room; what is in it leaks at a steady rate. */
class LeakyBucket {
  readonly #leakPerSecond: number;
  readonly #size: number;
  #countedUs: number;

  constructor(
    leakPerSecond: number,
    size: number,
    nowUs: number,
    public level: number,
  ) {
    this.#leakPerSecond = leakPerSecond;
    this.#size = size;
    this.#countedUs = nowUs;
  }

  add(nowUs: number): boolean {
    const leaked = ((nowUs - this.#countedUs) / US_PER_S) * this.#leakPerSecond;
    this.level = Math.max(0, this.level - leaked);
    this.#countedUs = nowUs;
    if (this.level + 1 > this.#size) return false;
    this.level++;
    return true;
  }
}
