/**
 * How many requests, and how much that has no answer (interleaved frames, responses, bytes on the GET half of a tunnel), a connection
 * may send. Asked by the connection for each one. Rule: who stays within the rate never notices; a burst of some seconds' worth passes,
 * since players ask for much at once when they begin. Token bucket.
 */

/** Seconds' worth of requests that may come at once. */
const BURST_S = 5;
const US_PER_S = 1_000_000;
const MS_PER_S = 1000;

/** The requests of one connection; see the head of this file. */
export class RequestRate {
  readonly #perSecond: number;
  #tokens: number;
  #countedUs: number;

  /** `perSecond` is above 0; `nowUs` is the thread's clock. */
  constructor(perSecond: number, nowUs: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond * BURST_S;
    this.#countedUs = nowUs;
  }

  /** Counts a request, or what has no answer; false when there have been too many. */
  take(nowUs: number): boolean {
    this.#refill(nowUs);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** In how many milliseconds nothing is left of what was counted: a connection that rests so long is like a new one. */
  restMs(nowUs: number): number {
    this.#refill(nowUs);
    return ((this.#perSecond * BURST_S - this.#tokens) / this.#perSecond) * MS_PER_S;
  }

  #refill(nowUs: number): void {
    const gained = ((nowUs - this.#countedUs) / US_PER_S) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond * BURST_S, this.#tokens + gained);
    this.#countedUs = nowUs;
  }
}
