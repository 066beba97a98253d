/** TEARDOWN: ends the session (RFC 2326 §10.7). */
import type { CoroutineBody } from '@finch/core';
import type { RtspExchange, RtspReply } from '../rtsp-exchange';

/** Ends the session, whichever of its URLs is named; the viewer hears BYE. */
// biome-ignore lint/correctness/useYield: every handler is a coroutine; this one has nothing to wait for
export function* teardown(exchange: RtspExchange): CoroutineBody<RtspReply> {
  exchange.session().end('teardown');
  return {};
}
