/**
 * The size of a body. Called by the parser at the end of a head, and by the writer.
 * Rule: a length that is not plain and unanimous is refused, since two readers could divide the stream differently.
 * Spec: RFC 2326 §4.4, §12.14.
 */
import type { RtspHeaders } from './rtsp-headers';
import { excerpt, RtspParseError } from './rtsp-parse-error';
import { isHttp, type RequestLine, type StatusLine } from './start-line';

const DIGITS = /^[0-9]+$/;

/**
 * Returns how many body bytes follow the head, 0..`maxBodyBytes`; 0 without Content-Length, and for HTTP requests: those
 * of a tunnel have no end, whatever their Content-Length says.
 * Errors: RtspParseError `bad-content-length` or `body-too-large`.
 */
export function bodyBytesOf(
  startLine: RequestLine | StatusLine,
  headers: RtspHeaders,
  maxBodyBytes: number,
): number {
  if (startLine.kind === 'request' && isHttp(startLine.version)) return 0;
  if (!headers.has('Content-Length')) return 0;
  const lengths = headers.getAll('Content-Length').map(parseContentLength);
  const bodyBytes = lengths[0] ?? 0;
  const other = lengths.find((length) => length !== bodyBytes);
  if (other !== undefined) {
    throw new RtspParseError(
      'bad-content-length',
      `Content-Length: found ${bodyBytes} and ${other}, expected one`,
    );
  }
  if (startLine.kind === 'response' && isBodiless(startLine.statusCode)) return 0;
  if (bodyBytes > maxBodyBytes) {
    throw new RtspParseError(
      'body-too-large',
      `Content-Length: found ${bodyBytes}, expected 0..${maxBodyBytes}`,
    );
  }
  return bodyBytes;
}

/** Tells whether a response of that status ends at the empty line whatever its headers say (RFC 2326 §4.4). */
export function isBodiless(statusCode: number): boolean {
  return statusCode < 200 || statusCode === 204 || statusCode === 304;
}

/** Returns the number; more digits than a double holds give Infinity, which every limit refuses. */
function parseContentLength(value: string): number {
  if (DIGITS.test(value)) return Number(value);
  throw new RtspParseError('bad-content-length', `Content-Length: found ${excerpt(value)}, expected digits`);
}
