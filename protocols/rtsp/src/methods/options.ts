/** OPTIONS: what the server can do, and a sign of life (RFC 2326 §10.1). */
import type { CoroutineBody } from '@finch/core';
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';
import { publicMethods } from './method-names';

/** Lists the methods. A session that the request names is kept alive. */
// biome-ignore lint/correctness/useYield: every handler is a coroutine; this one has nothing to wait for
export function* options(exchange: RtspExchange): CoroutineBody<RtspReply> {
  exchange.namedSession();
  return { headers: { Public: publicMethods() } };
}
