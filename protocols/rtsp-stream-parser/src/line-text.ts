/**
 * The text of one line. Called by the cursor for lines of a head that are not ASCII, or came in pieces.
 * Rule: text is UTF-8; a line that is not valid UTF-8 is read as Latin-1, so that no byte is lost. Spec: RFC 2326 §4.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { CR } from './characters';
import { excerpt, RtspParseError } from './rtsp-parse-error';

/** What is wrong with a line that can't be read: it is the first of its head, or another. */
export type LineCode = 'bad-start-line' | 'bad-header';

/**
 * Decodes a line that ends with LF or CRLF, and returns it without the line end (RFC 2326 §4: both end a line).
 * Errors: RtspParseError `code` for a CR that no LF follows.
 */
export function decodeLine(line: Uint8Array, code: LineCode): string {
  const endsWithCr = line[line.length - 2] === CR;
  const sizeBytes = line.length - (endsWithCr ? 2 : 1);
  if (sizeBytes === 0) return '';
  const bytes = Buffer.from(line.buffer, line.byteOffset, sizeBytes);
  const text = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
  if (!text.includes('\r')) return text;
  throw new RtspParseError(code, `line: found ${excerpt(text)}, expected LF after CR`);
}
