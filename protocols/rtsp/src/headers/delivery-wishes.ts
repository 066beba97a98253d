/**
 * Blocksize, Bandwidth and x-Dynamic-Rate: how a client would like to be served. Called by SETUP and PLAY. Rule: what can't be
 * read is 400; what can is heeded as far as the server can, never refused. Spec: RFC 2326 §12.6, §12.7.
 */
import { headerError } from '../errors';

/** Digits beyond which a number says nothing more. */
const POSITIVE = /^\d{1,15}$/;
/** The smallest packets that are made, in bytes of payload; who asks for smaller ones gets these. */
export const MIN_BLOCK_BYTES = 256;
/** Sizes of packets lie so far apart that viewers share their plans. */
const BLOCK_STEP_BYTES = 64;

function parsePositive(header: string, value: string): number {
  const text = value.trim();
  const number = POSITIVE.test(text) ? Number(text) : 0;
  if (number === 0) throw headerError('badRequest', header, text, 'a number above 0');
  return number;
}

// RFC 2326 §12.7 names 416 for what can't be read, which its own table of statuses does not have.
/** Parses Blocksize: bytes of a packet's payload, above 0. RtspError 400 when malformed. */
export function parseBlocksize(value: string): number {
  return parsePositive('Blocksize', value);
}

/** The payload that is served to who asks for `wantedBytes`: not larger, unless that would be below the smallest. */
export function servedBlockBytes(wantedBytes: number, maxBytes: number): number {
  if (wantedBytes >= maxBytes) return maxBytes;
  const stepped = Math.floor(wantedBytes / BLOCK_STEP_BYTES) * BLOCK_STEP_BYTES;
  return Math.min(Math.max(stepped, MIN_BLOCK_BYTES), maxBytes);
}

/** Parses Bandwidth: bits per second, above 0. RtspError 400 when malformed. */
export function parseBandwidth(value: string): number {
  return parsePositive('Bandwidth', value);
}

/**
 * Parses x-Dynamic-Rate (Darwin Streaming Server's): whether the server may send faster than the movie runs to fill the
 * player. RtspError 400 when it is neither 0 nor 1.
 */
export function parseDynamicRate(value: string): boolean {
  const text = value.split(';', 1)[0]!.trim();
  if (text !== '0' && text !== '1') throw headerError('badRequest', 'x-Dynamic-Rate', text, '0 or 1');
  return text === '1';
}
