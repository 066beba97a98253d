/**
 * The ranges that a session plays one behind the other, and the one that waits for its time. Used by the session's player.
 * Rules: a PLAY with a place to start from waits for the end that the one before was given; a PLAY with a time waits for that
 * alone, one at a time, and then is what is played; everything else is for now.
 * Spec: RFC 2326 §10.5, §10.6, §12.29.
 *
 * Deviates: behind a PLAY that runs to the end of the movie none waits, it seeks. Players that don't send PAUSE before they
 * seek (live555's clients, among others) mean that, and RFC 7826 §13.4 made it the rule.
 */
import { RtspError } from './errors';
import type { EffectiveTime } from './movie-range';

/** Ranges that wait for their turn. */
export const MAX_WAITING_RANGES = 64;
/** An end this near to the movie's is the movie's: clients send what the description says, rounded in their way. */
const END_TOLERANCE_US = 100_000;

/** A range in microseconds of the movie, and how it is played. */
export interface PlayRange {
  /** Where playing stands when it is left out. */
  readonly fromUs?: number | undefined;
  /** The end of the movie, or backward its start, when it is left out. */
  readonly untilUs?: number | undefined;
  /** As the client wants them; 1 when left out. */
  readonly scale?: number | undefined;
  readonly speed?: number | undefined;
}

/** A range that is played at a time, whatever is played then. */
export interface TimedRange extends PlayRange {
  readonly time: EffectiveTime;
}

/** What is played and what waits; see the head of this file. */
export class PlayQueue {
  readonly #durationUs: number;
  readonly #waiting: PlayRange[] = [];
  #active: PlayRange | undefined;
  #timed: TimedRange | undefined;

  constructor(durationUs: number) {
    this.#durationUs = durationUs;
  }

  /** Notes what is played from now on. */
  started(range: PlayRange): void {
    this.#active = range;
  }

  /** Notes that what was played is over. */
  finished(): void {
    this.#active = undefined;
  }

  /** The range that waits for its time. */
  get timed(): TimedRange | undefined {
    return this.#timed;
  }

  /** Whether something waits, for its turn or its time. */
  get hasMore(): boolean {
    return this.#waiting.length > 0 || this.#timed !== undefined;
  }

  /** Whether a range that comes now has to wait: the one before it has an end of its own. False where that goes backward. */
  get isBounded(): boolean {
    const before = this.#waiting.at(-1) ?? this.#active ?? {};
    const { fromUs = 0, untilUs } = before;
    return untilUs !== undefined && untilUs >= fromUs && untilUs < this.#durationUs - END_TOLERANCE_US;
  }

  /** Has a range wait for its turn, in place of one that waits for its time. 455 when too many do. */
  add(range: PlayRange): void {
    if (this.#waiting.length >= MAX_WAITING_RANGES)
      throw new RtspError(
        'methodNotValidInState',
        `PLAY: ${MAX_WAITING_RANGES} requests wait already, expected PAUSE or patience`,
      );
    this.#waiting.push(range);
    this.#timed = undefined;
  }

  /** Has a range wait for its time, in place of another that does. */
  addTimed(range: TimedRange): void {
    this.#timed = range;
  }

  /** Takes the range whose turn it is. */
  next(): PlayRange | undefined {
    return this.#waiting.shift();
  }

  /** Takes the range that waits for its time. */
  takeTimed(): TimedRange | undefined {
    const timed = this.#timed;
    this.#timed = undefined;
    return timed;
  }

  /** Forgets all, as PAUSE asks. */
  clear(): void {
    this.#waiting.length = 0;
    this.#active = undefined;
    this.#timed = undefined;
  }

  /**
   * Has playing stop at a point, and drops what lies behind it. Says where the point lies: in the range that is `active`, in
   * one that `waits`, or `outside` of all (then nothing changes).
   */
  stopAt(pointUs: number): 'active' | 'waits' | 'outside' {
    if (this.#active !== undefined && this.#holds(this.#active, pointUs)) {
      this.#waiting.length = 0;
      this.#timed = undefined;
      this.#active = { ...this.#active, untilUs: pointUs };
      return 'active';
    }
    const at = this.#waiting.findIndex((range) => this.#holds(range, pointUs));
    if (at >= 0) {
      this.#waiting.splice(at, Infinity, { ...this.#waiting[at]!, untilUs: pointUs });
      this.#timed = undefined;
      return 'waits';
    }
    if (this.#timed === undefined || !this.#holds(this.#timed, pointUs)) return 'outside';
    this.#timed = { ...this.#timed, untilUs: pointUs };
    return 'waits';
  }

  #holds({ scale = 1, fromUs, untilUs }: PlayRange, pointUs: number): boolean {
    const [first, last] = scale < 0 ? [this.#durationUs, 0] : [0, this.#durationUs];
    const [startUs, endUs] = [fromUs ?? first, untilUs ?? last];
    return pointUs >= Math.min(startUs, endUs) && pointUs <= Math.max(startUs, endUs);
  }
}
