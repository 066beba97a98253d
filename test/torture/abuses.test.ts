/**
 * What hostile clients are known to do, one after the other, against a server with viewers. After each the server serves, all
 * is as it was before, and at the end the viewers have lost nothing. Spec: RFC 2326 §11.3, §16; RFC 3550 §9.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClientRecords } from '../support/client-records';
import { temporaryFolder } from '../support/finch-under-test';
import { putMovie } from '../support/movies';
import { TLS_CONFIG } from '../support/tls-files';
import { Viewer } from '../support/viewer';
import { ATTACKER, Attacker } from './attacker';
import { ServerUnderTorture, type Standing } from './server-under-torture';
import { putSteadyMovie, SteadyViewers, VIEWER_COUNT } from './steady-viewers';

const MOVIE = 'target.mp4';
const SECRET = 'nobody shall read this';
const REQUEST_TIMEOUT_S = 2;
/** Attackers share the machine: a run that is told of must be longer than what they keep the thread off its core for. */
const WATCHDOG_LIMIT_MS = 2000;
/** What the issue allows for an answer at a limit. */
const ANSWER_MS = 2000;
/** Rounds of 420 bytes of headers: ten times the limit. */
const HEADER_ROUNDS = 400;
/** Who floods with key updates, how many of them make a round (more than are borne), and rounds at most. */
const FLOODERS = 100;
/** More than a connection may have. */
const KEY_UPDATES = 200;
const TCP = 'Transport: RTP/AVP/TCP;unicast\r\n';

jest.setTimeout(60_000);

const folder = temporaryFolder();
const media = join(folder.path, 'media');
let server: ServerUnderTorture;
let viewers: SteadyViewers;
let before: Standing;

beforeAll(async () => {
  mkdirSync(media);
  writeFileSync(join(folder.path, 'secret.mp4'), SECRET);
  writeFileSync(join(folder.path, 'secret.txt'), SECRET);
  putMovie(media, MOVIE, { frames: 1500, framesPerSecond: 25 });
  putSteadyMovie(media);
  server = await ServerUnderTorture.start({
    config: {
      ...TLS_CONFIG,
      media,
      sessionTimeoutSeconds: 10,
      requestTimeoutSeconds: REQUEST_TIMEOUT_S,
      idleTimeoutSeconds: 4,
      maxConnectionsPerAddress: 600,
      maxRequestsPerSecond: 1000,
      watchdogLimitMs: WATCHDOG_LIMIT_MS,
    },
  });
  viewers = await SteadyViewers.start(server);
  const first = await Viewer.open(server, { carrier: 'UDP', movie: MOVIE });
  await first.teardown();
  await first.close();
  await server.expectServes(MOVIE, true); // a loop keeps a descriptor of libuv's from its first stream on
  before = await server.standingWith(VIEWER_COUNT);
});
afterEach(() => server.expectAsBefore(before, MOVIE, 30_000));
afterAll(async () => {
  await viewers.finish();
  await server.stop();
  folder.remove();
});

const connect = (count: number): Promise<Attacker[]> =>
  Promise.all(Array.from({ length: count }, () => Attacker.connect(server.port)));

/**
 * Sends the same on many connections and expects one answer, with one of the statuses, and the end, which is the server's doing.
 * Where it reads but a part of the bytes, a reset may overtake the answer: then `heard` of them must have got it.
 */
async function expectAnswered(
  count: number,
  bytes: string | Uint8Array,
  statuses: readonly number[],
  heard = count,
): Promise<void> {
  const attackers = await connect(count);
  for (const attacker of attackers) {
    attacker.send(bytes);
    await attacker.closed();
    expect(attacker.statuses.length).toBeLessThanOrEqual(1);
    for (const status of attacker.statuses) expect(statuses).toContain(status);
  }
  expect(attackers.filter((attacker) => attacker.statuses.length === 1).length).toBeGreaterThanOrEqual(heard);
}

/** Expects that somebody else is served at once. */
async function expectPrompt(): Promise<void> {
  const beganMs = performance.now();
  const other = await Attacker.connect(server.port, '127.0.0.77');
  other.send(`DESCRIBE ${server.url(MOVIE)} RTSP/1.0\r\nCSeq: 1\r\n\r\n`);
  await other.answered(1);
  expect(other.statuses).toEqual([200]);
  expect(performance.now() - beganMs).toBeLessThan(ANSWER_MS);
  await other.finish();
}

