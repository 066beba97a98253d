/** Session ids, and the thread that stands in them. Spec: RFC 2326 §3.4. */
import { parseSession } from '@finch/rtsp/headers/session';
import { makeSessionId, threadOfSession } from '@finch/rtsp/session-id';

describe('a session id', () => {
  it.each([1, 9, 32, 255])('is random, fits the grammar and names thread %i', (thread) => {
    const ids = Array.from({ length: 600 }, () => makeSessionId(thread));
    expect(new Set(ids).size).toBe(600); // more than are made of one fetch of randomness
    for (const id of ids) {
      expect(parseSession(id)).toEqual({ id });
      expect(threadOfSession(id)).toBe(thread);
    }
  });

  it.each(['', '0123456789abcdef', `${'0'.repeat(31)}g`, 'A'.repeat(32), '0'.repeat(33)])(
    'that is not ours names none: %j',
    (id) => {
      expect(threadOfSession(id)).toBe(-1);
    },
  );
});
