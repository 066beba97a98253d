/** PAUSE: stops sending and keeps the position (RFC 2326 §10.6). */
import type { CoroutineBody } from '@finch/core';
import { formatRange } from '../headers/range';
import type { RtspExchange, RtspReply } from '../rtsp-exchange';

const US_PER_S = 1_000_000;

/** Pauses the session at once; the answer says where. Before the first PLAY it changes nothing. */
// biome-ignore lint/correctness/useYield: every handler is a coroutine; this one has nothing to wait for
export function* pause(exchange: RtspExchange): CoroutineBody<RtspReply> {
  const session = exchange.session();
  session.checkAggregate(exchange.url);
  const positionUs = session.pause();
  return {
    headers: { Session: session.header, Range: formatRange({ unit: 'npt', start: positionUs / US_PER_S }) },
  };
}
