/**
 * From a handler's reply to the bytes of an answer. Called by the connection. Rule: every answer says which request it is for
 * and who answers when. Spec: RFC 2326 §7, §12.10 (Connection), §12.17 (CSeq), §12.18 (Date), §12.36 (Server), §12.38 (Timestamp).
 */
import { type RtspRequest, writeResponse } from 'rtsp-stream-parser';
import { SERVER_NAME } from './error-reply';
import { cseqEcho } from './headers/cseq';
import { formatDate } from './headers/date';
import type { RtspReply } from './rtsp-reply';

/** A number, and what a proxy may have added for its delay. */
const TIMESTAMP = /^\d{1,20}(?:\.\d{0,20})?(?:\s+\d{0,20}(?:\.\d{0,20})?)?$/;

/** Whether a request asks for the connection to be closed behind its answer (RFC 2326 §12.10). */
export function asksToClose({ headers }: RtspRequest): boolean {
  if (!headers.has('Connection')) return false;
  return headers
    .getAll('Connection')
    .flatMap((value) => value.split(','))
    .some((option) => option.trim().toLowerCase() === 'close');
}

/** Writes the answer to `request`; `isLast` when the connection is closed behind it. */
export function writeReply(request: RtspRequest, reply: RtspReply, isLast: boolean): Uint8Array {
  const { status = 200, reason, headers, body } = reply;
  const all: Record<string, string> = {
    ...echoOf(request),
    Date: formatDate(Date.now()),
    Server: SERVER_NAME,
    ...(isLast ? { Connection: 'close' } : {}),
    ...headers,
  };
  return writeResponse({
    statusCode: status,
    ...(reason === undefined ? {} : { reasonPhrase: reason }),
    headers: all,
    ...(body === undefined ? {} : { body }),
  });
}

// What the client gave his request to know it by.
function echoOf({ headers }: RtspRequest): Record<string, string> {
  const timestamp = headers.get('Timestamp')?.trim();
  return {
    ...cseqEcho(headers.get('CSeq')),
    ...(timestamp !== undefined && TIMESTAMP.test(timestamp) ? { Timestamp: timestamp } : {}),
  };
}
