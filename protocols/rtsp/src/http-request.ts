/**
 * HTTP on the RTSP port: the two halves of a tunnel, WebSockets, and everything else, which is told that this is no web server.
 * Called by the connection with the first HTTP request that it reads. Rule: only the first message of a connection can make
 * it a half of a tunnel or a WebSocket; all other HTTP is answered and ended. Spec: Apple, "Tunnelling RTSP and RTP through HTTP";
 * RFC 6455 §4.
 */
import { type RtspRequest, writeResponse } from 'rtsp-stream-parser';
import type { ClientConnection } from './client-connection';
import { SERVER_NAME } from './error-reply';
import { formatDate } from './headers/date';
import { RETRY_AFTER_SECONDS, refusalText } from './refusals';
import { acceptHeaders, asksForWebSocket, flawOf } from './websocket-handshake';

/** What the server calls the tunnel's stream; clients call it so, too. */
const TUNNEL_TYPE = 'application/x-rtsp-tunnelled';
/** Clients send some 22 characters. */
const COOKIE = /^[!-~]{1,128}$/;
/** Answers to a tunnel are of HTTP/1.0 whatever was asked: an answer without end has no place in HTTP/1.1. */
const VERSION = 'HTTP/1.0';
/** Answers that speak of an upgrade are of HTTP/1.1 (RFC 7230 §6.7, RFC 6455 §4.2.2). */
const UPGRADE_VERSION = 'HTTP/1.1';
const SWITCHING_PROTOCOLS = 101;
/** Of the statuses that RTSP does not have. */
const PHRASES: Readonly<Record<number, string>> = { 101: 'Switching Protocols', 426: 'Upgrade Required' };

/** A connection whose client may speak HTTP. */
export interface HttpClient extends ClientConnection {
  /** Makes this the GET half of the tunnel `key`. */
  openTunnel(key: string): void;
  /** Makes what goes and comes from now on messages of a WebSocket; `rest` has come already. */
  openWebSocket(rest: Uint8Array): void;
  /** Gives the socket to who claims `key`, with what was read of it and is his. */
  handOver(key: string, rest: Uint8Array): void;
}

/** Whether a request is HTTP's and not RTSP's. */
export function isHttp({ version }: RtspRequest): boolean {
  return version.startsWith('HTTP/');
}

/**
 * Answers an HTTP request. `rest` is what was read behind its head; `isFirst`: nothing came before it on its connection.
 * Returns whether the connection goes on, as a tunnel or a WebSocket.
 */
export function answerHttp(
  connection: HttpClient,
  request: RtspRequest,
  rest: Uint8Array,
  isFirst: boolean,
): boolean {
  const { method, headers } = request;
  const cookie = headers.get('x-sessioncookie');
  const isTunnel = cookie !== undefined && (method === 'GET' || method === 'POST');
  if (connection.refusal !== undefined)
    refuse(connection, 503, refusalText(connection.refusal), { 'Retry-After': RETRY_AFTER_SECONDS });
  else if (!isFirst) refuse(connection, 400, `${method}: expected as the first request of its connection`);
  else if (asksForWebSocket(request)) return openWebSocket(connection, request, rest);
  else if (!isTunnel) refuse(connection, 404, 'this port serves RTSP: open rtsp:// URLs of it in a player');
  else if (connection.isEncrypted)
    refuse(connection, 501, 'no tunnel through HTTPS: open rtsps:// URLs of this port in a player');
  else if (!COOKIE.test(cookie))
    refuse(connection, 400, 'x-sessioncookie: expected 1..128 visible characters');
  else if (headers.has('Transfer-Encoding'))
    refuse(connection, 501, 'Transfer-Encoding: expected none, a tunnel is plain base64');
  else if (method === 'GET') return openTunnel(connection, cookie);
  else connection.handOver(tunnelKey(connection, cookie), rest);
  return false;
}

/** A tunnel is its client's: nobody at another address can join it, whatever his cookie is. */
function tunnelKey({ peer }: HttpClient, cookie: string): string {
  return `${peer.host} ${cookie}`;
}

function openTunnel(connection: HttpClient, cookie: string): true {
  const headers = {
    Connection: 'close',
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'Content-Type': TUNNEL_TYPE,
  };
  send(connection, 200, headers);
  connection.openTunnel(tunnelKey(connection, cookie));
  return true;
}

function openWebSocket(connection: HttpClient, request: RtspRequest, rest: Uint8Array): boolean {
  const flaw = flawOf(request, connection.service.settings.webOrigins);
  if (flaw === undefined) {
    send(connection, SWITCHING_PROTOCOLS, acceptHeaders(request));
    connection.openWebSocket(rest);
  } else refuse(connection, flaw.statusCode, flaw.text, flaw.headers);
  return flaw === undefined;
}

function refuse(
  connection: HttpClient,
  statusCode: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  connection.service.log.debug(`${connection.peer} HTTP: ${statusCode} ${text}`);
  send(
    connection,
    statusCode,
    { Connection: 'close', 'Content-Type': 'text/plain', ...headers },
    Buffer.from(`${text}\r\n`),
  );
}

function send(
  { tcp }: HttpClient,
  statusCode: number,
  headers: Readonly<Record<string, string>>,
  body?: Uint8Array,
): void {
  const all = { Date: formatDate(Date.now()), Server: SERVER_NAME, ...headers };
  const version = 'Upgrade' in headers ? UPGRADE_VERSION : VERSION;
  const phrase = PHRASES[statusCode];
  tcp.send(
    writeResponse({
      version,
      statusCode,
      headers: all,
      ...(phrase === undefined ? {} : { reasonPhrase: phrase }),
      ...(body === undefined ? {} : { body }),
    }),
  );
}
