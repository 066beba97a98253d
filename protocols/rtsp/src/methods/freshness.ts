/**
 * How long what a client knows of a movie is true, as DESCRIBE and SETUP tell it: until the movie changes, and he has to ask.
 * Spec: RFC 2326 §12.8, §12.23, §12.26.
 */
import { formatDate } from '../headers/date';
import type { RtspReply } from '../rtsp-reply';

const NOT_MODIFIED = 304;
/** The value of Cache-Control, beside Last-Modified. */
export const CACHE_CONTROL = 'must-revalidate';

/** The answer to who has the latest description already, of a movie that was changed at `modifiedMs`. */
export function notModified(modifiedMs: number): RtspReply {
  const headers = { 'Cache-Control': CACHE_CONTROL, 'Last-Modified': formatDate(modifiedMs) };
  return { status: NOT_MODIFIED, headers };
}
