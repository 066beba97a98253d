/** SET_PARAMETER: a sign of life when it sets nothing (RFC 2326 §10.9). */
import type { CoroutineBody } from '@finch/core';
import { checkParametersType, parseParameterNames } from '../headers/parameters';
import { refuseParameters } from '../parameters';
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';

/** Keeps the session alive. 451 for parameters that are not known, 458 for the others: none can be set so far. */
// biome-ignore lint/correctness/useYield: every handler is a coroutine; this one has nothing to wait for
export function* setParameter(exchange: RtspExchange): CoroutineBody<RtspReply> {
  const session = exchange.namedSession();
  const { body } = exchange.request;
  const headers: Record<string, string> = session === undefined ? {} : { Session: session.header };
  if (body.length === 0) return { headers };
  checkParametersType(exchange.header('Content-Type'));
  const names = parseParameterNames(body);
  if (names.length === 0) return { headers };
  const reply = refuseParameters(names);
  return { ...reply, headers: { ...headers, ...reply.headers } };
}
