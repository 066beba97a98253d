/** OPTIONS: what the server can do, and a sign of life (RFC 2326 §10.1). */
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';
import { PUBLIC_METHODS } from './method-names';

/** Lists the methods. A session that the request names is kept alive. */
export function options(exchange: RtspExchange): RtspReply {
  exchange.namedSession();
  return { headers: { Public: PUBLIC_METHODS } };
}
