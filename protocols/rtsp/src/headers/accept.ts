/**
 * Accept: the description formats a client takes. Called by DESCRIBE. Rule: of the ranges that match a type,
 * the most specific one decides. Spec: RFC 2326 §12.1; RFC 2068 §14.1.
 */

import { headerError } from '../errors';
import { isToken, splitList, splitParameter } from './parameter-list';

/** Describes one media range of an Accept header. */
export interface MediaRange {
  /** In lower case, such as `application/sdp`, `application/*` or `*` + `/*`. */
  readonly type: string;
  /** Preference 0..1; 0 means not acceptable. */
  readonly quality: number;
}

const QUALITY = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

function parseMediaRange(item: string): MediaRange {
  const [type = '', ...rest] = splitList('Accept', item, ';');
  const halves = type.split('/');
  if (halves.length !== 2 || !halves.every(isToken) || (halves[0] === '*' && halves[1] !== '*'))
    throw headerError('badRequest', 'Accept', type, 'a media range such as application/sdp');
  const quality = rest.map(splitParameter).find((parameter) => parameter.name === 'q')?.value ?? '1';
  if (!QUALITY.test(quality))
    throw headerError('badRequest', 'Accept', quality, 'q=0..1 with up to 3 decimals');
  return { type: type.toLowerCase(), quality: Number(quality) };
}

/** Parses a list of media ranges in order; empty when the value is empty. RtspError 400 when malformed. */
export function parseAccept(value: string): MediaRange[] {
  return splitList('Accept', value, ',').map(parseMediaRange);
}

/** Formats a list of media ranges. RangeError when a `quality` is not 0..1. */
export function formatAccept(ranges: readonly MediaRange[]): string {
  return ranges.map(formatMediaRange).join(', ');
}

function formatMediaRange({ type, quality }: MediaRange): string {
  if (!(quality >= 0 && quality <= 1)) throw new RangeError(`quality must be 0..1: ${quality}`);
  return quality === 1 ? type : `${type};q=${Number(quality.toFixed(3))}`;
}

/**
 * Tells whether an Accept header allows `type` (in lower case, such as `application/sdp`). An absent
 * (undefined) or empty header allows everything. RtspError 400 when the header is malformed.
 */
export function acceptsType(value: string | undefined, type: string): boolean {
  if (value === undefined || value === type) return true; // as nearly all send it
  const ranges = parseAccept(value);
  if (ranges.length === 0) return true;
  for (const pattern of [type, `${type.split('/')[0]}/*`, '*/*']) {
    const match = ranges.find((range) => range.type === pattern);
    if (match !== undefined) return match.quality > 0;
  }
  return false;
}
