/**
 * The first line of a message. Called by the head builder and, for the version, by the writer.
 * Rule: a first word with a slash in it is a version, since no method can hold one. Spec: RFC 2326 §6.1, §7.1.
 */
import { isToken, trimBlanks } from './characters';
import { excerpt, RtspParseError } from './rtsp-parse-error';

/** Holds a request line: method, URL, version (RFC 2326 §6.1). */
export interface RequestLine {
  readonly kind: 'request';
  readonly method: string;
  readonly url: string;
  readonly version: string;
}

/** Holds a status line: version, status code, reason phrase (RFC 2326 §7.1). */
export interface StatusLine {
  readonly kind: 'response';
  readonly version: string;
  readonly statusCode: number;
  readonly reasonPhrase: string;
}

/** Lowest status code, three digits without a leading zero (RFC 2326 §7.1.1). */
export const MIN_STATUS_CODE = 100;
/** Highest status code of three digits. */
export const MAX_STATUS_CODE = 999;

/** The numbers have one digit or more (RFC 2068 §3.1); nine are enough to tell what nobody speaks. */
const VERSION = /^(?:RTSP|HTTP)\/[0-9]{1,9}\.[0-9]{1,9}$/;
const STATUS_AND_REASON = /^([1-9][0-9]{2})(?: (.*))?$/s;

/**
 * Parses a first line without its line end.
 * Errors: RtspParseError `bad-start-line` or `bad-version`.
 */
export function parseStartLine(line: string): RequestLine | StatusLine {
  const firstSpace = line.indexOf(' ');
  if (firstSpace < 0) throw badStartLine(line);
  const firstWord = line.slice(0, firstSpace);
  const rest = trimBlanks(line.slice(firstSpace));
  return firstWord.includes('/')
    ? parseStatusLine(line, firstWord, rest)
    : parseRequestLine(line, firstWord, rest);
}

/** Tells whether the text is a version this package reads and writes: `RTSP/d.d` or `HTTP/d.d`, each d one to nine digits. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/** Tells whether a version is HTTP's. */
export function isHttp(version: string): boolean {
  return version.startsWith('HTTP/');
}

function parseStatusLine(line: string, version: string, rest: string): StatusLine {
  requireVersion(version);
  const found = STATUS_AND_REASON.exec(rest);
  if (found === null) throw badStartLine(line);
  return {
    kind: 'response',
    version,
    statusCode: Number(found[1]),
    reasonPhrase: trimBlanks(found[2] ?? ''),
  };
}

function parseRequestLine(line: string, method: string, rest: string): RequestLine {
  // Deviates: the URL may hold spaces, which ffmpeg sends as they stand in the file's name; so the last space divides.
  const lastSpace = rest.lastIndexOf(' ');
  if (!isToken(method) || lastSpace < 0) throw badStartLine(line);
  const version = rest.slice(lastSpace + 1);
  requireVersion(version);
  return { kind: 'request', method, url: trimBlanks(rest.slice(0, lastSpace)), version };
}

function requireVersion(version: string): void {
  if (isVersion(version)) return;
  throw new RtspParseError(
    'bad-version',
    `version: found ${excerpt(version)}, expected RTSP/d.d or HTTP/d.d`,
  );
}

function badStartLine(line: string): RtspParseError {
  const expected = 'expected "method url version" or "version status reason"';
  return new RtspParseError('bad-start-line', `start line: found ${excerpt(line)}, ${expected}`);
}
