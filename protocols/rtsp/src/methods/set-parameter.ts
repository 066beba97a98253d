/** SET_PARAMETER: a sign of life when it sets nothing (RFC 2326 §10.9). */
import type { CoroutineBody } from '@finch/core';
import { RtspError } from '../errors';
import type { RtspExchange, RtspReply } from '../rtsp-exchange';

/** Keeps the session alive. 451 for parameters: there are none so far. */
// biome-ignore lint/correctness/useYield: every handler is a coroutine; this one has nothing to wait for
export function* setParameter(exchange: RtspExchange): CoroutineBody<RtspReply> {
  const session = exchange.namedSession();
  if (exchange.request.body.length > 0)
    throw new RtspError('parameterNotUnderstood', 'no parameter can be set');
  return session === undefined ? {} : { headers: { Session: session.header } };
}
