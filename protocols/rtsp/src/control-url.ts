/**
 * The URL of a request: which presentation, and which of its tracks. Called by the connection for every
 * request. Rule: what comes out can be joined to a folder's path: no segment is empty, `.` or `..`, none
 * holds `/` or NUL.
 * Spec: RFC 2326 §3.2, §14.2, C.1.1; RFC 3986 §2.1, §3.3.
 *
 *   rtsp://host:554/films/a%20b.mp4/trackID=2?token=x
 *          authority|-- segments --|- track -|- query
 */

import { headerError } from './errors';

/** Bounds the characters of a request URL. */
export const MAX_URL_CHARS = 4096;
/** Bounds the folders a URL may go down, the file included. */
export const MAX_URL_SEGMENTS = 64;
/** Bounds the track id: 2^31-1. */
export const MAX_TRACK_ID = 0x7fff_ffff;

/** Holds a request URL taken apart; shared by all who ask for it. */
export interface ControlUrl {
  /** The URL is `*`: the server itself (RFC 2326 §10.1). Then all the rest is empty. */
  readonly isServer: boolean;
  /** `host` or `host:port` as written, without user and password; undefined in a plain path. */
  readonly authority: string | undefined;
  /** Decoded names from the root of the media folder, 0..64; without the track. */
  readonly segments: readonly string[];
  /** Number of the `trackID=N` segment, 0..2^31-1; undefined when the URL names the whole presentation. */
  readonly trackId: number | undefined;
  /** What follows `?`, as written and without a track; undefined when there is no `?`. */
  readonly query: string | undefined;
  /**
   * URL of the whole presentation as the client wrote it, in visible ASCII without `"`: no user, no track, no
   * final slash. A track's control URL is this plus `/trackID=N`, Content-Base is this plus `/`.
   */
  readonly aggregateUrl: string;
}

const SERVER_URL: ControlUrl = {
  isServer: true,
  authority: undefined,
  segments: [],
  trackId: undefined,
  query: undefined,
  aggregateUrl: '*',
};

/** URLs by their text: all viewers of a movie ask for the same few, each of them several times. */
const parsed = new Map<string, ControlUrl>();
const MAX_KEPT_URLS = 256;
const MAX_KEPT_URL_CHARS = 512;

const ABSOLUTE_URL = /^(rtsp|rtspu|rtsps):\/\/([^/?]*)(.*)$/is;
const ANY_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL_OR_SURROGATE = /[\x00-\x1f\x7f\p{Surrogate}]/u;
const TRACK_SEGMENT = /^trackID=(\d+)$/i;

/**
 * Takes a request URL apart: `rtsp://…`, a plain path, or `*`. Percent-encoding is undone once, as UTF-8; a
 * backslash is an ordinary character; repeated and final slashes are skipped. A track behind the query is
 * understood too, since clients append it to whatever Content-Base they got.
 * Errors (RtspError): 400 on another scheme, a bad percent-encoding, bad UTF-8 or a control character; 404 on
 * a segment that is `.` or `..` or holds `/` or NUL, beyond MAX_URL_SEGMENTS, and on a track number above
 * 2^31-1; 414 beyond MAX_URL_CHARS.
 */
export function parseControlUrl(url: string): ControlUrl {
  const known = parsed.get(url);
  if (known !== undefined) return known;
  if (url.length > MAX_KEPT_URL_CHARS) return takeApart(url);
  const own = Buffer.from(url).toString(); // or what is kept would be a window into the request's head, kept whole
  if (own !== url) return takeApart(url); // half a character: refused
  const taken = Object.freeze(takeApart(own));
  if (parsed.size === MAX_KEPT_URLS) parsed.clear();
  parsed.set(own, taken);
  return taken;
}

function takeApart(url: string): ControlUrl {
  if (url === '*') return SERVER_URL;
  if (url.length > MAX_URL_CHARS)
    throw headerError('uriTooLarge', 'URL', url, `at most ${MAX_URL_CHARS} characters`);
  if (CONTROL_OR_SURROGATE.test(url)) throw headerError('badRequest', 'URL', url, 'no control characters');
  const { scheme, authority, rest } = splitAuthority(url);
  const question = rest.indexOf('?');
  const path = splitTrack(rawSegments(question < 0 ? rest : rest.slice(0, question)));
  const query = question < 0 ? undefined : splitQuery(rest.slice(question + 1));
  if (path.raw.length > MAX_URL_SEGMENTS)
    throw headerError('notFound', 'URL', url, `at most ${MAX_URL_SEGMENTS} segments`);
  const names = path.raw.map(decodeSegment);
  for (const name of names) checkName(url, name);
  const prefix = authority === undefined ? '' : `${scheme}://${authority}`;
  const aggregate = `${prefix}${path.raw.map((segment) => `/${segment}`).join('')}`;
  return {
    isServer: false,
    authority,
    segments: Object.freeze(names),
    trackId: query?.trackId ?? path.trackId,
    query: query?.text,
    aggregateUrl: visibleAscii(query === undefined ? aggregate : `${aggregate}?${query.text}`),
  };
}

function splitAuthority(url: string): { scheme: string; authority: string | undefined; rest: string } {
  const match = ABSOLUTE_URL.exec(url);
  if (match !== null) {
    const [, scheme = '', authority = '', rest = ''] = match;
    const host = authority.slice(authority.lastIndexOf('@') + 1);
    if (host === '') throw headerError('badRequest', 'URL', url, 'a host');
    return { scheme: scheme.toLowerCase(), authority: host, rest };
  }
  if (ANY_SCHEME.test(url)) throw headerError('badRequest', 'URL', url, 'rtsp://');
  return { scheme: '', authority: undefined, rest: url };
}

function rawSegments(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

/** Takes `trackID=N` off the end; its `=` may be percent-encoded. */
function splitTrack(segments: readonly string[]): { raw: readonly string[]; trackId: number | undefined } {
  const last = segments.at(-1);
  const match = last === undefined ? null : TRACK_SEGMENT.exec(decodeSegment(last));
  if (match === null) return { raw: segments, trackId: undefined };
  const trackId = Number(match[1]);
  if (trackId > MAX_TRACK_ID)
    throw headerError('notFound', 'URL', String(last), `trackID=0..${MAX_TRACK_ID}`);
  return { raw: segments.slice(0, -1), trackId };
}

/**
 * Takes `/trackID=N` or a slash off the end of a query, where clients put them that append to Content-Base.
 */
function splitQuery(query: string): { text: string; trackId: number | undefined } {
  const slash = query.lastIndexOf('/');
  if (slash < 0) return { text: query, trackId: undefined };
  const tail = query.slice(slash + 1);
  if (tail === '') return { text: query.slice(0, slash), trackId: undefined };
  const { trackId } = TRACK_SEGMENT.test(tail) ? splitTrack([tail]) : { trackId: undefined };
  return { text: trackId === undefined ? query : query.slice(0, slash), trackId };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw headerError('badRequest', 'URL', segment, 'percent-encoded UTF-8');
  }
}

function checkName(url: string, name: string): void {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0'))
    throw headerError('notFound', 'URL', url, 'plain file names');
}

/**
 * Percent-encodes what may not stand in a header as it is: spaces, quotes and everything outside of ASCII.
 */
function visibleAscii(url: string): string {
  return url.replace(/[^\x21\x23-\x7e]+/g, encodeURIComponent);
}
