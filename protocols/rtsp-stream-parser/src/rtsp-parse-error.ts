/**
 * The one error that bytes from the wire can cause. Thrown by every parser of this package, caught by the owner of the
 * connection, which answers with `statusCode` (when it is a server) and closes. Rule: code, status and meaning are
 * written in this table, which the README repeats. Spec: RFC 2326 §7.1.1, §11.
 */

/** States one row of the error table. */
export interface ParseErrorRow {
  /** Suggested answer, 400..599. */
  readonly statusCode: number;
  /** One line for people, without a full stop. */
  readonly meaning: string;
}

/** Lists every way in which a byte stream can fail to be RTSP, by code. */
export const PARSE_ERRORS = {
  'bad-start-line': {
    statusCode: 400,
    meaning: 'The first line is neither a request line nor a status line',
  },
  'bad-version': { statusCode: 505, meaning: 'The protocol version is neither RTSP/d.d nor HTTP/d.d' },
  'bad-header': { statusCode: 400, meaning: 'A header line has no valid name, or holds a control byte' },
  'bad-content-length': {
    statusCode: 400,
    meaning: 'Content-Length is no number, or is given twice differently',
  },
  'header-too-large': { statusCode: 413, meaning: 'Start line and headers exceed maxHeaderBytes' },
  'too-many-headers': { statusCode: 400, meaning: 'The message has more header fields than maxHeaderCount' },
  'body-too-large': { statusCode: 413, meaning: 'Content-Length exceeds maxBodyBytes' },
  'frame-too-large': { statusCode: 413, meaning: 'An interleaved frame exceeds maxFrameBytes' },
  'bad-base64': { statusCode: 400, meaning: 'The POST half of an HTTP tunnel is not base64' },
} as const satisfies Record<string, ParseErrorRow>;

/** Names one row of {@link PARSE_ERRORS}. */
export type ParseErrorCode = keyof typeof PARSE_ERRORS;

/** Status for a start line that is too long: Request-URI Too Large (RFC 2326 §11.3.4). */
export const URI_TOO_LARGE = 414;

/** Tells that the bytes of the peer are not RTSP, or exceed a limit; the parser that threw it is dead. */
export class RtspParseError extends Error {
  override readonly name = 'RtspParseError';
  /** Row of {@link PARSE_ERRORS}. */
  readonly code: ParseErrorCode;
  /** Suggested status of the answer, 400..599: the one of the row, but 414 for a start line that is too long. */
  readonly statusCode: number;
  /** CSeq of the request that failed, as it came, for the answer (RFC 2326 §12.17); undefined when it had not been read. Set by the parser. */
  cseq: string | undefined;

  /** Makes the error; `message` tells in one line what was found and what was expected. */
  constructor(code: ParseErrorCode, message: string, statusCode: number = PARSE_ERRORS[code].statusCode) {
    super(message);
    this.code = code;
    this.statusCode = statusCode;
  }
}

/** Longest excerpt of the peer's text in an error message. */
const MAX_EXCERPT_CHARS = 60;

/** Quotes text of the peer for an error message: escaped, and cut after 60 characters. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length <= MAX_EXCERPT_CHARS ? text : `${text.slice(0, MAX_EXCERPT_CHARS)}…`);
}
