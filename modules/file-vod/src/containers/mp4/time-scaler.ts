/**
 * Turns media times into times of the presentation, without drift: every result is rounded once, from exact integers.
 * Made per edit and clock by timeline. Rule: products stay below 2^53, because the division comes first.
 */

/** A place on the timeline in whole ticks and the rest, 0..1 of a tick. */
export class TimeScaler {
  readonly #timescale: number;
  readonly #clockHz: number;
  readonly #mediaStart: number;
  readonly #startTicks: number;
  readonly #startRest: number;

  /**
   * `mediaStart` (in `timescale`) lies at `start` (in `startTimescale`) on the timeline.
   * `timescale` and `startTimescale`: 1..2^32-1; `clockHz`: 1..2^20; |start / startTimescale|: up to 2^32 seconds.
   */
  constructor(timescale: number, clockHz: number, mediaStart: number, start: bigint, startTimescale: number) {
    this.#timescale = timescale;
    this.#clockHz = clockHz;
    this.#mediaStart = mediaStart;
    const product = start * BigInt(clockHz);
    const divisor = BigInt(startTimescale);
    this.#startTicks = Number(product / divisor);
    this.#startRest = Number(product % divisor) / startTimescale;
  }

  /** Ticks of the clock at which media time `time` is due. */
  at(time: number): number {
    const media = time - this.#mediaStart;
    const seconds = Math.floor(media / this.#timescale);
    const scaled = (media - seconds * this.#timescale) * this.#clockHz;
    const ticks = Math.floor(scaled / this.#timescale);
    const rest = (scaled - ticks * this.#timescale) / this.#timescale;
    return this.#startTicks + seconds * this.#clockHz + ticks + Math.floor(this.#startRest + rest + 0.5);
  }
}
