/**
 * RTP-Info: for each track, the sequence number and the RTP timestamp that belong to the start of the range
 * in PLAY's answer. Formatted by PLAY; parsed by clients and relays. Rule: a client synchronises its tracks
 * by these numbers, so they are exact or left out. Spec: RFC 2326 §12.33.
 */

import { headerError } from '../errors';
import { splitList, splitParameter } from './parameter-list';

/** States what one track's stream begins with. */
export interface RtpInfo {
  /** Control URL of the track, percent-encoded: visible ASCII without `"`. */
  readonly url: string;
  /** RTP sequence number of the first packet, 0..65535. */
  readonly sequenceNumber?: number;
  /** RTP timestamp of the start of the range, in ticks of the track's clock, 0..2^32-1. */
  readonly rtpTicks?: number;
}

const MAX_SEQUENCE_NUMBER = 0xffff;
const MAX_RTP_TICKS = 0xffff_ffff;
const URL_TEXT = /^[\x21\x23-\x7e]+$/;
// A comma or semicolon begins a new item only where the grammar's next word follows; elsewhere it belongs to
// the URL.
const NEXT_STREAM = /,\s*(?=url\s*=)/i;
const AFTER_URL = /;\s*(?=(?:seq|rtptime)\s*=)/i;

function parseCount(value: string | undefined, max: number, expected: string): number {
  const text = value ?? '';
  const count = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= max)) throw headerError('badRequest', 'RTP-Info', text, expected);
  return count;
}

function parseStream(text: string): RtpInfo {
  const [head = '', ...rest] = text.split(AFTER_URL);
  const { name, value: url = '' } = splitParameter(head);
  if (name !== 'url' || !URL_TEXT.test(url)) throw headerError('badRequest', 'RTP-Info', head, 'url=<url>');
  const info: { -readonly [K in keyof RtpInfo]: RtpInfo[K] } = { url };
  for (const item of splitList('RTP-Info', rest.join(';'), ';')) {
    const parameter = splitParameter(item);
    if (parameter.name === 'seq')
      info.sequenceNumber = parseCount(parameter.value, MAX_SEQUENCE_NUMBER, 'seq 0..65535');
    if (parameter.name === 'rtptime')
      info.rtpTicks = parseCount(parameter.value, MAX_RTP_TICKS, 'rtptime 0..2^32-1');
  }
  return info;
}

/**
 * Parses `url=…;seq=…;rtptime=…,url=…`, in order; URLs may hold `,` and `;`. RtspError 400 when malformed.
 */
export function parseRtpInfo(value: string): RtpInfo[] {
  return value.trim().split(NEXT_STREAM).map(parseStream);
}

/** Formats `url=…;seq=…;rtptime=…,url=…`. TypeError on a bad `url`, RangeError on numbers out of range. */
export function formatRtpInfo(streams: readonly RtpInfo[]): string {
  return streams.map(formatStream).join(',');
}

function formatStream({ url, sequenceNumber, rtpTicks }: RtpInfo): string {
  if (!URL_TEXT.test(url)) throw new TypeError(`url must be visible ASCII without a quote: ${url}`);
  let text = `url=${url}`;
  if (sequenceNumber !== undefined)
    text += `;seq=${checkCount('sequenceNumber', sequenceNumber, MAX_SEQUENCE_NUMBER)}`;
  if (rtpTicks !== undefined) text += `;rtptime=${checkCount('rtpTicks', rtpTicks, MAX_RTP_TICKS)}`;
  return text;
}

function checkCount(argument: string, count: number, max: number): number {
  if (!Number.isInteger(count) || count < 0 || count > max)
    throw new RangeError(`${argument} must be 0..${max}: ${count}`);
  return count;
}
