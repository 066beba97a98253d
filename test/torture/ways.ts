/**
 * The ways by which a dialogue reaches the server: RTSP, RTSPS, a tunnel of two halves, one half alone, a WebSocket, TLS that is none.
 * Used by the fuzzer. Rule: the same random numbers do the same; unmutated, a dialogue is spoken as its player would.
 * Spec: RFC 2326 §10; RFC 6455 §5; RFC 8446 §5.1; Apple, "Tunnelling RTSP and RTP through HTTP".
 */
import type { SeededRandom } from '@finch/core/reactor/seeded-random';
import { clientFrame, handshake, Opcode, ServerFrames } from '../support/websocket-client';
import { Attacker } from './attacker';
import {
  type Dialogue,
  HELLO_DIALOGUES,
  HTTP_HEAD,
  RECORD_DIALOGUES,
  RTSP_DIALOGUES,
  TUNNEL_DIALOGUES,
} from './dialogues';
import { mutate } from './mutations';
import type { ServerUnderTorture } from './server-under-torture';

/** One dialogue on its way. */
export interface Course {
  readonly server: ServerUnderTorture;
  readonly movie: string;
  readonly dialogue: Dialogue;
  readonly random: SeededRandom;
  readonly isMutated: boolean;
}

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

const DIALOGUE_TIMEOUT_MS = 30_000;
/** One in so many is reset. Over TLS fewer: the server may linger for a second with what it could not send any more. */
const RESET_IN = 4;
const RESET_IN_ENCRYPTED = 16;
const MAX_CUTS = 3;
const NO_SESSION = '0123456789abcdef';

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
  return await converse(await Attacker.connect(course.server.port), course, RESET_IN);
}

async function runEncrypted(course: Course): Promise<string> {
  return await converse(await Attacker.connectEncrypted(course.server.tlsPort), course, RESET_IN_ENCRYPTED);
}

async function converse(attacker: Attacker, course: Course, resetIn: number): Promise<string> {
  const session = await setUp(course, attacker, (bytes) => attacker.send(bytes));
  await sendInPieces((bytes) => attacker.send(bytes), bytesOf(course, session), course.random);
  if (isHit(course, resetIn)) await attacker.reset();
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

async function runWebSocket(course: Course): Promise<string> {
  const { server, random } = course;
  const attacker = await Attacker.connect(server.port);
  if (isHit(course, 8)) return await shakeBadly(course, attacker);
  attacker.send(handshake());
  await attacker.answered(1);
  if (attacker.statuses.join() !== '101') throw new Error(`no WebSocket was opened: ${attacker.text}`);
  const session = await setUp(course, attacker, (bytes) => attacker.send(clientFrame(bytes)), 2);
  const frames = framesOf(bytesOf(course, session), course);
  const bytes = isHit(course, 3) ? mutate(frames, random, frames) : frames;
  await sendInPieces((piece) => attacker.send(piece), bytes, random);
  if (isHit(course, 3)) attacker.send(anyClose(random));
  if (isHit(course, RESET_IN)) await attacker.reset();
  else await attacker.finish(DIALOGUE_TIMEOUT_MS);
  const { text } = attacker;
  const sent = Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1');
  return new ServerFrames().take(sent).toString('latin1');
}

/** A handshake that was mutated itself, with all that follows. */
async function shakeBadly(course: Course, attacker: Attacker): Promise<string> {
  const { random } = course;
  const frames = framesOf(bytesOf(course, NO_SESSION), course);
  attacker.send(mutate(Buffer.from(handshake()), random, frames));
  await sendInPieces((bytes) => attacker.send(bytes), frames, random);
  await attacker.finish(DIALOGUE_TIMEOUT_MS);
  return attacker.text;
}

/** One message of several frames, with a ping before each; of a mutated course now and then with one that may not be. */
function framesOf(bytes: Buffer, course: Course): Buffer {
  const { random } = course;
  const frames: Buffer[] = [];
  let at = 0;
  do {
    const left = bytes.length - at;
    const isLast = left === 0 || frames.length >= 2 * MAX_CUTS;
    const end = isLast ? bytes.length : at + 1 + random.below(left);
    frames.push(clientFrame('?', { opcode: Opcode.ping }));
    const opcode = at === 0 ? Opcode.binary : Opcode.continuation;
    frames.push(clientFrame(bytes.subarray(at, end), { opcode, isFinal: end >= bytes.length }));
    if (isHit(course, 8)) frames.push(anyFrame(random));
    at = end;
  } while (at < bytes.length);
  return Buffer.concat(frames);
}

function anyFrame(random: SeededRandom): Buffer {
  return clientFrame(Buffer.alloc(random.below(300), 7), {
    opcode: random.below(16),
    isFinal: random.below(2) > 0,
    isMasked: random.below(8) > 0,
    reserved: random.below(8) > 0 ? 0 : 0x10 << random.below(3),
  });
}

/** A close frame with any code, and a reason that need be no text. */
function anyClose(random: SeededRandom): Buffer {
  const payload = Buffer.from(Array.from({ length: random.below(6) }, () => random.below(256)));
  if (payload.length > 1 && random.below(2) > 0) payload.writeUInt16BE(1000 + random.below(16));
  return clientFrame(payload, { opcode: Opcode.close });
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

/** Whether a mutated course does what one of `count` does. */
function isHit({ isMutated, random }: Course, count: number): boolean {
  return isMutated && random.below(count) === 0;
}

function urlOf({ server, movie }: Course): string {
  return server.url(movie);
}

/** Sets up the session of a dialogue that needs one; resolves with its id, or something like one. */
async function setUp(
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

function bytesOf(course: Course, session: string): Buffer {
  const { dialogue, random, isMutated } = course;
  const plain = dialogue.bytes(urlOf(course), session);
  const other = RTSP_DIALOGUES[random.below(RTSP_DIALOGUES.length)]!.bytes(urlOf(course), session);
  return isMutated ? mutate(plain, random, other) : plain;
}

async function sendInPieces(
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
