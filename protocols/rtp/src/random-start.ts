/**
 * Random numbers that an RTP source begins with: SSRC, sequence number, timestamp offset. Used by senders, clocks and
 * retransmission streams. Rule: they can't be guessed, and a crowd that comes at once does not ask the system for each of them.
 * Spec: RFC 3550 §5.1, §8.1. Thread: any; each has a pool of its own.
 */
import { randomFillSync } from 'node:crypto';

/** What one request to the system gives: numbers for some hundred viewers. */
const POOL_BYTES = 4096;

const pool = new Uint32Array(POOL_BYTES / 4);
let left = 0;

/** A random number of 32 bits; each is given out once. */
export function randomUint32(): number {
  if (left === 0) {
    randomFillSync(pool);
    left = pool.length;
  }
  return pool[--left]!;
}

/** A random number of 16 bits. */
export function randomUint16(): number {
  return randomUint32() >>> 16;
}
