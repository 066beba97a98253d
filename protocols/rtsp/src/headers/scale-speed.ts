/**
 * Scale (rate of the media's time line) and Speed (rate of delivery). Called by PLAY. Rule: a number the
 * grammar allows is returned as it stands; the handler picks the nearest rate it can serve. Spec: RFC 2326
 * §12.34, §12.35.
 */

import { headerError } from '../errors';

// Nine digits on each side: more says nothing, and any such number is exact enough to be written again.
const RATE = /^-?\d{1,9}(?:\.\d{0,9})?$/;

function parseRate(header: string, value: string, isNegativeAllowed: boolean): number {
  const text = value.trim();
  const rate = RATE.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(rate) || rate === 0 || (rate < 0 && !isNegativeAllowed))
    throw headerError(
      'badRequest',
      header,
      text,
      `a decimal number ${isNegativeAllowed ? 'other than' : 'above'} 0`,
    );
  return rate;
}

function formatRate(argument: string, rate: number, isNegativeAllowed: boolean): string {
  const size = isNegativeAllowed ? Math.abs(rate) : rate;
  if (!(size >= 1e-9 && size < 1e9)) throw new RangeError(`${argument} must be 1e-9 to 1e9 in size: ${rate}`);
  return rate.toFixed(9).replace(/\.?0+$/, '');
}

/**
 * Parses Scale: 1 is normal, 2 twice as fast, negative is backwards, never 0. RtspError 400 when malformed.
 */
export function parseScale(value: string): number {
  return parseRate('Scale', value, true);
}

/** Formats Scale with up to 9 decimals. RangeError when its size is not in 1e-9..1e9. */
export function formatScale(scale: number): string {
  return formatRate('scale', scale, true);
}

/**
 * Parses Speed: 1 is the rate of the media, 2 asks for twice the bandwidth; above 0. RtspError 400 when
 * malformed.
 */
export function parseSpeed(value: string): number {
  return parseRate('Speed', value, false);
}

/** Formats Speed with up to 9 decimals. RangeError when not in 1e-9..1e9. */
export function formatSpeed(speed: number): string {
  return formatRate('speed', speed, false);
}
