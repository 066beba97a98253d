/**
 * The ways by which a dialogue reaches the server: RTSP, RTSPS, a tunnel of two halves, one half alone, a WebSocket, TLS that is none.
 * Used by the fuzzer. Rule: the same random numbers do the same; unmutated, a dialogue is spoken as its player would.
 * Spec: RFC 2326 §10; RFC 8446 §5.1; Apple, "Tunnelling RTSP and RTP through HTTP".
 */
import type { SeededRandom } from '@finch/core/reactor/seeded-random';
import { Attacker } from './attacker';
import {
  bytesOf,
  type Course,
  DIALOGUE_TIMEOUT_MS,
  isHit,
  NO_SESSION,
  RESET_IN,
  sendInPieces,
  setUp,
} from './course';
import {
  type Dialogue,
  HELLO_DIALOGUES,
  HTTP_HEAD,
  RECORD_DIALOGUES,
  RTSP_DIALOGUES,
  TUNNEL_DIALOGUES,
} from './dialogues';
import { mutate } from './mutations';
import { runWebSocket } from './websocket-way';

/** A way; see the head of this file. */
export interface Way {
  readonly name: string;
  /** How many of a hundred dialogues take it. */
  readonly share: number;
  readonly isEncrypted: boolean;
  readonly dialogues: readonly Dialogue[];
  /** Runs a dialogue to its end; resolves with what the server said. */
  run(course: Course): Promise<string>;
}

/** All of them; the shares make a hundred. */
export const WAYS: readonly Way[] = [
  { name: 'RTSP', share: 54, isEncrypted: false, dialogues: RTSP_DIALOGUES, run: runPlain },
  { name: 'RTSPS', share: 8, isEncrypted: true, dialogues: RTSP_DIALOGUES, run: runEncrypted },
  { name: 'tunnel', share: 15, isEncrypted: false, dialogues: RTSP_DIALOGUES, run: runTunnel },
  { name: 'half of a tunnel', share: 8, isEncrypted: false, dialogues: TUNNEL_DIALOGUES, run: runHalf },
  { name: 'WebSocket', share: 8, isEncrypted: false, dialogues: RTSP_DIALOGUES, run: runWebSocket },
  { name: 'TLS handshake', share: 4, isEncrypted: true, dialogues: HELLO_DIALOGUES, run: runHello },
  { name: 'TLS records', share: 3, isEncrypted: true, dialogues: RECORD_DIALOGUES, run: runRecords },
];

/** Draws a way by the shares. */
export function drawWay(random: SeededRandom): Way {
  const place = random.below(100);
  let end = 0;
  for (const way of WAYS) {
    end += way.share;
    if (place < end) return way;
  }
  throw new Error('the shares make no hundred');
}

async function runPlain(course: Course): Promise<string> {
  return await converse(await Attacker.connect(course.server.port), course);
}

async function runEncrypted(course: Course): Promise<string> {
  return await converse(await Attacker.connectEncrypted(course.server.tlsPort), course);
}

async function converse(attacker: Attacker, course: Course): Promise<string> {
  const session = await setUp(course, attacker, (bytes) => attacker.send(bytes));
  await sendInPieces((bytes) => attacker.send(bytes), bytesOf(course, session), course.random);
  if (isHit(course, RESET_IN)) await attacker.reset();
  else await attacker.finish(DIALOGUE_TIMEOUT_MS);
  return attacker.text;
}

async function runTunnel(course: Course): Promise<string> {
  const { server, random } = course;
  const cookie = `whole-${random.next()}`;
  const [get, post] = [await Attacker.connect(server.port), await Attacker.connect(server.port)];
  const heads = [() => get.send(HTTP_HEAD.get(cookie)), () => post.send(HTTP_HEAD.post(cookie))];
  if (random.below(2) === 0) heads.reverse();
  for (const send of heads) send();
  let half = post;
  const send = (bytes: Uint8Array | string) => half.send(Buffer.from(bytes as Uint8Array).toString('base64'));
  send('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
  await get.answered(2);
  if (get.statuses.join() !== '200,200') throw new Error(`the halves were not joined: ${get.text}`);
  const session = await setUp(course, get, send, 3);
  const bytes = bytesOf(course, session);
  if (isHit(course, 4)) await sendInPieces((piece) => half.send(piece), spoiled(bytes, random), random);
  else await sendInPieces(send, bytes, random);
  if (isHit(course, 4)) {
    half = await Attacker.connect(server.port);
    half.send(HTTP_HEAD.post(cookie));
    await sendInPieces(send, bytes, random);
  }
  await endTunnel(course, get, [post, half]);
  return get.text;
}

/** Base64 that was mutated itself. */
function spoiled(bytes: Buffer, random: SeededRandom): Buffer {
  return mutate(Buffer.from(bytes.toString('base64')), random, bytes);
}

/** Ends the halves in one of several orders. The GET is the tunnel: with it all of them end. */
async function endTunnel(course: Course, get: Attacker, posts: readonly Attacker[]): Promise<void> {
  if (isHit(course, RESET_IN)) for (const post of posts) await post.reset();
  else if (isHit(course, 3)) for (const post of posts) post.leave();
  if (isHit(course, RESET_IN)) await get.reset();
  else await get.finish(DIALOGUE_TIMEOUT_MS);
  // One that came when the tunnel had ended waits for another.
  for (const post of posts) post.leave();
}

async function runHalf(course: Course): Promise<string> {
  return await throwAt(course.server.port, course);
}

async function runHello(course: Course): Promise<string> {
  return await throwAt(course.server.tlsPort, course);
}

/** Sends the bytes, and waits for nothing. */
async function throwAt(port: number, course: Course): Promise<string> {
  const attacker = await Attacker.connect(port);
  await sendInPieces((bytes) => attacker.send(bytes), bytesOf(course, NO_SESSION), course.random);
  if (isHit(course, RESET_IN)) await attacker.reset();
  else attacker.leave();
  return attacker.text;
}

/** Records that nobody encrypted, behind a good handshake. */
async function runRecords(course: Course): Promise<string> {
  const attacker = await Attacker.connectEncrypted(course.server.tlsPort);
  attacker.send('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
  await attacker.answered(1);
  const send = (bytes: Uint8Array) => {
    if (!attacker.raw.destroyed) attacker.raw.write(bytes);
  };
  if (course.isMutated) await sendInPieces(send, bytesOf(course, NO_SESSION), course.random);
  if (isHit(course, RESET_IN)) await attacker.reset();
  else attacker.leave();
  return attacker.text;
}
