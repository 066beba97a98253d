/**
 * The way through a WebSocket: a dialogue is one message of several frames. Used by the ways. Rule: whatever the handshake and the
 * frames have become, what the server sends behind a good handshake is frames that it may send. Spec: RFC 6455 §4, §5.
 */
import type { SeededRandom } from '@finch/core/reactor/seeded-random';
import { clientFrame, handshake, Opcode, ServerFrames } from '../support/websocket-client';
import { Attacker } from './attacker';
import {
  bytesOf,
  type Course,
  DIALOGUE_TIMEOUT_MS,
  isHit,
  MAX_CUTS,
  NO_SESSION,
  RESET_IN,
  sendInPieces,
  setUp,
} from './course';
import { mutate } from './mutations';

/** Runs a dialogue to its end; resolves with what the server said, without its frames. */
export async function runWebSocket(course: Course): Promise<string> {
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
