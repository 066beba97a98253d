/**
 * Absolute time: ISO 8601 in UTC without separators. Called by Range. Rule: exact to a millisecond.
 * Spec: RFC 2326 §3.7.
 *
 *   19961108T143720.25Z
 */

const UTC_TIME = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(?:\.(\d+))?Z$/i;

/** First millisecond of the year 10000, which the four-digit year of the form cannot say. */
const END_OF_YEAR_9999_UTC_MS = 253_402_300_800_000;

/**
 * Parses a UTC time to milliseconds since 1970-01-01, rounded down; undefined when it is malformed or before
 * 1970.
 */
export function parseUtcTime(text: string): number | undefined {
  const match = UTC_TIME.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = ''] = match;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
  const utcMs = Date.parse(iso);
  // Date.parse rolls 31 Feb and 24:00 over: the calendar is right when the same text comes back.
  return utcMs >= 0 && new Date(utcMs).toISOString() === iso ? utcMs : undefined;
}

/**
 * Formats milliseconds since 1970-01-01, with 3 decimals when not whole seconds. RangeError outside of
 * 1970..9999.
 */
export function formatUtcTime(utcMs: number): string {
  if (!(utcMs >= 0 && utcMs < END_OF_YEAR_9999_UTC_MS))
    throw new RangeError(`utcMs must be in 1970..9999: ${utcMs}`);
  return new Date(utcMs).toISOString().replace(/[-:]/g, '').replace('.000', '');
}
