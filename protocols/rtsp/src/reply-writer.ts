/**
 * From a handler's reply to the bytes of an answer. Called by the connection. Rule: every answer says which request it is for
 * and who answers when. Spec: RFC 2326 §7, §12.10 (Connection), §12.17 (CSeq), §12.18 (Date), §12.36 (Server), §12.38 (Timestamp).
 */
import { RtspHeaders, type RtspRequest, writeResponse } from 'rtsp-stream-parser';
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
  const { status: statusCode = 200, reason: reasonPhrase, body } = reply;
  const headers = new RtspHeaders();
  echo(request, headers);
  headers.append('Date', formatDate(Date.now()));
  headers.append('Server', SERVER_NAME);
  if (isLast) headers.append('Connection', 'close');
  if (reply.headers !== undefined)
    for (const name of Object.keys(reply.headers)) headers.set(name, reply.headers[name]!);
  return writeResponse({ statusCode, reasonPhrase, headers, body });
}

// What the client gave his request to know it by.
function echo(request: RtspRequest, headers: RtspHeaders): void {
  const { CSeq } = cseqEcho(request.headers.get('CSeq'));
  if (CSeq !== undefined) headers.append('CSeq', CSeq);
  const timestamp = request.headers.get('Timestamp')?.trim();
  if (timestamp !== undefined && TIMESTAMP.test(timestamp)) headers.append('Timestamp', timestamp);
}
