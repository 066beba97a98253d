/**
 * The fuzzer: thousands of mutated dialogues over real sockets, from a seed. After each handful of them the server serves,
 * and tasks, contexts, descriptors and accounted memory are as before; viewers play through all of it and lose nothing.
 * FINCH_TORTURE_SEED and FINCH_TORTURE_DIALOGUES change what is done; a failure names the seed and the dialogue.
 */
import { SeededRandom } from '@finch/core/reactor/seeded-random';
import { temporaryFolder } from '../support/finch-under-test';
import { putMovie } from '../support/movies';
import { Attacker } from './attacker';
import { type Dialogue, RTSP_DIALOGUES, TUNNEL_DIALOGUES } from './dialogues';
import { mutate } from './mutations';
import { ServerUnderTorture, type Standing } from './server-under-torture';
import { putSteadyMovie, SteadyViewers, VIEWER_COUNT } from './steady-viewers';

const SEED = Number(process.env.FINCH_TORTURE_SEED ?? 1);
const DIALOGUES = Number(process.env.FINCH_TORTURE_DIALOGUES ?? 5000);
/** Dialogues at a time; then all must be as before. */
const HANDFUL = 20;
/** A tenth of all are halves of tunnels; many at a time, for each may wait for the other half for 10 s. */
const TUNNEL_SHARE = 0.1;
const TUNNEL_HANDFUL = 500;
/** A session over UDP whose id was lost in a reset lives until it times out: half as long again as this. */
const SESSION_TIMEOUT_S = 8;
const DIALOGUE_TIMEOUT_MS = 30_000;
const STANDING_TIMEOUT_MS = 30_000;
const LIMIT_MS = 600_000;
const MOVIE = 'target.mp4';
const MAX_CUTS = 3;
/** What resident memory may grow from the first tenth to the end: heaps breathe, and no dialogue is worth a byte of it. */
const MAX_GROWTH_BYTES = 96 << 20;

jest.setTimeout(LIMIT_MS);

const folder = temporaryFolder();
let server: ServerUnderTorture;
let viewers: SteadyViewers;
let before: Standing;

beforeAll(async () => {
  process.stderr.write(`torture: seed ${SEED}, ${DIALOGUES} dialogues\n`);
  putMovie(folder.path, MOVIE, { frames: 500, framesPerSecond: 25 });
  putSteadyMovie(folder.path);
  server = await ServerUnderTorture.start({
    config: { media: folder.path, sessionTimeoutSeconds: SESSION_TIMEOUT_S },
  });
  viewers = await SteadyViewers.start(server);
  // Once as it should be: what stays after the first client, such as an open movie, is there then.
  const random = new SeededRandom(0);
  for (const dialogue of RTSP_DIALOGUES) await tearDown(await runDialogue(dialogue, random, false));
  before = await server.standingWith(VIEWER_COUNT);
}, LIMIT_MS);
afterAll(async () => {
  await server.stop();
  folder.remove();
});

/** Sends a dialogue, mutated or not, and ends it in one of several manners; returns the sessions that it was told of. */
async function runDialogue(dialogue: Dialogue, random: SeededRandom, isMutated = true): Promise<string[]> {
  const url = server.url(MOVIE);
  const attacker = await Attacker.connect(server.port);
  if (dialogue.transport !== undefined) {
    attacker.send(`SETUP ${url}/trackID=1 RTSP/1.0\r\nCSeq: 1\r\nTransport: ${dialogue.transport}\r\n\r\n`);
    await attacker.answered(1);
  }
  const session = sessionsIn(attacker.text)[0] ?? '0123456789abcdef';
  const other = RTSP_DIALOGUES[random.below(RTSP_DIALOGUES.length)]!.bytes(url, session);
  const plain = dialogue.bytes(url, session);
  await sendInPieces(attacker, isMutated ? mutate(plain, random, other) : plain, random);
  if (isMutated && random.below(4) === 0) await attacker.reset();
  else await attacker.finish(DIALOGUE_TIMEOUT_MS);
  return sessionsIn(attacker.text);
}

