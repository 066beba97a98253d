/**
 * CSeq: the number that pairs a response with its request. Called by the connection for every request. Rule:
 * the number that is echoed equals the number that came. Spec: RFC 2326 §12.17.
 */

import { headerError } from '../errors';

const ECHOED = /^\d{1,16}$/;

/** Bounds CSeq: the largest that can be echoed exactly. */
export const MAX_CSEQ = Number.MAX_SAFE_INTEGER;

/**
 * Parses CSeq: a whole number, 0..MAX_CSEQ. RtspError 400 otherwise, and when the header is missing
 * (undefined).
 */
export function parseCSeq(value: string | undefined): number {
  const text = value?.trim() ?? '';
  const cseq = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(cseq <= MAX_CSEQ)) throw headerError('badRequest', 'CSeq', text, 'a sequence number');
  return cseq;
}

/** Gives the answer to a request the CSeq that the request came with; nothing when it has none that is a number. */
export function cseqEcho(value: string | undefined): { readonly CSeq?: string } {
  const text = value?.trim() ?? '';
  return ECHOED.test(text) ? { CSeq: text } : {};
}

/** Formats CSeq. RangeError unless `cseq` is a whole number, 0..MAX_CSEQ. */
export function formatCSeq(cseq: number): string {
  if (!Number.isSafeInteger(cseq) || cseq < 0) throw new RangeError(`cseq must be 0..2^53-1: ${cseq}`);
  return String(cseq);
}
