/**
 * Session ids: randomness, and the task thread that has the session. Made by the session, read by connections of all threads.
 * Rule: who guesses an id learns nothing; the thread in it is a hint where to ask, never a proof. Spec: RFC 2326 §3.4.
 */
import { randomFillSync } from 'node:crypto';

/** Bytes of randomness: 120 bits, beyond guessing (RFC 2326 §3.4 asks for 8 octets at least). */
const RANDOM_BYTES = 15;
const THREAD_DIGITS = 2;
/** Ids whose randomness is fetched at once: a crowd that comes does not ask the system for each of them. */
const POOLED_IDS = 256;
const SESSION_ID = /^[0-9a-f]{30}([0-9a-f]{2})$/;

const pool = Buffer.alloc(POOLED_IDS * RANDOM_BYTES);
let usedBytes = pool.length;

/** Makes the id of a session of the task thread `threadIndex`, 1..255: 32 hexadecimal digits, the last two of them the thread. */
export function makeSessionId(threadIndex: number): string {
  if (usedBytes === pool.length) {
    randomFillSync(pool);
    usedBytes = 0;
  }
  const digits = pool.toString('hex', usedBytes, usedBytes + RANDOM_BYTES);
  pool.fill(0, usedBytes, usedBytes + RANDOM_BYTES); // each is given out once
  usedBytes += RANDOM_BYTES;
  return digits + threadIndex.toString(16).padStart(THREAD_DIGITS, '0');
}

/** The task thread whose session it claims to be; -1 when it is no id of this server. */
export function threadOfSession(id: string): number {
  const digits = SESSION_ID.exec(id)?.[1];
  return digits === undefined ? -1 : Number.parseInt(digits, 16);
}
