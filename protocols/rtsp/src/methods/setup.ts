/** SETUP: how one track reaches the client (RFC 2326 §10.4, §12.39). The first one makes the session. */
import { type CoroutineBody, settled } from '@finch/core';
import { RtspError } from '../errors';
import { formatTransport, parseTransport, selectTransport, type Transport } from '../headers/transport';
import type { RtspConnection } from '../rtsp-connection';
import type { RtspExchange, RtspReply } from '../rtsp-exchange';
import { RtspSession } from '../rtsp-session';

/** Sets up one track. 404 no such track, 455 while it plays, 459 the whole movie at once, 461 no transport fits. */
export function* setup(exchange: RtspExchange): CoroutineBody<RtspReply> {
  const value = exchange.request.headers.getAll('Transport').join(',');
  if (value === '') throw new RtspError('badRequest', 'Transport: the header is missing');
  const transport = selectTransport(servedOn(exchange.connection, parseTransport(value)));
  checkDestination(transport, exchange);
  const named = exchange.namedSession();
  const session = named ?? (yield* newSession(exchange));
  try {
    const answer = session.setUpTrack(exchange.url, transport, exchange.connection);
    return { headers: { Transport: formatTransport(answer), Session: session.header } };
  } catch (error) {
    if (named === undefined) session.end('its first SETUP failed');
    throw error;
  }
}

// Over UDP the media of an encrypted connection would travel in clear: on RTSPS it is interleaved.
function servedOn({ isEncrypted }: RtspConnection, offered: readonly Transport[]): readonly Transport[] {
  if (!isEncrypted) return offered;
  const interleaved = offered.filter(({ lowerTransport }) => lowerTransport === 'TCP');
  if (interleaved.length === 0)
    throw new RtspError(
      'unsupportedTransport',
      'Transport: expected RTP/AVP/TCP, this connection is encrypted',
    );
  return interleaved;
}

function* newSession({ connection, service, url }: RtspExchange): CoroutineBody<RtspSession> {
  const media = service.host.roles.route({ path: url.segments, clientHost: connection.peer.host });
  const presentation = yield* settled(media.open(), (late) => late.close());
  return new RtspSession(service, media, presentation, url.segments, connection.peer.host);
}

// Sending elsewhere would make the server a weapon against third parties (RFC 2326 §16).
function checkDestination({ destination }: Transport, { connection }: RtspExchange): void {
  if (destination !== undefined && destination !== '' && destination !== connection.peer.host)
    throw new RtspError('forbidden', `Transport: destination ${destination} is not the client`);
}
