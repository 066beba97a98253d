/**
 * The Range header as PLAY and PAUSE mean it for a stored movie: its places, the time at which it takes effect, and the answer
 * in the unit that the client used. Called by both. Rule: what the header asks for is done or refused, never passed over.
 * Spec: RFC 2326 §3.5-§3.7, §11.3.7, §12.29.
 */
import { RtspError } from './errors';
import { formatRange, type NptRange, type RangeHeader, type SmpteRange } from './headers/range';
import { isSmpteSeconds } from './headers/smpte-time';

const US_PER_S = 1_000_000;
const US_PER_MS = 1000;

/**
 * How far ahead the time of a request may lie, in milliseconds: a day. The session holds its movie and its ports meanwhile, as
 * long as its client keeps it alive.
 */
export const MAX_TIME_AHEAD_MS = 24 * 3600 * 1000;

/** The ends of a range in seconds of the movie; undefined where it is open or `now`, where the session stands. */
export interface RangeSeconds {
  readonly start: number | undefined;
  readonly end: number | undefined;
}

// 456 and not 457: no other time of day would do better (§11.3.7), while 457 is for values that are out of bounds (§11.3.8).
/** The ends of a range in seconds of the movie. RtspError 456 for the time of day, which a recording does not have. */
export function secondsOf(range: RangeHeader): RangeSeconds {
  if (range.unit === 'clock')
    throw new RtspError('headerNotValid', 'Range: a recording has no time of day, expected npt or smpte');
  const { start, end } = range;
  return {
    start: typeof start === 'number' ? start : undefined,
    end: typeof end === 'number' ? end : undefined,
  };
}

/** A time that is to come. */
export interface EffectiveTime {
  /** By the thread's clock, in microseconds. */
  readonly atUs: number;
  /** As the client said it, in milliseconds of the Unix epoch. */
  readonly timeUtcMs: number;
}

/**
 * When a request takes effect, by the clock of a thread that shows `nowUs` now, in microseconds; undefined: at once, since it
 * says nothing, or a time that has passed. RtspError 457 for a time too far ahead.
 */
export function effectiveTime(range: RangeHeader | undefined, nowUs: number): EffectiveTime | undefined {
  const { timeUtcMs } = range ?? {};
  if (timeUtcMs === undefined) return undefined;
  const aheadMs = timeUtcMs - Date.now();
  if (aheadMs > MAX_TIME_AHEAD_MS)
    throw new RtspError(
      'invalidRange',
      `Range: time lies ${Math.round(aheadMs / 1000)} s ahead, expected at most ${MAX_TIME_AHEAD_MS / 1000} s`,
    );
  return aheadMs > 0 ? { atUs: nowUs + aheadMs * US_PER_MS, timeUtcMs } : undefined;
}

/** Where something is played, in microseconds of the movie, and from when on. */
export interface AnsweredRange {
  /** Undefined: where it will stand then. */
  readonly startUs: number | undefined;
  readonly endUs?: number;
  /** When it begins; undefined: now. */
  readonly timeUtcMs?: number | undefined;
}

/** Writes the Range of an answer: in SMPTE time where the client asked in that and it can say it, else in npt. */
export function formatAnswer(asked: RangeHeader | undefined, answered: AnsweredRange): string {
  const { startUs, endUs, timeUtcMs } = answered;
  const end = endUs === undefined ? {} : { end: endUs / US_PER_S };
  const time = timeUtcMs === undefined ? {} : { timeUtcMs };
  const start = startUs === undefined ? undefined : startUs / US_PER_S;
  if (asked?.unit === 'smpte' && start !== undefined && isSmpteSeconds(Math.max(start, end.end ?? 0)))
    return formatRange({ unit: 'smpte', format: asked.format, start, ...end, ...time } satisfies SmpteRange);
  return formatRange({ unit: 'npt', start: start ?? 'now', ...end, ...time } satisfies NptRange);
}
