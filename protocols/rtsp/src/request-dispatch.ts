/**
 * From a request to the reply of its method's handler. Called by the connection, for every request in turn. Rule: what holds
 * for all methods is checked here, in this order, and whatever is thrown becomes an answer. Spec: RFC 2326 §7.1.1, §12.17, §12.32.
 */
import type { CoroutineBody } from '@finch/core';
import type { RtspRequest } from 'rtsp-stream-parser';
import type { ClientConnection } from './client-connection';
import { parseControlUrl } from './control-url';
import { errorReply } from './error-reply';
import { RtspError } from './errors';
import { parseCSeq } from './headers/cseq';
import { checkRequire } from './headers/require';
import { handlerOf } from './methods';
import { refusalError } from './refusals';
import { RtspExchange } from './rtsp-exchange';
import { type Answer, isComing, type RtspReply } from './rtsp-reply';

const RTSP_VERSION = 'RTSP/1.0';
/** RTSP options that a client may require (RFC 2326 §12.32): none so far. */
const SUPPORTED_OPTIONS: ReadonlySet<string> = new Set();

/** Has the request's method answer it. */
export function replyTo(connection: ClientConnection, request: RtspRequest): Answer {
  try {
    if (connection.refusal !== undefined) throw refusalError(connection.refusal);
    if (request.version !== RTSP_VERSION)
      throw new RtspError('versionNotSupported', `found ${request.version}, expected ${RTSP_VERSION}`);
    parseCSeq(request.headers.get('CSeq'));
    checkRequire(request.headers.get('Require'), SUPPORTED_OPTIONS);
    checkRequire(request.headers.get('Proxy-Require'), SUPPORTED_OPTIONS);
    const handler = handlerOf(request.method);
    const answer = handler(new RtspExchange(connection, request, parseControlUrl(request.url)));
    return isComing(answer) ? inTime(answer, connection, request) : answer;
  } catch (error) {
    return errorReply(error, request, connection);
  }
}

function* inTime(
  coming: CoroutineBody<RtspReply>,
  connection: ClientConnection,
  request: RtspRequest,
): CoroutineBody<RtspReply> {
  try {
    return yield* coming;
  } catch (error) {
    return errorReply(error, request, connection);
  }
}

/** The error of what came too soon after too many others. */
export function rateError({ service }: ClientConnection): RtspError {
  const text = `more than ${service.settings.maxRequestsPerSecond} requests a second`;
  return new RtspError('serviceUnavailable', text, { 'Retry-After': '1' });
}
