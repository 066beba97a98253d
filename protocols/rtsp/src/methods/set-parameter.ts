/** SET_PARAMETER: sets what may change while a movie plays, or is a sign of life when it sets nothing (RFC 2326 §10.9). */
import { checkParametersType, parseParameters } from '../headers/parameters';
import { readChanges, refuseToSet } from '../parameters';
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';

/**
 * Sets all that is named, or nothing of it. 451 with the names that are not known, 458 with those that can only be read, 400 for
 * values that can't be; 415 for another format than theirs.
 */
export function setParameter(exchange: RtspExchange): RtspReply {
  return exchange.inSession(() => set(exchange));
}

function set(exchange: RtspExchange): RtspReply {
  const { body } = exchange.request;
  if (body.length === 0) return {};
  checkParametersType(exchange.header('Content-Type'));
  const lines = parseParameters(body);
  if (lines.length === 0) return {};
  const refusal = refuseToSet(lines.map(({ name }) => name));
  if (refusal !== undefined) return refusal;
  const changes = readChanges(lines);
  const session = exchange.session();
  session.checkAggregate(exchange.url);
  for (const change of changes) change(session.player);
  return {};
}
