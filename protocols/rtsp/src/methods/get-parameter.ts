/** GET_PARAMETER: what is asked of the session, or a sign of life when it asks for nothing (RFC 2326 §10.8). */
import { checkParametersType, parseParameters } from '../headers/parameters';
import { answerParameters, refuseUnknown } from '../parameters';
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';

/** Answers with the values; see parameters.ts for the names. 451 for unknown ones, 415 for another format than theirs. */
export function getParameter(exchange: RtspExchange): RtspReply {
  return exchange.inSession(() => valuesOf(exchange));
}

function valuesOf(exchange: RtspExchange): RtspReply {
  const { body } = exchange.request;
  if (body.length === 0) return {};
  checkParametersType(exchange.header('Content-Type'));
  const names = parseParameters(body).map(({ name }) => name);
  return refuseUnknown(names) ?? answerParameters(names, exchange.session().parameters(exchange.url));
}