describe('requests', () => {
  it('headers without end are cut off', async () => {
    const attackers = await connect(100);
    for (const attacker of attackers) attacker.send('OPTIONS * RTSP/1.0\r\n');
    // Ten times the header limit each; who has been answered says no more.
    for (let round = 0; round < HEADER_ROUNDS; round++) {
      for (const attacker of attackers)
        if (attacker.receivedBytes === 0) attacker.send('X-Header: and so on\r\n'.repeat(20));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(attackers.map((attacker) => attacker.finish()));
    for (const { statuses } of attackers) for (const status of statuses) expect([400, 413]).toContain(status);
  });

  it('a line without end is cut off', () => expectAnswered(20, 'x'.repeat(200_000), [400, 413, 414], 1));

  it('10,000 headers are refused', () =>
    expectAnswered(20, `OPTIONS * RTSP/1.0\r\n${'X: y\r\n'.repeat(10_000)}\r\n`, [400, 413], 1));

  it.each(['-1', '99999999999999999999999', '1e9', '65537', '12, 13', '0x10', '5\r\nContent-Length: 6'])(
    'Content-Length: %j is refused',
    (length) =>
      expectAnswered(
        10,
        `SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: ${length}\r\n\r\n`,
        [400, 413],
      ),
  );

  it('binary noise is refused', async () => {
    const attackers = await connect(200);
    for (const attacker of attackers) attacker.send(randomBytes(4096));
    // Noise may be the beginning of something: then its end is all there is to hear.
    await Promise.all(attackers.map((attacker) => attacker.finish()));
    const statuses = attackers.flatMap((attacker) => attacker.statuses);
    for (const status of statuses) expect([400, 413, 414, 505]).toContain(status);
    expect(statuses.length).toBeGreaterThan(attackers.length / 2);
  });

  it('half requests held open by hundreds are ended in time, and nobody waits for them', async () => {
    const attackers = await connect(500);
    const beganMs = performance.now();
    const halves = [
      'OPTIONS * RTSP/1.0\r\nCS',
      'SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 60000\r\n\r\nabc',
      '$\x00\xff\xff',
      'GET / HTTP/1.0\r\nx-sessioncookie: ',
      'P',
    ];
    for (const [i, attacker] of attackers.entries()) attacker.send(halves[i % halves.length]!);
    await expectPrompt();
    await Promise.all(attackers.map((attacker) => attacker.closed(30_000)));
    expect(performance.now() - beganMs).toBeGreaterThan(REQUEST_TIMEOUT_S * 900);
    for (const { statuses } of attackers) expect(statuses).toEqual([408]);
  });

  it('silent connections are ended in time', async () => {
    const attackers = await connect(300);
    await expectPrompt();
    await Promise.all(attackers.map((attacker) => attacker.closed(30_000)));
  });

  it('thousands of connects: those of one address beyond its limit hear 453 or are closed', async () => {
    const attackers = await connect(1000);
    for (const attacker of attackers) attacker.send('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
    await expectPrompt();
    await Promise.all(attackers.map((attacker) => attacker.answered(1)));
    const counts = new Map<number | undefined, number>();
    for (const { statuses } of attackers) counts.set(statuses[0], (counts.get(statuses[0]) ?? 0) + 1);
    expect(counts.get(200)).toBe(600);
    expect([...counts.keys()].every((status) => [200, 453, undefined].includes(status))).toBe(true);
    await Promise.all(attackers.map((attacker) => attacker.finish()));
    for (let done = 0; done < 3000; done += 100) {
      for (const attacker of await connect(100)) attacker.socket.resetAndDestroy();
      if (done % 1000 === 0) await expectPrompt();
    }
  });

  it('resets in mid-stream end the session', async () => {
    const url = server.url(MOVIE);
    for (let done = 0; done < 100; done += 25) {
      const attackers = await connect(25);
      await Promise.all(
        attackers.map(async (attacker) => {
          attacker.send(`SETUP ${url}/trackID=1 RTSP/1.0\r\nCSeq: 1\r\n${TCP}\r\n`);
          await attacker.answered(1);
          const session = /^Session: (\w+)/im.exec(attacker.text)![1];
          attacker.send(`PLAY ${url} RTSP/1.0\r\nCSeq: 2\r\nSession: ${session}\r\n\r\n`);
          await attacker.until(() => attacker.receivedBytes > 3000, 'packets');
          await attacker.reset();
        }),
      );
    }
  });

  it('interleaved frames before SETUP, and on unknown channels, mean nothing', async () => {
    const url = server.url(MOVIE);
    const frames = Buffer.concat(
      Array.from({ length: 500 }, (_, i) => {
        const payload = randomBytes(20 + (i % 300));
        return Buffer.concat([
          Buffer.from([0x24, i & 0xff, payload.length >> 8, payload.length & 0xff]),
          payload,
        ]);
      }),
    );
    const attackers = await connect(20);
    await Promise.all(
      attackers.map(async (attacker) => {
        attacker.send(frames);
        attacker.send(`SETUP ${url}/trackID=1 RTSP/1.0\r\nCSeq: 1\r\n${TCP}\r\n`);
        attacker.send(frames);
        attacker.send('OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n');
        await attacker.answered(2);
        expect(attacker.statuses).toEqual([200, 200]);
        await attacker.finish();
      }),
    );
  });

  it('session ids can’t be guessed, nor used from another address', async () => {
    const viewer = await Viewer.open(server, { carrier: 'TCP', movie: MOVIE });
    await viewer.play();
    const attackers = await connect(8);
    const known = viewer.session;
    const ids = Array.from({ length: 1000 }, () => randomBytes(16).toString('hex'));
    ids.push(known, known.toUpperCase(), known.slice(0, -1), `${known}0`, '*', '', `${known};timeout=1`);
    for (const [i, id] of ids.entries())
      attackers[i % attackers.length]!.send(
        `${['TEARDOWN', 'PAUSE', 'PLAY', 'GET_PARAMETER'][i % 4]} ${server.url(MOVIE)} RTSP/1.0\r\nCSeq: ${i}\r\nSession: ${id}\r\n\r\n`,
      );
    await Promise.all(attackers.map((attacker) => attacker.finish()));
    const statuses = attackers.flatMap((attacker) => attacker.statuses);
    for (const status of statuses) expect([400, 454]).toContain(status);
    expect(statuses.length).toBe(ids.length);
    await viewer.tracks[0]!.morePackets(5);
    viewer.tracks[0]!.expectContiguous();
    await viewer.teardown();
    await viewer.close();
  });
});

describe('records', () => {
  it('key updates of a hundred connections at once end them, and nobody waits for them (RFC 8446 §4.6.3)', async () => {
    const floods: { attacker: Attacker; updates: Buffer }[] = [];
    for (let i = 0; i < FLOODERS; i++) {
      let records: ClientRecords | undefined;
      const attacker = await Attacker.connectEncrypted(server.tlsPort, ATTACKER, (socket) => {
        records = new ClientRecords(socket);
      });
      await records!.ready;
      floods.push({ attacker, updates: records!.keyUpdates(KEY_UPDATES) });
    }
    for (const { attacker, updates } of floods) attacker.raw.write(updates);
    await expectPrompt();
    await Promise.all(floods.map(({ attacker }) => attacker.closed(30_000)));
  });
});

describe('RTCP ports', () => {
  it('random bytes, and BYE with a wrong SSRC, change nothing for the viewer', async () => {
    const viewer = await Viewer.open(server, { carrier: 'UDP', movie: MOVIE });
    await viewer.play();
    const ports = viewer.transports.map(({ serverPort }) => serverPort!);
    const strangers = await Promise.all([ATTACKER, '127.0.0.1'].map(bindUdp));
    const bye = Buffer.from('80c90001deadbeef81cb0001deadbeef', 'hex');
    for (let i = 0; i < 300; i++) {
      const bytes = i % 3 === 0 ? bye : randomBytes(i * 4);
      for (const { rtp, rtcp } of ports) {
        for (const stranger of strangers) stranger.send(bytes, i % 2 === 0 ? rtcp : rtp, '127.0.0.1');
        for (const receiver of viewer.udp) receiver.sendRtcp(bytes, rtcp);
      }
    }
    await viewer.tracks[0]!.morePackets(10);
    for (const track of viewer.tracks) {
      track.expectContiguous();
      expect(track.byes).toBe(0);
    }
    expect((await viewer.request('GET_PARAMETER', viewer.url)).status).toBe(200);
    for (const stranger of strangers) stranger.close();
    await viewer.teardown();
    await viewer.close();
  });
});

describe('traversal', () => {
  const dots = [
    '..',
    '%2e%2e',
    '%2E%2e',
    '.%2e',
    '%2e.',
    '%252e%252e',
    '%c0%ae%c0%ae',
    '%uff0e%uff0e',
    '..;',
    '..%00',
    '...',
  ];
  const slashes = ['/', '%2f', '%5c', '\\', '//', '%252f', '%c0%af', '/./', '%00/'];
  const prefixes = ['', '/', 'target.mp4/', 'file:///', `${'x/'.repeat(3)}`];

  it('never leaves the folder, whatever its encoding (RFC 3986 §2.1)', async () => {
    const paths = prefixes.flatMap((prefix) =>
      dots.flatMap((dot) =>
        slashes.flatMap((slash) =>
          ['secret.mp4', 'secret.txt'].flatMap((name) => [
            `${prefix}${dot}${slash}${name}`,
            `${prefix}${dot}${slash}${dot}${slash}${dot}${slash}etc${slash}passwd`,
          ]),
        ),
      ),
    );
    paths.push(
      join(folder.path, 'secret.mp4'),
      '/etc/passwd',
      '/proc/self/environ',
      '/dev/zero',
      'target.mp4%00.txt',
    );
    const attackers = await connect(10);
    await Promise.all(
      attackers.map(async (attacker, i) => {
        const mine = paths.filter((_, at) => at % attackers.length === i);
        for (const [cseq, path] of mine.entries())
          attacker.send(`DESCRIBE rtsp://127.0.0.1/${path} RTSP/1.0\r\nCSeq: ${cseq}\r\n\r\n`);
        await attacker.answered(mine.length);
        expect(attacker.statuses.length).toBe(mine.length);
        for (const status of attacker.statuses) expect([400, 404]).toContain(status);
        expect(attacker.text).not.toContain(SECRET);
        expect(attacker.text).not.toContain('root:');
        await attacker.finish();
      }),
    );
  });

  it('the log has been filled by none of this', async () => {
    const lines = await server.lines();
    expect(lines.length).toBeLessThan(500);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

function bindUdp(address: string) {
  const socket = createSocket('udp4');
  return new Promise<typeof socket>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, address, () => resolve(socket));
  });
}
