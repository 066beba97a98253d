/**
 * The request that makes an HTTP connection a WebSocket, and what is wrong with one that can't. Used by http-request.ts, which
 * answers. Rule: programs are let in as over plain RTSP, web pages only where their origin was named: a browser lends its place in the
 * network to every page that it shows. Spec: RFC 6455 §4.2, §10.2; ONVIF Streaming Specification §7.
 */
import { createHash } from 'node:crypto';
import type { RtspHeaders, RtspRequest } from 'rtsp-stream-parser';
import { quoteWireValue } from './errors';

/** What is spoken within; ONVIF's name for it. */
const SUBPROTOCOL = 'rtsp.onvif.org';
const VERSION = '13';
/** What a key is hashed with (RFC 6455 §1.3). */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
const ANY_ORIGIN = '*';

/** Why a handshake is refused. */
export interface HandshakeFlaw {
  readonly statusCode: number;
  /** One line: which header, what was found, what was expected. */
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whether a request of HTTP asks for a WebSocket. */
export function asksForWebSocket({ headers }: RtspRequest): boolean {
  return hasToken(headers, 'Upgrade', 'websocket');
}

/** What is wrong with a handshake, if anything is; `origins` are those of the web pages that are let in, or `*`. */
export function flawOf(request: RtspRequest, origins: readonly string[]): HandshakeFlaw | undefined {
  const { method, version, headers } = request;
  const origin = headers.get('Origin');
  if (method !== 'GET') return flaw('method', method, 'GET');
  if (version === 'HTTP/1.0') return flaw('version', version, 'HTTP/1.1');
  if (!headers.has('Host')) return flaw('Host', undefined, 'the name of this server');
  if (!hasToken(headers, 'Connection', 'upgrade'))
    return flaw('Connection', headers.get('Connection'), 'Upgrade');
  if (headers.get('Sec-WebSocket-Version') !== VERSION) {
    const wanted = { Upgrade: 'websocket', Connection: 'close, Upgrade', 'Sec-WebSocket-Version': VERSION };
    const { text } = flaw('Sec-WebSocket-Version', headers.get('Sec-WebSocket-Version'), VERSION);
    return { statusCode: 426, text, headers: wanted };
  }
  if (!KEY.test(headers.get('Sec-WebSocket-Key') ?? ''))
    return flaw('Sec-WebSocket-Key', headers.get('Sec-WebSocket-Key'), '16 bytes in base64');
  if (!itemsOf(headers, 'Sec-WebSocket-Protocol').includes(SUBPROTOCOL))
    return flaw('Sec-WebSocket-Protocol', headers.get('Sec-WebSocket-Protocol'), SUBPROTOCOL);
  if (origin !== undefined && !origins.includes(origin) && !origins.includes(ANY_ORIGIN))
    return flaw('Origin', origin, 'a page that --web-origins lets in', 403);
  return undefined;
}

/** The headers of the answer to a handshake without flaw. */
export function acceptHeaders({ headers }: RtspRequest): Readonly<Record<string, string>> {
  const hash = createHash('sha1').update(`${headers.get('Sec-WebSocket-Key')}${KEY_SUFFIX}`);
  return {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Accept': hash.digest('base64'),
    'Sec-WebSocket-Protocol': SUBPROTOCOL,
  };
}

/** Whether a list has an item, `token` in lower case: those of Upgrade and Connection compare without regard to case. */
function hasToken(headers: RtspHeaders, name: string, token: string): boolean {
  return itemsOf(headers, name).some((item) => item.toLowerCase() === token);
}

/** The items of a list; subprotocols compare as they are (RFC 6455 §4.1). */
function itemsOf(headers: RtspHeaders, name: string): string[] {
  const value = headers.getAll(name).join(',');
  return value.split(',').map((item) => item.trim());
}

function flaw(name: string, found: string | undefined, expected: string, statusCode = 400): HandshakeFlaw {
  const what = found === undefined ? 'none' : quoteWireValue(found);
  return { statusCode, text: `${name}: found ${what}, expected ${expected}` };
}
