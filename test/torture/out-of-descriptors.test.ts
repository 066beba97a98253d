/**
 * A server with few descriptors: who comes when there are none left hears so or is closed, the log says so once, the viewers
 * lose nothing, and it serves again when there are some. Spec: RFC 2326 §11.3 (453).
 */
import { eventually } from '../support/deadline';
import { temporaryFolder } from '../support/finch-under-test';
import { putMovie } from '../support/movies';
import { Attacker } from './attacker';
import { ServerUnderTorture } from './server-under-torture';
import { putSteadyMovie, SteadyViewers } from './steady-viewers';

const MOVIE = 'target.mp4';
const MAX_DESCRIPTORS = 200;
const CLIENTS = 400;
/** What the issue allows for an answer at a limit. */
const ANSWER_MS = 2000;

jest.setTimeout(60_000);

const folder = temporaryFolder();
let server: ServerUnderTorture;
let viewers: SteadyViewers;

beforeAll(async () => {
  putMovie(folder.path, MOVIE, { frames: 100, framesPerSecond: 25 });
  putSteadyMovie(folder.path);
  server = await ServerUnderTorture.start({
    config: { media: folder.path },
    maxDescriptors: MAX_DESCRIPTORS,
  });
  viewers = await SteadyViewers.start(server);
});
afterAll(async () => {
  await server.stop();
  folder.remove();
});

it('sheds, says so once, and goes on', async () => {
  const { connections } = await server.inspect();
  const attackers: Attacker[] = [];
  for (let i = 0; i < CLIENTS; i++) attackers.push(await Attacker.connect(server.port));
  const beganMs = performance.now();
  for (const attacker of attackers) attacker.send('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
  await Promise.all(attackers.map((attacker) => attacker.answered(1)));
  expect(performance.now() - beganMs).toBeLessThan(ANSWER_MS);
  const statuses = attackers.map((attacker) => attacker.statuses[0]);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(10);
  expect(statuses.filter((status) => status === 453).length).toBeGreaterThan(0);
  expect(new Set(statuses)).toEqual(new Set([200, 453, undefined]));
  const lines = await server.lines();
  expect(lines.filter((line) => line.includes('ulimit')).length).toBeGreaterThan(0);
  expect(lines.filter((line) => line.includes('ulimit')).length).toBeLessThanOrEqual(2);
  await Promise.all(attackers.map((attacker) => attacker.finish()));
  await eventually(async () => expect((await server.inspect()).connections).toBe(connections));
  const later = await Attacker.connect(server.port);
  later.send(`DESCRIBE ${server.url(MOVIE)} RTSP/1.0\r\nCSeq: 1\r\n\r\n`);
  await later.answered(1);
  expect(later.statuses).toEqual([200]);
  await later.finish();
});

it('the viewers lost nothing', async () => {
  await viewers.finish();
});
