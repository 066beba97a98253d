/** TEARDOWN: ends the session, or one of its tracks (RFC 2326 §10.7). */
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';

/** Ends what the URL names; the viewer hears BYE. The session's last track ends the session. 404 for a track that is not set up. */
export function teardown(exchange: RtspExchange): RtspReply {
  const session = exchange.session();
  const livesOn = session.tearDown(exchange.url);
  return livesOn ? { headers: { Session: session.header } } : {};
}
