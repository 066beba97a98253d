/**
 * Writes requests, responses and the header of interleaved frames. Called by whoever answers or asks on a connection.
 * Rule: nothing is written that the parser of this package would read as something else, so no value can smuggle in a
 * header or a second message. Spec: RFC 2326 §4-§7, §10.12.
 */
import { Buffer } from 'node:buffer';
import { DOLLAR, indexOfControl, isBlank, isToken } from './characters';
import { isBodiless } from './content-length';
import { MAX_FRAME_BYTES, requireInteger } from './parser-limits';
import { reasonPhraseOf } from './reason-phrase';
import { RtspHeaders, type RtspHeadersInit } from './rtsp-headers';
import { excerpt } from './rtsp-parse-error';
import { isHttp, isVersion, MAX_STATUS_CODE, MIN_STATUS_CODE } from './start-line';

/** Bytes that {@link writeInterleavedHeader} writes. */
export const INTERLEAVED_HEADER_BYTES = 4;

/** States a request to write. */
export interface RtspRequestInit {
  /** Token that does not start with `$`. */
  readonly method: string;
  /** Absolute URL or `*`; without spaces. */
  readonly url: string;
  readonly headers?: RtspHeadersInit;
  /** Not with version `HTTP/d.d`: send it behind the head. */
  readonly body?: Uint8Array;
  /** `RTSP/1.0`. */
  readonly version?: string;
}

/** States a response to write. */
export interface RtspResponseInit {
  /** 100..999. */
  readonly statusCode: number;
  /** The RFC's phrase for the status code. */
  readonly reasonPhrase?: string | undefined;
  readonly headers?: RtspHeadersInit;
  /** Not for 1xx, 204 and 304. */
  readonly body?: Uint8Array | undefined;
  /** `RTSP/1.0`. */
  readonly version?: string;
}

const DEFAULT_VERSION = 'RTSP/1.0';
const NO_BODY = new Uint8Array(0);
const MAX_CHANNEL = 255;

/**
 * Writes one request (RFC 2326 §6) as UTF-8, with Content-Length when the body is not empty. Of an HTTP request it writes
 * the head, with the Content-Length that the caller likes.
 * Owner: the bytes are new and belong to the caller; the `buffer` that they lie in may be shared, as that of a Buffer.
 * Errors: TypeError naming the argument that does not fit into its place, a CR, LF or NUL above all.
 */
export function writeRequest(request: RtspRequestInit): Uint8Array {
  const { method, url, version = DEFAULT_VERSION, body = NO_BODY } = request;
  if (!isToken(method) || method.charCodeAt(0) === DOLLAR) throw refused('method', method, 'a token');
  if (url === '' || indexOfControl(url) >= 0 || hasBlank(url))
    throw refused('url', url, 'text without spaces');
  requireVersion(version);
  const isTunnel = isHttp(version);
  if (isTunnel && body.length > 0) throw new TypeError('body: an HTTP request is written without one');
  return writeMessage(`${method} ${url} ${version}\r\n`, request.headers, body, isTunnel);
}

/**
 * Writes one response (RFC 2326 §7) as UTF-8, with Content-Length when the body is not empty.
 * Owner: as {@link writeRequest}.
 * Errors: RangeError for `statusCode`; TypeError as {@link writeRequest}, also for a body the status cannot have.
 */
export function writeResponse(response: RtspResponseInit): Uint8Array {
  const { statusCode, version = DEFAULT_VERSION, body = NO_BODY } = response;
  requireInteger('statusCode', statusCode, MIN_STATUS_CODE, MAX_STATUS_CODE);
  const reasonPhrase = response.reasonPhrase ?? reasonPhraseOf(statusCode);
  if (indexOfControl(reasonPhrase) >= 0) throw refused('reasonPhrase', reasonPhrase, 'text of one line');
  requireVersion(version);
  const bodiless = isBodiless(statusCode);
  if (bodiless && body.length > 0)
    throw new TypeError(`body: a response of status ${statusCode} cannot have one`);
  return writeMessage(`${version} ${statusCode} ${reasonPhrase}\r\n`, response.headers, body, bodiless);
}

/**
 * Writes `$`, channel and payload size at `offset` (RFC 2326 §10.12); the payload follows, by the caller.
 * Units: `channel` 0..255, `payloadBytes` 0..65535.
 * Returns the offset behind the four bytes.
 * Errors: RangeError naming the argument, also when `target` ends before.
 */
export function writeInterleavedHeader(
  target: Uint8Array,
  offset: number,
  channel: number,
  payloadBytes: number,
): number {
  requireInteger('offset', offset, 0, target.length - INTERLEAVED_HEADER_BYTES);
  requireInteger('channel', channel, 0, MAX_CHANNEL);
  requireInteger('payloadBytes', payloadBytes, 0, MAX_FRAME_BYTES);
  target[offset] = DOLLAR;
  target[offset + 1] = channel;
  target[offset + 2] = payloadBytes >>> 8;
  target[offset + 3] = payloadBytes & 0xff;
  return offset + INTERLEAVED_HEADER_BYTES;
}

function writeMessage(
  startLine: string,
  init: RtspHeadersInit | undefined,
  body: Uint8Array,
  bodiless = false,
): Uint8Array {
  const headers = init instanceof RtspHeaders ? init : new RtspHeaders(init);
  let text = startLine;
  for (let at = 0; at < headers.size; at += 1) text += headerLine(headers.nameAt(at), headers.valueAt(at));
  // A response without a body may tell the length of the one it stands for: 304 answers so. A tunnel's length is a fiction.
  if (!bodiless) requireContentLength(headers, body.length);
  if (body.length > 0 && !headers.has('Content-Length')) text += `Content-Length: ${body.length}\r\n`;
  // Buffer takes short ones out of memory that it has: new memory for each answer costs more than the answer.
  const head = Buffer.from(`${text}\r\n`);
  return body.length === 0 ? head : Buffer.concat([head, body]);
}

function headerLine(name: string, value: string): string {
  if (!isToken(name)) throw refused('headers', name, 'a token as name');
  if (indexOfControl(value) >= 0) throw refused(`headers: ${name}`, value, 'a value of one line');
  return `${name}: ${value}\r\n`;
}

/** Refuses a Content-Length of the caller that the body would belie: the peer would lose its place in the stream. */
function requireContentLength(headers: RtspHeaders, bodyBytes: number): void {
  if (!headers.has('Content-Length')) return;
  for (const value of headers.getAll('Content-Length')) {
    if (value !== String(bodyBytes)) throw refused('headers: Content-Length', value, String(bodyBytes));
  }
}

function requireVersion(version: string): void {
  if (!isVersion(version)) throw refused('version', version, 'RTSP/d.d or HTTP/d.d');
}

function hasBlank(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (isBlank(text.charCodeAt(at))) return true;
  return false;
}

function refused(argument: string, found: string, expected: string): TypeError {
  return new TypeError(`${argument}: found ${excerpt(found)}, expected ${expected}`);
}
