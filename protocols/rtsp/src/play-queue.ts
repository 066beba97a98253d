/**
 * The ranges that a session plays one behind the other. Used by the session. Rule: a PLAY with a place to start from waits
 * for the end that the one before was given, and for its own time if it has one; everything else is for now.
 * Spec: RFC 2326 §10.5, §10.6, §12.29.
 *
 * Deviates: behind a PLAY that runs to the end of the movie none waits, it seeks. Players that don't send PAUSE before they
 * seek (live555's clients, among others) mean that, and RFC 7826 §13.4 made it the rule.
 */
import { RtspError } from './errors';

/** Ranges that wait at a time. */
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
  /** It does not begin before this time of the thread's clock. */
  readonly notBeforeUs?: number | undefined;
}

/** What is played and what waits; see the head of this file. */
export class PlayQueue {
  readonly #durationUs: number;
  readonly #waiting: PlayRange[] = [];
  #active: PlayRange | undefined;

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

  /** The range that comes next. */
  get first(): PlayRange | undefined {
    return this.#waiting[0];
  }

  /** How many wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Whether a range that comes now has others to wait for. */
  get isBounded(): boolean {
    return this.#waiting.length > 0 || this.isActiveBounded;
  }

  /** Whether what is played now has an end of its own that others wait for; false where it goes backward. */
  get isActiveBounded(): boolean {
    const { fromUs = 0, untilUs } = this.#active ?? {};
    return untilUs !== undefined && untilUs >= fromUs && untilUs < this.#durationUs - END_TOLERANCE_US;
  }

  /** Has a range wait for its turn. 455 when too many do. */
  add(range: PlayRange): void {
    if (this.#waiting.length >= MAX_WAITING_RANGES)
      throw new RtspError(
        'methodNotValidInState',
        `PLAY: ${MAX_WAITING_RANGES} requests wait already, expected PAUSE or patience`,
      );
    this.#waiting.push(range);
  }

  /** Takes the range whose turn it is, unless its time has not come at `nowUs`. */
  next(nowUs = Infinity): PlayRange | undefined {
    const { notBeforeUs = -Infinity } = this.first ?? {};
    return notBeforeUs > nowUs ? undefined : this.#waiting.shift();
  }

  /** Forgets all, as PAUSE asks. */
  clear(): void {
    this.#waiting.length = 0;
    this.#active = undefined;
  }

  /**
   * Has playing stop at a point, and drops what lies behind it. Says where the point lies: in the range that is `active`, in
   * one that `waits`, or `outside` of all (then nothing changes).
   */
  stopAt(pointUs: number): 'active' | 'waits' | 'outside' {
    if (this.#active !== undefined && this.#holds(this.#active, pointUs)) {
      this.#waiting.length = 0;
      this.#active = { ...this.#active, untilUs: pointUs };
      return 'active';
    }
    const at = this.#waiting.findIndex((range) => this.#holds(range, pointUs));
    if (at < 0) return 'outside';
    this.#waiting.splice(at, Infinity, { ...this.#waiting[at]!, untilUs: pointUs });
    return 'waits';
  }

  #holds(range: PlayRange, pointUs: number): boolean {
    const { fromUs = 0, untilUs = endOfMovieUs(range, this.#durationUs) } = range;
    return pointUs >= Math.min(fromUs, untilUs) && pointUs <= Math.max(fromUs, untilUs);
  }
}

/** Where a range ends that was given no end: backward at the start of the movie. */
export function endOfMovieUs({ scale = 1 }: Pick<PlayRange, 'scale'>, durationUs: number): number {
  return scale < 0 ? 0 : durationUs;
}
