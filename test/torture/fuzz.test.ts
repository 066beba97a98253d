/**
 * The fuzzer: thousands of mutated dialogues over real sockets, from a seed. After each of them a newcomer is served, and
 * tasks, contexts, descriptors and accounted memory are as before; real memory is flat over the run; viewers play through all
 * of it and lose nothing. A failure names the seed and the dialogue. FINCH_TORTURE_SEED and FINCH_TORTURE_DIALOGUES (how many)
 * change what is done, FINCH_TORTURE_DIALOGUE does one alone.
 */
import { SeededRandom } from '@finch/core/reactor/seeded-random';
import { temporaryFolder } from '../support/finch-under-test';
import { putMovie } from '../support/movies';
import { TLS_CONFIG } from '../support/tls-files';
import { Attacker } from './attacker';
import { MemoryCurve } from './memory-curve';
import { ServerUnderTorture, type Standing } from './server-under-torture';
import { putSteadyMovie, SteadyViewers, VIEWER_COUNT } from './steady-viewers';
import { drawWay, WAYS } from './ways';

const SEED = Number(process.env.FINCH_TORTURE_SEED ?? 1);
const DIALOGUES = Number(process.env.FINCH_TORTURE_DIALOGUES ?? 5000);
const ONLY = process.env.FINCH_TORTURE_DIALOGUE;
const SAMPLES = 25;
/** What a curve takes. */
const ENOUGH_DIALOGUES = 5000;
/** Longer than any wait below: what would end by it alone fails. */
const SESSION_TIMEOUT_S = 60;
const STANDING_TIMEOUT_MS = 30_000;
const LIMIT_MS = 600_000;
const MOVIE = 'target.mp4';
/** What real memory may grow for each dialogue. Code that meets new cases is some 300 bytes of it, and fewer as the run goes on. */
const MAX_HEAP_GROWTH_BYTES = 750;
const MAX_RESIDENT_GROWTH_BYTES = 4096;

jest.setTimeout(LIMIT_MS);

const folder = temporaryFolder();
const curve = new MemoryCurve();
const wayCounts = new Map<string, number>();
let server: ServerUnderTorture;
let viewers: SteadyViewers;
let before: Standing;

beforeAll(async () => {
  process.stderr.write(
    `torture: seed ${SEED}, ${ONLY === undefined ? `${DIALOGUES} dialogues` : `dialogue ${ONLY}`}\n`,
  );
  putMovie(folder.path, MOVIE, { frames: 500, framesPerSecond: 25 });
  putSteadyMovie(folder.path);
  server = await ServerUnderTorture.start({
    config: { media: folder.path, sessionTimeoutSeconds: SESSION_TIMEOUT_S, ...TLS_CONFIG },
  });
  viewers = await SteadyViewers.start(server);
  await speakAsPlayersDo();
  before = await server.standingWith(VIEWER_COUNT);
}, LIMIT_MS);
afterAll(async () => {
  Attacker.dropAll();
  await server.stop();
  folder.remove();
});

/** Once as it should be: what stays after the first client, such as an open movie, is there then. */
async function speakAsPlayersDo(): Promise<void> {
  for (const way of WAYS)
    for (const dialogue of way.dialogues) {
      const random = new SeededRandom(0);
      const said = await way.run({ server, movie: MOVIE, dialogue, random, isMutated: false });
      expect({ way: way.name, dialogue: dialogue.name, said }).not.toMatchObject({
        said: expect.stringMatching(/^(RTSP|HTTP)\/1\.[01] (400|408|413|500) /m),
      });
    }
}

/** Runs a dialogue with random numbers of its own, so that it can be repeated alone, and looks at what it left. */
async function runAndCheck(number: number): Promise<void> {
  const random = new SeededRandom(SEED * 1_000_003 + number);
  const way = drawWay(random);
  const dialogue = way.dialogues[random.below(way.dialogues.length)]!;
  wayCounts.set(way.name, (wayCounts.get(way.name) ?? 0) + 1);
  try {
    await way.run({ server, movie: MOVIE, dialogue, random, isMutated: true });
    await server.expectServes(MOVIE, way.isEncrypted);
    await server.expectStanding(before, STANDING_TIMEOUT_MS);
  } catch (error) {
    const again = `FINCH_TORTURE_SEED=${SEED} FINCH_TORTURE_DIALOGUE=${number} npm test -- torture/fuzz`;
    const what = `seed ${SEED}, dialogue ${number} (${dialogue.name}, by ${way.name})`;
    throw new Error(`${what}; alone: ${again}\n${(error as Error).message}`, { cause: error });
  } finally {
    Attacker.dropAll();
  }
}

describe(`mutated dialogues (seed ${SEED})`, () => {
  if (ONLY !== undefined) it(`${ONLY} leaves the server as it was`, () => runAndCheck(Number(ONLY)));
  else {
    it(`${DIALOGUES} leave the server as it was, each of them`, async () => {
      const every = Math.max(1, Math.floor(DIALOGUES / SAMPLES));
      for (let number = 0; number < DIALOGUES; number++) {
        await runAndCheck(number);
        if ((number + 1) % every === 0) curve.add(number, await server.memory());
      }
      expect(wayCounts.size).toBe(WAYS.length);
      const counts = [...wayCounts].map(([name, count]) => `${count} by ${name}`);
      process.stderr.write(`torture: ${counts.join(', ')}\n`);
    });

    // Fewer are all warm-up.
    (DIALOGUES < ENOUGH_DIALOGUES ? it.skip : it)('real memory is flat', () => {
      process.stderr.write(
        `torture: ${curve.describe('heapBytes')}\ntorture: ${curve.describe('residentBytes')}\n`,
      );
      expect(curve.growthOf('heapBytes')).toBeLessThan(MAX_HEAP_GROWTH_BYTES);
      expect(curve.growthOf('residentBytes')).toBeLessThan(MAX_RESIDENT_GROWTH_BYTES);
    });
  }

  it('no half of a tunnel waits for the other in the end, and no task failed', async () => {
    await server.expectNoneUnclaimed();
    await server.expectStanding(before, STANDING_TIMEOUT_MS);
    expect((await server.lines()).filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('viewers who played through all of it lost nothing and were not late', () => viewers.finish());
});
