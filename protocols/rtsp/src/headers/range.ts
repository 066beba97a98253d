/**
 * Range: the part of the presentation to play, in normal play time, SMPTE time or UTC. Called by PLAY and
 * PAUSE. Rule: a unit that is not known is 501, everything else that cannot be read 457, with what was found. Spec: RFC 2326
 * §12.29, §3.5, §3.6, §3.7.
 *
 *   npt=12.040-27.320 | npt=now- | npt=-20 | smpte-25=10:07:33-10:07:35:05.01 | clock=19961108T143720.25Z-
 *   …;time=19970123T143720Z
 */

import { headerError, type RtspError, type RtspErrorCode } from '../errors';
import { formatNptTime, type NptTime, parseNptTime } from './npt-time';
import { splitList, splitParameter } from './parameter-list';
import { formatSmpteTime, isSmpteFormat, parseSmpteTime, type SmpteFormat } from './smpte-time';
import { formatUtcTime, parseUtcTime } from './utc-time';

/**
 * States a range of normal play time in seconds. At least one end is there; an absent start is where the session
 * stands.
 */
export interface NptRange {
  readonly unit: 'npt';
  readonly start?: NptTime;
  readonly end?: NptTime;
  /** When the request is to take effect, in milliseconds since 1970-01-01 UTC. */
  readonly timeUtcMs?: number;
}

/** States a SMPTE range, its time codes turned into seconds of normal play time. */
export interface SmpteRange {
  readonly unit: 'smpte';
  readonly format: SmpteFormat;
  readonly start: number;
  readonly end?: number;
  /** When the request is to take effect, in milliseconds since 1970-01-01 UTC. */
  readonly timeUtcMs?: number;
}

/** States a range of absolute time, in milliseconds since 1970-01-01 UTC. */
export interface ClockRange {
  readonly unit: 'clock';
  readonly start: number;
  readonly end?: number;
  /** When the request is to take effect, in milliseconds since 1970-01-01 UTC. */
  readonly timeUtcMs?: number;
}

/** States the range of a request, by its `unit`. */
export type RangeHeader = NptRange | SmpteRange | ClockRange;

/** Says which way the range will be played: a negative Scale reverses it, and start may lie behind end. */
export type RangeDirection = 'forward' | 'reverse';

function invalid(found: string, expected: string, code: RtspErrorCode = 'invalidRange'): RtspError {
  return headerError(code, 'Range', found, expected);
}

function isUnit(unit: string): boolean {
  return unit === 'npt' || unit === 'clock' || isSmpteFormat(unit);
}

/**
 * Parses a Range header. One range only.
 * RtspError 457 when it is malformed, or has its start behind its end while `direction` is forward; 501 when its unit is
 * not known.
 */
export function parseRange(value: string, direction: RangeDirection = 'forward'): RangeHeader {
  const [specifier = '', ...parameters] = splitList('Range', value, ';', 'invalidRange');
  const { name: unit, value: times } = splitParameter(specifier);
  const hyphen = times?.indexOf('-') ?? -1;
  if (times === undefined || hyphen < 0) throw invalid(value, 'unit=start-end');
  if (!isUnit(unit)) throw invalid(value, 'npt, smpte, smpte-30-drop, smpte-25 or clock', 'notImplemented');
  const range = parseTimes(unit, times.slice(0, hyphen).trim(), times.slice(hyphen + 1).trim());
  if (range === undefined) throw invalid(value, `times of ${unit}, start-end`);
  const { start, end } = range;
  if (direction === 'forward' && typeof start === 'number' && typeof end === 'number' && start > end)
    throw invalid(value, 'a start before the end');
  return withTime(range, parameters);
}

/**
 * Parses the Range header of PAUSE: one time, `npt=12.040`, `npt=12.040-` or `npt=now`, in seconds; clock times in milliseconds
 * since 1970 are left to the caller. RtspError as parseRange, and 457 for a range with two ends (RFC 2326 §10.6).
 */
export function parsePausePoint(value: string): RangeHeader {
  const range = parseRange(/=[^;]*-/.test(value) ? value : value.replace(/^([^;]*)/, '$1-'));
  if (range.start === undefined || range.end !== undefined) throw invalid(value, 'one time');
  return range;
}

function parseTimes(unit: string, start: string, end: string): RangeHeader | undefined {
  if (unit === 'npt') return parseNptRange(start, end);
  if (unit === 'clock') return closedRange(parseUtcTime, start, end, { unit });
  if (!isSmpteFormat(unit)) return undefined;
  return closedRange((text) => parseSmpteTime(unit, text), start, end, { unit: 'smpte', format: unit });
}

function parseNptRange(startText: string, endText: string): NptRange | undefined {
  const start = startText === '' ? undefined : parseNptTime(startText);
  const end = endText === '' ? undefined : parseNptTime(endText);
  const isStartBad = start === undefined && startText !== '';
  const isEndBad = end === undefined && endText !== '';
  if (isStartBad || isEndBad || (start === undefined && end === undefined)) return undefined;
  return { unit: 'npt', ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
}

/** A range whose start is needed and whose end may be open, as in SMPTE and clock time. */
function closedRange<Head extends object>(
  parseTime: (text: string) => number | undefined,
  startText: string,
  endText: string,
  head: Head,
): (Head & { start: number; end?: number }) | undefined {
  const start = parseTime(startText);
  if (start === undefined) return undefined;
  if (endText === '') return { ...head, start };
  const end = parseTime(endText);
  return end === undefined ? undefined : { ...head, start, end };
}

function withTime(range: RangeHeader, parameters: readonly string[]): RangeHeader {
  const time = parameters.map(splitParameter).find((parameter) => parameter.name === 'time');
  if (time === undefined) return range;
  const timeUtcMs = parseUtcTime(time.value ?? '');
  if (timeUtcMs === undefined) throw invalid(time.value ?? '', 'time=<yyyymmddThhmmssZ>');
  return { ...range, timeUtcMs };
}

/**
 * Formats a range: normal play time with 3 to 6 decimals (`npt=12.040-`), SMPTE time codes or UTC.
 * TypeError when both ends are missing, RangeError when a time is out of range.
 */
export function formatRange(range: RangeHeader): string {
  const time = range.timeUtcMs === undefined ? '' : `;time=${formatUtcTime(range.timeUtcMs)}`;
  if (range.unit === 'clock') {
    const end = range.end === undefined ? '' : formatUtcTime(range.end);
    return `clock=${formatUtcTime(range.start)}-${end}${time}`;
  }
  if (range.unit === 'smpte') {
    const { format, start, end } = range;
    const endText = end === undefined ? '' : formatSmpteTime(format, end);
    return `${format}=${formatSmpteTime(format, start)}-${endText}${time}`;
  }
  const { start, end } = range;
  if (start === undefined && end === undefined) throw new TypeError('range must have a start or an end');
  const startText = start === undefined ? '' : formatNptTime(start);
  return `npt=${startText}-${end === undefined ? '' : formatNptTime(end)}${time}`;
}
