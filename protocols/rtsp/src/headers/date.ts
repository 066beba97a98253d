/**
 * Date, Last-Modified, Expires, If-Modified-Since: moments in RFC 1123 form. Called by every response and by
 * DESCRIBE. Rule: always GMT, always the fixed-length form. Spec: RFC 2326 §12.18-19, §12.23-24; RFC 2068
 * §3.3.1.
 */

import { headerError } from '../errors';

/** First millisecond of the year 10000, which the four-digit year of the form cannot say. */
const END_OF_YEAR_9999_UTC_MS = 253_402_300_800_000;

const RFC_1123 = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Parses a date such as `Tue, 15 Nov 1994 08:12:31 GMT` to milliseconds since 1970-01-01 UTC (whole seconds).
 * RtspError 400 when the form, the calendar date or the weekday is wrong, and before 1970.
 */
export function parseDate(value: string): number {
  const text = value.trim();
  const utcMs = RFC_1123.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse rolls 31 Feb over and ignores the weekday; writing the result again shows both.
  if (!(utcMs >= 0) || new Date(utcMs).toUTCString() !== text)
    throw headerError('badRequest', 'Date', text, 'an RFC 1123 date in GMT');
  return utcMs;
}

/**
 * Whether what was changed last at `modifiedMs` is what a client knows that sends If-Modified-Since: `value`. What he knows of
 * that time is whole seconds. A date that can't be read asks for nothing (RFC 2068 §14.24).
 */
export function isUnmodifiedSince(value: string | undefined, modifiedMs: number): boolean {
  if (value === undefined) return false;
  try {
    return Math.floor(modifiedMs / 1000) * 1000 <= parseDate(value);
  } catch {
    return false;
  }
}

/** Texts by second, so that answers of one second, and those about one movie, need not make theirs anew. */
const formatted = new Map<number, string>();
const MAX_FORMATTED = 64;

/** Formats milliseconds since 1970-01-01 UTC, rounded down to seconds. RangeError outside of 1970..9999. */
export function formatDate(utcMs: number): string {
  if (!(utcMs >= 0 && utcMs < END_OF_YEAR_9999_UTC_MS))
    throw new RangeError(`utcMs must be in 1970..9999: ${utcMs}`);
  const second = Math.floor(utcMs / 1000);
  const known = formatted.get(second);
  if (known !== undefined) return known;
  const text = new Date(utcMs).toUTCString();
  if (formatted.size === MAX_FORMATTED) formatted.clear();
  formatted.set(second, text);
  return text;
}
