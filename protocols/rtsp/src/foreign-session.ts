/**
 * Sessions of other task threads: a client may use his session from any connection, and the thread that accepted that one
 * need not be the session's. Then the connection goes there, with the request that names the session. Called by connections
 * and the service. Rule: a connection goes once for a request, and never while it carries media.
 * Spec: RFC 2326 §1.1, §3.4 (a session is not tied to a connection).
 */
import type { TaskThreadHost } from '@finch/core';
import { RtspHeaders, type RtspRequest, writeRequest } from 'rtsp-stream-parser';
import { parseSession } from './headers/session';
import { threadOfSession } from './session-id';

/** Claims what other threads send to this one. */
export function threadKey(threadIndex: number): string {
  return `sessions of thread ${threadIndex}`;
}

/** The thread that has the session which a request names; -1 when that is this one, or nobody. */
export function foreignThreadOf({ headers }: RtspRequest, host: TaskThreadHost): number {
  const value = host.threadCount > 1 ? headers.get('Session') : undefined;
  if (value === undefined) return -1;
  const thread = threadOfSession(idOf(value));
  return thread >= 1 && thread <= host.threadCount && thread !== host.threadIndex ? thread : -1;
}

/** The request's bytes again, with `rest` behind; undefined for a request that the parser takes and nobody would write. */
export function bytesAgain(request: RtspRequest, rest: Uint8Array): Uint8Array | undefined {
  // Deviates: ffmpeg sends URLs with spaces as they stand in the file's name.
  const url = request.url.replaceAll(' ', '%20').replaceAll('\t', '%09');
  const headers = new RtspHeaders(request.headers);
  headers.delete('Content-Length'); // as the writer writes it
  try {
    return Buffer.concat([writeRequest({ ...request, url, headers }), rest]);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function idOf(session: string): string {
  try {
    return parseSession(session).id;
  } catch {
    return '';
  }
}
