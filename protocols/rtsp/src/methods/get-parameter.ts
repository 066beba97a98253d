/** GET_PARAMETER: a sign of life when it asks for nothing (RFC 2326 §10.8). */
import type { CoroutineBody } from '@finch/core';
import { RtspError } from '../errors';
import type { RtspExchange, RtspReply } from '../rtsp-exchange';

/** Keeps the session alive. 451 for parameters: there are none so far. */
// biome-ignore lint/correctness/useYield: every handler is a coroutine; this one has nothing to wait for
export function* getParameter(exchange: RtspExchange): CoroutineBody<RtspReply> {
  const session = exchange.namedSession();
  if (exchange.request.body.length > 0)
    throw new RtspError('parameterNotUnderstood', 'no parameter can be asked for');
  return session === undefined ? {} : { headers: { Session: session.header } };
}
