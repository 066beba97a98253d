/** SETUP: how one track reaches the client (RFC 2326 §10.4, §12.39). The first one makes the session. */
import { isIP } from 'node:net';
import {
  type CoroutineBody,
  isPending,
  type Presentation,
  type RoutedMedia,
  SocketAddress,
  settled,
} from '@finch/core';
import type { ClientConnection } from '../client-connection';
import { RtspError } from '../errors';
import { formatDate, isUnmodifiedSince } from '../headers/date';
import {
  parseBandwidth,
  parseBlocksize,
  parseDynamicRate,
  servedBlockBytes,
} from '../headers/delivery-wishes';
import { isClockedByArrival } from '../headers/player-clock';
import { formatTransport, parseTransport, selectTransports, type Transport } from '../headers/transport';
import type { RtspExchange } from '../rtsp-exchange';
import type { Answer, RtspReply } from '../rtsp-reply';
import { RtspSession } from '../rtsp-session';
import { CACHE_CONTROL, notModified } from './freshness';

/** What a client asks for besides the transport. */
interface Wishes {
  readonly blockBytes: number | undefined;
  readonly bandwidthBps: number | undefined;
  readonly isRateDynamic: boolean | undefined;
}

/**
 * Sets up one track. 304 when the client has the movie already, 404 no such track, 455 one that has played, 459 the whole movie
 * at once or a track more for a session that has played, 461 no transport fits, 462 a transport that leads to somebody else, 503
 * while the server stops.
 */
export function setup(exchange: RtspExchange): Answer {
  const value = exchange.request.headers.getAll('Transport').join(',');
  if (value === '') throw new RtspError('badRequest', 'Transport: the header is missing, expected RTP/AVP');
  const transports = servedOn(exchange.connection, selectTransports(parseTransport(value)));
  const wishes = wishesOf(exchange);
  const session = exchange.namedSession();
  if (session !== undefined) return setUp(exchange, session, transports, wishes);
  const media = mediaOf(exchange);
  const opening = media.open();
  return isPending(opening)
    ? setUpInTime(exchange, media, opening, transports, wishes)
    : setUpNew(exchange, newSession(exchange, media, opening), transports, wishes);
}

function* setUpInTime(
  exchange: RtspExchange,
  media: RoutedMedia,
  opening: PromiseLike<Presentation>,
  transports: readonly Transport[],
  wishes: Wishes,
): CoroutineBody<RtspReply> {
  const presentation = yield* settled(opening, (late) => late.close());
  return setUpNew(exchange, newSession(exchange, media, presentation), transports, wishes);
}

function setUpNew(
  exchange: RtspExchange,
  session: RtspSession,
  transports: readonly Transport[],
  wishes: Wishes,
): RtspReply {
  try {
    if (!isUnmodifiedSince(exchange.header('If-Modified-Since'), session.modifiedMs))
      return setUp(exchange, session, transports, wishes);
    session.end('the client has the movie already');
    return notModified(session.modifiedMs);
  } catch (error) {
    session.end('its first SETUP failed');
    throw error;
  }
}

// The first that can be served counts (RFC 2326 §12.39); when none can, the client hears why of the first.
function servedOn(connection: ClientConnection, offered: readonly Transport[]): readonly Transport[] {
  if (offered.every((transport) => refusalOf(transport, connection) === undefined)) return offered;
  const refusals = offered.map((transport) => refusalOf(transport, connection));
  const served = offered.filter((_, i) => refusals[i] === undefined);
  if (served.length === 0) throw refusals[0]!;
  return served;
}

function refusalOf(
  { lowerTransport, destination }: Transport,
  { isEncrypted, isWebSocket, peer }: ClientConnection,
): RtspError | undefined {
  // Over UDP the media of an encrypted connection would travel in clear, and a web page could have its viewer's ports flooded.
  if ((isEncrypted || isWebSocket) && lowerTransport !== 'TCP')
    return new RtspError(
      'unsupportedTransport',
      `Transport: expected RTP/AVP/TCP, this connection is ${isEncrypted ? 'encrypted' : 'a WebSocket'}`,
    );
  // Sending elsewhere would make the server a weapon against third parties (RFC 2326 §16).
  if (destination !== undefined && destination !== '' && !isHostOf(peer, destination))
    return new RtspError(
      'destinationUnreachable',
      `Transport: found destination ${destination}, expected ${peer.host} or none`,
    );
  return undefined;
}

// An IPv6 address has many spellings, and brackets in a URL.
function isHostOf(peer: SocketAddress, text: string): boolean {
  const host = text.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) !== 0 && SocketAddress.of(host, 0).host === peer.host;
}

function setUp(
  exchange: RtspExchange,
  session: RtspSession,
  transports: readonly Transport[],
  wishes: Wishes,
): RtspReply {
  const { url, connection, service } = exchange;
  const { blockBytes, bandwidthBps, isRateDynamic } = wishes;
  const maxPayloadBytes = servedBlockBytes(blockBytes ?? Infinity, service.maxPayloadBytes);
  const answer = session.setUpTrack(url, { transports, maxPayloadBytes }, connection);
  if (bandwidthBps !== undefined) session.player.bandwidthBps = bandwidthBps;
  if (isRateDynamic !== undefined) session.player.isRateDynamic = isRateDynamic;
  session.player.isClockedByArrival = isClockedByArrival(exchange.header('User-Agent'));
  const headers: Record<string, string> = {
    Transport: formatTransport(answer),
    Session: session.header,
    'Cache-Control': CACHE_CONTROL,
    'Last-Modified': formatDate(session.modifiedMs),
  };
  if (blockBytes !== undefined) headers.Blocksize = String(maxPayloadBytes);
  if (isRateDynamic !== undefined) headers['x-Dynamic-Rate'] = isRateDynamic ? '1' : '0';
  return { headers };
}

function wishesOf(exchange: RtspExchange): Wishes {
  const blocksize = exchange.header('Blocksize');
  const bandwidth = exchange.header('Bandwidth');
  const dynamicRate = exchange.header('x-Dynamic-Rate');
  return {
    blockBytes: blocksize === undefined ? undefined : parseBlocksize(blocksize),
    bandwidthBps: bandwidth === undefined ? undefined : parseBandwidth(bandwidth),
    isRateDynamic: dynamicRate === undefined ? undefined : parseDynamicRate(dynamicRate),
  };
}

function mediaOf({ connection, service, mediaRequest }: RtspExchange): RoutedMedia {
  if (service.isStopping) throw new RtspError('serviceUnavailable', 'the server stops');
  service.checkSessionRoom(connection);
  return service.host.roles.route(mediaRequest);
}

/** Makes a session of a movie that has been opened for it, and closes it when there is no room for the session. */
function newSession(
  { connection, service, url }: RtspExchange,
  media: RoutedMedia,
  presentation: Presentation,
): RtspSession {
  try {
    service.admitSession(connection); // others may have come while the movie was opened
    const session = new RtspSession(service, media, presentation, url.segments, connection.peer);
    service.sessionBegins(session);
    return session;
  } catch (error) {
    presentation.close();
    throw error;
  }
}
