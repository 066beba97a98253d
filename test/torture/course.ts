/**
 * One dialogue on its way to the server, and what all ways do with it. Used by the ways. Rule: what is random about a course comes out
 * of its own random numbers.
 */
import type { SeededRandom } from '@finch/core/reactor/seeded-random';
import type { Attacker } from './attacker';
import { type Dialogue, RTSP_DIALOGUES } from './dialogues';
import { mutate } from './mutations';
import type { ServerUnderTorture } from './server-under-torture';

/** How long the server may take to end a connection. */
export const DIALOGUE_TIMEOUT_MS = 30_000;
/** One in so many is reset. */
export const RESET_IN = 4;
/** How often the bytes of a dialogue are cut. */
export const MAX_CUTS = 3;
/** An id that no session has. */
export const NO_SESSION = '0123456789abcdef';

/** One dialogue on its way. */
export interface Course {
  readonly server: ServerUnderTorture;
  readonly movie: string;
  readonly dialogue: Dialogue;
  readonly random: SeededRandom;
  readonly isMutated: boolean;
}

/** Whether a mutated course does what one of `count` does. */
export function isHit({ isMutated, random }: Course, count: number): boolean {
  return isMutated && random.below(count) === 0;
}

function urlOf({ server, movie }: Course): string {
  return server.url(movie);
}

/** Sets up the session of a dialogue that needs one; resolves with its id, or something like one. */
export async function setUp(
  course: Course,
  attacker: Attacker,
  send: (bytes: string) => void,
  answers = 1,
): Promise<string> {
  const { transport } = course.dialogue;
  if (transport === undefined) return NO_SESSION;
  send(`SETUP ${urlOf(course)}/trackID=1 RTSP/1.0\r\nCSeq: 1\r\nTransport: ${transport}\r\n\r\n`);
  await attacker.answered(answers);
  return /^Session: ([0-9a-f]{32})/im.exec(attacker.text)?.[1] ?? NO_SESSION;
}

/** The bytes of the dialogue, mutated or as they are. */
export function bytesOf(course: Course, session: string): Buffer {
  const { dialogue, random, isMutated } = course;
  const plain = dialogue.bytes(urlOf(course), session);
  const other = RTSP_DIALOGUES[random.below(RTSP_DIALOGUES.length)]!.bytes(urlOf(course), session);
  return isMutated ? mutate(plain, random, other) : plain;
}

/** Sends bytes in up to four pieces. */
export async function sendInPieces(
  send: (bytes: Uint8Array) => void,
  bytes: Buffer,
  random: SeededRandom,
): Promise<void> {
  let at = 0;
  for (let cuts = random.below(MAX_CUTS + 1); cuts > 0 && at < bytes.length; cuts--) {
    const end = at + 1 + random.below(bytes.length - at);
    send(bytes.subarray(at, end));
    await new Promise((resolve) => setImmediate(resolve));
    at = end;
  }
  send(bytes.subarray(at));
}
