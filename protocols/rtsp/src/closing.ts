/**
 * What has come and nobody will read, before a connection is closed. Called by the connection at its end. Rule: the kernel answers
 * a close over unread bytes with a reset, which takes the last answer with it (RFC 1122 §4.2.2.13): they are read and dropped first,
 * so many and for so long, and no more. Thread: the connection's.
 */
import { type CoroutineBody, Errno, type StreamConnection, sleep } from '@finch/core';

/** Bytes that are dropped at most before a connection is closed. */
export const MAX_DRAINED_BYTES = 65_536;
/** How often, and after how many milliseconds each, a TLS record that has begun is looked for: a second in all. */
const HELLO_LOOKS = 20;
const HELLO_LOOK_MS = 50;
/** Type, version, and length in the last two bytes (RFC 8446 §5.1). */
const TLS_RECORD_HEADER_BYTES = 5;

/**
 * Reads and drops what is there, into `buffer`, until the end or MAX_DRAINED_BYTES in all. Of a TLS record that began with `hello`
 * the rest is waited for: a client who has said hello says nothing more until he is answered, and so sees the end as an end.
 */
export function* drain(
  connection: Pick<StreamConnection, 'drain'>,
  buffer: Uint8Array,
  hello?: Uint8Array,
): CoroutineBody {
  const expected = hello === undefined ? 0 : recordBytes(hello) - hello.length;
  let drained = 0;
  for (let look = 0; look < HELLO_LOOKS; look++) {
    while (drained < MAX_DRAINED_BYTES) {
      const received = connection.drain(buffer);
      if (received === -Errno.EAGAIN) break;
      if (received <= 0) return;
      drained += received;
    }
    if (drained >= Math.min(expected, MAX_DRAINED_BYTES)) return;
    yield* sleep(HELLO_LOOK_MS);
  }
}

// Of a header in pieces the length is not known: then the time is what ends the waiting.
function recordBytes(head: Uint8Array): number {
  if (head.length < TLS_RECORD_HEADER_BYTES) return Infinity;
  return TLS_RECORD_HEADER_BYTES + head[3]! * 256 + head[4]!;
}
