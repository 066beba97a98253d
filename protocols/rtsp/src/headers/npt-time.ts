/**
 * Normal play time: seconds from the beginning of the presentation. Called by Range and by the SDP writer.
 * Rule: exact to a microsecond both ways. Spec: RFC 2326 §3.6.
 *
 *   now | 12.040 | 0:10:20.1
 */

/**
 * Bounds normal play time, in seconds, so that it is a whole number of microseconds below 2^53 (285 years).
 */
export const MAX_NPT_SECONDS = 9_007_199_254;

/** States a normal play time in seconds, 0..MAX_NPT_SECONDS, or `now`: the live moment. */
export type NptTime = number | 'now';

const NPT_SECONDS = /^\d+(?:\.\d*)?$/;
const NPT_CLOCK = /^(\d+):(\d{1,2}):(\d{1,2}(?:\.\d*)?)$/;

/** Parses `now`, seconds or hours:minutes:seconds; undefined when `text` is none of them or out of range. */
export function parseNptTime(text: string): NptTime | undefined {
  if (text.toLowerCase() === 'now') return 'now';
  const seconds = NPT_SECONDS.test(text) ? Number(text) : clockSeconds(text);
  return seconds <= MAX_NPT_SECONDS ? seconds : undefined;
}

function clockSeconds(text: string): number {
  const match = NPT_CLOCK.exec(text);
  if (match === null) return Number.NaN;
  const minutes = Number(match[2]);
  const seconds = Number(match[3]);
  return minutes < 60 && seconds < 60 ? Number(match[1]) * 3600 + minutes * 60 + seconds : Number.NaN;
}

/**
 * Formats a normal play time: `now`, or seconds with 3 to 6 decimals. RangeError outside of
 * 0..MAX_NPT_SECONDS.
 */
export function formatNptTime(time: NptTime): string {
  if (time === 'now') return time;
  if (!(time >= 0 && time <= MAX_NPT_SECONDS))
    throw new RangeError(`time must be 0..${MAX_NPT_SECONDS}: ${time}`);
  return time.toFixed(6).replace(/0{1,3}$/, '');
}