async function sendInPieces(attacker: Attacker, bytes: Buffer, random: SeededRandom): Promise<void> {
  let at = 0;
  for (let cuts = random.below(MAX_CUTS + 1); cuts > 0 && at < bytes.length; cuts--) {
    const end = at + 1 + random.below(bytes.length - at);
    attacker.send(bytes.subarray(at, end));
    await new Promise((resolve) => setImmediate(resolve));
    at = end;
  }
  attacker.send(bytes.subarray(at));
}

function sessionsIn(text: string): string[] {
  return [...text.matchAll(/^Session: ([0-9a-f]{32})/gim)].map((match) => match[1]!);
}

/** Ends sessions, which outlive their connections over UDP. */
async function tearDown(sessions: readonly string[]): Promise<void> {
  if (sessions.length === 0) return;
  const attacker = await Attacker.connect(server.port);
  for (const [i, session] of sessions.entries())
    attacker.send(`TEARDOWN * RTSP/1.0\r\nCSeq: ${i}\r\nSession: ${session}\r\n\r\n`);
  await attacker.finish();
}

/** Runs a handful with random numbers of their own each, so that one can be repeated alone. */
async function runHandful(dialogues: readonly Dialogue[], first: number, count: number): Promise<void> {
  const sessions = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const random = new SeededRandom(SEED * 1_000_003 + first + i);
      const dialogue = dialogues[random.below(dialogues.length)]!;
      return await runDialogue(dialogue, random).catch((error: Error) => {
        throw new Error(`seed ${SEED}, dialogue ${first + i} (${dialogue.name}): ${error.message}`);
      });
    }),
  );
  await tearDown([...new Set(sessions.flat())]);
}

async function checkAfter(first: number, count: number): Promise<void> {
  await server.expectAsBefore(before, MOVIE, STANDING_TIMEOUT_MS).catch((error: Error) => {
    error.message = `seed ${SEED}, after dialogues ${first}..${first + count - 1}: ${error.message}`;
    throw error;
  });
}

describe(`mutated dialogues (seed ${SEED})`, () => {
  const tunnelled = Math.floor(DIALOGUES * TUNNEL_SHARE);
  const ofRtsp = DIALOGUES - tunnelled;
  let residentBefore = 0;

  it(`${ofRtsp} of RTSP leave the server as it was`, async () => {
    for (let first = 0; first < ofRtsp; first += HANDFUL) {
      const count = Math.min(HANDFUL, ofRtsp - first);
      await runHandful(RTSP_DIALOGUES, first, count);
      await checkAfter(first, count);
      if (residentBefore === 0 && first >= DIALOGUES / 10)
        residentBefore = (await server.inspect()).residentBytes;
    }
  });

  it(`${tunnelled} halves of tunnels leave the server as it was`, async () => {
    for (let done = 0; done < tunnelled; done += TUNNEL_HANDFUL)
      await runHandful(TUNNEL_DIALOGUES, ofRtsp + done, Math.min(TUNNEL_HANDFUL, tunnelled - done));
    await checkAfter(ofRtsp, tunnelled);
  });

  it('memory has not grown', async () => {
    const { residentBytes, lines } = await server.inspect();
    process.stderr.write(
      `torture: resident ${residentBefore >> 20} MiB after a tenth, ${residentBytes >> 20} MiB at the end\n`,
    );
    expect(residentBytes - residentBefore).toBeLessThan(MAX_GROWTH_BYTES);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('viewers who played through all of it lost nothing', async () => {
    const { packets, provenLateMs, runMs } = await viewers.finish();
    process.stderr.write(
      `torture: viewers got ${packets} packets in ${Math.round(runMs / 1000)} s, the latest ${provenLateMs.max.toFixed(1)} ms late\n`,
    );
  });
});
