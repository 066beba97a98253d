/**
 * Session: the id of a session and its timeout. Called by every method after SETUP (parse) and by every
 * response of a session (format). Rule: an id that this server could not have made is a session that is not
 * found.
 * Spec: RFC 2326 §12.37, §3.4, §11.3.5.
 */

import { headerError } from '../errors';
import { splitList, splitParameter } from './parameter-list';

/** Bounds the characters of a session id; RFC 2326 §3.4 asks for 8 at least when making one, and sets no end. */
export const MAX_SESSION_ID_CHARS = 128;

/** Bounds the timeout in seconds: a day. */
export const MAX_SESSION_TIMEOUT_SECONDS = 86_400;

const SESSION_ID = /^[A-Za-z0-9$\-_.+]+$/;

/** Holds a Session header. */
export interface SessionHeader {
  /** 1..128 characters of ALPHA, DIGIT, `$-_.+`. */
  readonly id: string;
  /**
   * Seconds without a sign of life after which the server ends the session, 1..86400. 60 is meant when
   * absent.
   */
  readonly timeoutSeconds?: number;
}

function isSessionId(id: string): boolean {
  return id.length <= MAX_SESSION_ID_CHARS && SESSION_ID.test(id);
}

function isTimeoutSeconds(seconds: number): boolean {
  return Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_SESSION_TIMEOUT_SECONDS;
}

/**
 * Parses `id;timeout=60`. Unknown parameters are ignored, and so is a timeout that makes no sense: it is the
 * server's to say, and clients only echo it. RtspError 454 when the id is missing or not an id (RFC 2326
 * §11.3.5).
 */
export function parseSession(value: string): SessionHeader {
  if (isSessionId(value)) return { id: value };
  const [id = '', ...rest] = splitList('Session', value, ';', 'sessionNotFound');
  if (!isSessionId(id)) throw headerError('sessionNotFound', 'Session', value, 'a session id');
  const timeout = rest.map(splitParameter).find((parameter) => parameter.name === 'timeout')?.value ?? '';
  const timeoutSeconds = /^\d{1,9}$/.test(timeout) ? Number(timeout) : 0;
  return isTimeoutSeconds(timeoutSeconds) ? { id, timeoutSeconds } : { id };
}

/** Formats `id;timeout=60`, or `id`. TypeError on a bad `id`, RangeError on a bad `timeoutSeconds`. */
export function formatSession(session: SessionHeader): string {
  const { id, timeoutSeconds } = session;
  if (!isSessionId(id))
    throw new TypeError(`session.id must be 1..${MAX_SESSION_ID_CHARS} id characters: ${id}`);
  if (timeoutSeconds === undefined) return id;
  if (!isTimeoutSeconds(timeoutSeconds))
    throw new RangeError(
      `session.timeoutSeconds must be 1..${MAX_SESSION_TIMEOUT_SECONDS}: ${timeoutSeconds}`,
    );
  return `${id};timeout=${timeoutSeconds}`;
}
