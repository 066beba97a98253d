/**
 * The RTP timestamps of one track: what a unit's place in the file becomes on the wire. What RTP senders begin with, by inheritance:
 * one object for each viewer and track is what a run waits for in memory.
 * Rule: at scale 1 it adds one number; at others it counts from where the rate changed, so that nothing drifts.
 * Spec: RFC 3550 §5.1 (random start, modulo 2^32); RFC 2326 appendix B.
 */
import { randomUint32 } from './random-start';

const US_PER_S = 1_000_000;

/** From file time and stream time to timestamps; see the head of this file. */
export class RtpClock {
  readonly #offset = randomUint32();
  #scale = 1;
  /** Where the rate changed, in file time and in stream time. */
  #originTicks = 0;
  #streamTicks = 0;
  /** File time of the unit before, not modulo 2^32: what tells a unit's own wrap-around from a jump. */
  #lastTicks = 0;
  // Last what every unit looks at, so that it lies beside what the sender has of its own.
  #isScaled = false;
  /** From file time to the wire at scale 1, modulo 2^32, signed: V8 keeps a larger number in an object of its own. */
  #unitOffset = this.#offset | 0;

  constructor(readonly clockRateHz: number) {}

  /** From now on file time runs `scale` times as fast as stream time, and both meet in one instant, in microseconds. */
  retime(mediaUs: number, streamUs: number, scale: number): void {
    this.#scale = scale;
    this.#isScaled = scale !== 1;
    this.#originTicks = this.#ticks(mediaUs);
    this.#streamTicks = this.#ticks(streamUs);
    this.#lastTicks = Math.round(this.#originTicks);
    this.#unitOffset = (Math.round(this.#streamTicks - this.#originTicks) + this.#offset) | 0;
  }

  /** The timestamp of a unit whose plan says `fileTicks`, modulo 2^32. Hot path. */
  timestampOfUnit(fileTicks: number): number {
    if (!this.#isScaled) return (fileTicks + this.#unitOffset) >>> 0;
    this.#lastTicks += (fileTicks - this.#lastTicks) | 0; // the shorter way round, modulo 2^32
    return this.#scaled(this.#lastTicks);
  }

  /** The timestamp of a moment of the movie, in microseconds. */
  timestampOf(mediaUs: number): number {
    const ticks = this.#ticks(mediaUs);
    return this.#isScaled ? this.#scaled(ticks) : this.timestampOfUnit(Math.round(ticks));
  }

  /** The timestamp of a moment of stream time, in microseconds. */
  timestampAt(streamUs: number): number {
    return (Math.round(this.#ticks(streamUs)) + this.#offset) >>> 0;
  }

  #scaled(ticks: number): number {
    const sinceOrigin = (ticks - this.#originTicks) / this.#scale;
    return (Math.round(this.#streamTicks + sinceOrigin) + this.#offset) >>> 0;
  }

  #ticks(us: number): number {
    return (us * this.clockRateHz) / US_PER_S;
  }
}
