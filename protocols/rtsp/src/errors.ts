/**
 * The error answers of RTSP: one table, and the error that header parsers and method handlers throw. The
 * connection catches it once and answers. Rule: the status, the reason and the meaning of an answer are
 * written here and nowhere else. Spec: RFC 2326 §7.1.1, §11.
 */

/** States one row of the error table: what goes into the status line, and what it tells the operator. */
export interface RtspErrorRow {
  /** 400..599. */
  readonly status: number;
  /** Reason phrase of the status line. */
  readonly reason: string;
  /** One line for people, without a full stop. */
  readonly description: string;
}

function row(status: number, reason: string, description: string): RtspErrorRow {
  return { status, reason, description };
}

/** Lists every error this package answers with, by code name, in order of status (RFC 2326 §7.1.1). */
export const RTSP_ERRORS = {
  badRequest: row(400, 'Bad Request', 'The request or one of its headers is malformed'),
  unauthorized: row(401, 'Unauthorized', 'The request needs credentials, or those it has are wrong'),
  forbidden: row(403, 'Forbidden', 'The client may not do this, with or without credentials'),
  notFound: row(404, 'Not Found', 'There is no movie, stream or track at this URL'),
  methodNotAllowed: row(
    405,
    'Method Not Allowed',
    'The method does not work on this URL; Allow lists those that do',
  ),
  notAcceptable: row(
    406,
    'Not Acceptable',
    'The client accepts no description format that the server can write',
  ),
  requestTimeout: row(408, 'Request Timeout', 'The client began a request and did not finish it in time'),
  entityTooLarge: row(413, 'Request Entity Too Large', 'The body of the request exceeds the limit'),
  uriTooLarge: row(414, 'Request-URI Too Large', 'The URL of the request exceeds the limit'),
  unsupportedMediaType: row(
    415,
    'Unsupported Media Type',
    'The file or the body has a format that is not supported',
  ),
  parameterNotUnderstood: row(
    451,
    'Parameter Not Understood',
    'The request names a parameter that is not known',
  ),
  notEnoughBandwidth: row(
    453,
    'Not Enough Bandwidth',
    'The server has all the clients or the traffic it may carry',
  ),
  sessionNotFound: row(454, 'Session Not Found', 'The session id is missing, invalid or has timed out'),
  methodNotValidInState: row(
    455,
    'Method Not Valid in This State',
    'The session is not in a state for this method',
  ),
  headerNotValid: row(
    456,
    'Header Field Not Valid for Resource',
    'The stream cannot do what a header asks for',
  ),
  invalidRange: row(457, 'Invalid Range', 'The range is malformed, reversed or outside of the movie'),
  parameterReadOnly: row(458, 'Parameter Is Read-Only', 'The parameter can be read but not set'),
  aggregateNotAllowed: row(459, 'Aggregate Operation Not Allowed', 'The method needs the URL of one track'),
  onlyAggregateAllowed: row(
    460,
    'Only Aggregate Operation Allowed',
    'The method needs the URL of the whole movie',
  ),
  unsupportedTransport: row(
    461,
    'Unsupported Transport',
    'None of the transports that the client offers is supported',
  ),
  destinationUnreachable: row(462, 'Destination Unreachable', 'The address of the client cannot be reached'),
  internalServerError: row(500, 'Internal Server Error', 'The server failed; its log says why'),
  notImplemented: row(501, 'Not Implemented', 'The server does not know the method'),
  serviceUnavailable: row(503, 'Service Unavailable', 'The server is starting, stopping or overloaded'),
  versionNotSupported: row(
    505,
    'RTSP Version Not Supported',
    'The request is of another version than RTSP/1.0',
  ),
  optionNotSupported: row(
    551,
    'Option Not Supported',
    'The client requires an option that Unsupported lists',
  ),
} as const satisfies Readonly<Record<string, RtspErrorRow>>;

/** Names one row of RTSP_ERRORS. */
export type RtspErrorCode = keyof typeof RTSP_ERRORS;

/**
 * Carries the headers that an error answer adds, by name: Allow, Unsupported, Retry-After, WWW-Authenticate.
 */
export type RtspErrorHeaders = Readonly<Record<string, string>>;

const LINE_BREAK_OR_NUL = /[\r\n\0]/;

/**
 * Ends a request with an error answer. Thrown by header parsers and method handlers, caught by the
 * connection. `detail` is one line for the log: which header, what was found, what was expected.
 * TypeError when a header value holds CR, LF or NUL, which would forge a header.
 * Spec: RFC 2326 §7.1.1, §11.
 */
export class RtspError extends Error {
  override readonly name = 'RtspError';
  readonly code: RtspErrorCode;
  /** 400..599. */
  readonly status: number;
  readonly reason: string;
  readonly detail: string | undefined;
  readonly headers: RtspErrorHeaders;

  constructor(code: RtspErrorCode, detail?: string, headers: RtspErrorHeaders = {}) {
    const { status, reason } = RTSP_ERRORS[code];
    super(detail === undefined ? `${status} ${reason}` : `${status} ${reason}: ${detail}`);
    for (const [name, value] of Object.entries(headers))
      if (LINE_BREAK_OR_NUL.test(value)) throw new TypeError(`headers.${name} must be one line`);
    this.code = code;
    this.status = status;
    this.reason = reason;
    this.detail = detail;
    this.headers = headers;
  }
}

/** Characters of a wire value that an error's detail repeats. */
const MAX_QUOTED_CHARS = 60;

/**
 * Quotes a wire value for the detail of an error: cut to 60 characters, control characters escaped, one line.
 */
export function quoteWireValue(value: string): string {
  return JSON.stringify(value.length > MAX_QUOTED_CHARS ? `${value.slice(0, MAX_QUOTED_CHARS)}…` : value);
}

/** Makes the error of a header whose value cannot be read: `<header>: found "…", expected <expected>`. */
export function headerError(code: RtspErrorCode, header: string, found: string, expected: string): RtspError {
  return new RtspError(code, `${header}: found ${quoteWireValue(found)}, expected ${expected}`);
}
