/**
 * From what a handler threw to the answer that the client gets. Called by the connection, in one place for all methods.
 * Rule: the client hears in one line what was wrong and what was expected; what he can't help is logged, not told.
 */
import { MediaError, type MediaErrorCode } from '@finch/core';
import { type RtspParseError, type RtspRequest, writeResponse } from 'rtsp-stream-parser';
import type { ClientConnection } from './client-connection';
import { RtspError, type RtspErrorCode, type RtspErrorHeaders } from './errors';
import { cseqEcho } from './headers/cseq';
import { formatDate } from './headers/date';
import { RETRY_AFTER_SECONDS } from './refusals';
import type { RtspReply } from './rtsp-reply';

/** Names this server in answers; the version stays out of the hands of those who scan for it. */
export const SERVER_NAME = 'Finch';

const MEDIA_ERRORS: Readonly<Record<MediaErrorCode, RtspErrorCode>> = {
  'not-found': 'notFound',
  unsupported: 'unsupportedMediaType',
  broken: 'unsupportedMediaType',
  gone: 'notFound',
  busy: 'serviceUnavailable',
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
};

/** What a module's refusal asks for that names no challenge of its own. */
const DEFAULT_CHALLENGE = 'Basic realm="movies"';

/** Makes the answer, and logs what the operator should know: files that can't be served, and failures of our own. */
export function errorReply(error: unknown, request: RtspRequest, connection: ClientConnection): RtspReply {
  const { log, failures } = connection.service;
  if (error instanceof RtspError) {
    log.debug(`${connection.peer} ${request.method}: ${error.message}`);
    return replyTo(error);
  }
  if (error instanceof MediaError) {
    failures.write('warn', `${connection.peer} ${request.method}: ${error.message}`);
    const isChallenge = error.code === 'unauthorized';
    const headers = isChallenge ? { 'WWW-Authenticate': error.challenge ?? DEFAULT_CHALLENGE } : {};
    return replyTo(new RtspError(MEDIA_ERRORS[error.code], error.message, headers));
  }
  failures.write(
    'error',
    `${connection.peer} ${request.method} failed: ${error instanceof Error ? error.stack : String(error)}`,
  );
  return replyTo(new RtspError('internalServerError'));
}

/** Writes the last answer on a connection whose bytes are no RTSP. */
export function parseErrorAnswer({ statusCode, message, cseq }: RtspParseError): Uint8Array {
  return lastAnswer(statusCode, message, cseqEcho(cseq));
}

/** Writes the last answer on a connection that is ended in the middle of a request; `cseq` is what that came with, if it had come. */
export function errorAnswer(
  { status, detail, message, headers }: RtspError,
  cseq: string | undefined,
): Uint8Array {
  return lastAnswer(status, detail ?? message, { ...cseqEcho(cseq), ...headers });
}

function lastAnswer(statusCode: number, text: string, headers: RtspErrorHeaders): Uint8Array {
  return writeResponse({
    statusCode,
    headers: {
      Date: formatDate(Date.now()),
      Server: SERVER_NAME,
      Connection: 'close',
      ...headers,
      'Content-Type': 'text/plain',
    },
    body: Buffer.from(`${text}\r\n`),
  });
}

function replyTo({ code, status, detail, headers }: RtspError): RtspReply {
  const all = {
    ...(code === 'serviceUnavailable' ? { 'Retry-After': RETRY_AFTER_SECONDS } : {}),
    ...headers,
  };
  if (detail === undefined) return { status, headers: all };
  return {
    status,
    headers: { ...all, 'Content-Type': 'text/plain' },
    body: Buffer.from(`${detail}\r\n`),
  };
}
