/** RTSPS: everything on one encrypted connection, what it refuses, and handshakes that fail or never end. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../../support/finch-under-test';
import { putMovie } from '../../support/movies';
import { RtspClient } from '../../support/rtsp-client';
import { TEST_CERTIFICATE, TLS_CONFIG } from '../../support/tls-files';
import { Viewer } from '../../support/viewer';

jest.setTimeout(30_000);

const SHORT = 'short.mp4';
const HTTP_COOKIE = 'x-sessioncookie: 0123456789';
/** More than the sockets of a connection hold. */
const FLOOD_REQUESTS = 20_000;

const folder = temporaryFolder();
let finch: FinchUnderTest;

beforeAll(async () => {
  putMovie(folder.path, SHORT, { frames: 20, framesPerSecond: 25, keyEvery: 10 });
  const changes = { media: folder.path, threads: 2, maxRequestsPerSecond: 1_000_000 };
  finch = await startFinch({ ...TLS_CONFIG, ...changes });
});
afterAll(async () => {
  await finch?.stop();
  folder.remove();
});

const connect = () => RtspClient.connect({ port: finch.tlsPort, isEncrypted: true });
const open = (movie = SHORT) => Viewer.open(finch, { carrier: 'TCP', movie, isEncrypted: true });

/** A TCP connection to the encrypted port that sends `bytes`; resolves when the server has closed it. */
async function plainConnection(bytes: string | Uint8Array): Promise<Buffer> {
  const socket: Socket = connectTcp({ host: '127.0.0.1', port: finch.tlsPort });
  const received: Buffer[] = [];
  socket.on('data', (piece: Buffer) => received.push(piece));
  socket.write(bytes);
  await new Promise<void>((resolve) => {
    socket.on('error', () => {}); // a reset is an end, too
    socket.on('close', () => resolve());
  });
  return Buffer.concat(received);
}

async function handshakes(): Promise<number> {
  const { threads } = await finch.server.inspect();
  return threads.reduce((sum, { counts }) => sum + counts['TLS handshakes']!, 0);
}

describe('a viewer by RTSPS', () => {
  it('gets the whole movie, reports and BYE', async () => {
    const viewer = await open();
    expect(viewer.trackUrls.every((url) => url.startsWith('rtsps://'))).toBe(true);
    const answer = await viewer.play('npt=0-');
    const [track] = viewer.tracks;
    await track!.byeArrived();
    track!.expectContiguous();
    expect(track!.timestampsFromFirst().length).toBe(20);
    expect(track!.packets[0]!.sequenceNumber).toBe(answer.sequenceNumbers[0]);
    await viewer.teardown();
    await viewer.close();
  });

  it('pauses, seeks and plays on, beside others of both kinds', async () => {
    const viewers = await Promise.all([open(), open(), Viewer.open(finch, { carrier: 'UDP', movie: SHORT })]);
    for (const viewer of viewers) await viewer.play();
    for (const viewer of viewers) {
      await viewer.tracks[0]!.packetsArrived(3);
      await viewer.pause();
      expect((await viewer.play('npt=0.4-')).startSeconds).toBeCloseTo(0.4);
      await viewer.tracks[0]!.byeArrived();
      await viewer.teardown(); // over UDP the session would outlive its connection
      await viewer.close();
    }
  });

  it('that is gone takes his session with him', async () => {
    const viewer = await open();
    await viewer.play();
    viewer.client.socket.destroy();
    await eventually(async () => {
      const { threads, connections } = await finch.server.inspect();
      expect(connections).toBe(0);
      expect(threads.map(({ counts }) => counts['RTSP sessions'])).toEqual([0, 0]);
    });
  });

  it('hears the answer before the connection ends that he asked for', async () => {
    const client = await connect();
    const answer = await client.request('OPTIONS', '*', { Connection: 'close' });
    expect(answer.status).toBe(200);
    await client.closed();
  });
});

describe('an RTSPS connection', () => {
  it('takes no UDP, which would carry the media in clear', async () => {
    const client = await connect();
    const url = `${finch.tlsUrl(SHORT)}/trackID=1`;
    const udp = 'RTP/AVP;unicast;client_port=5000-5001';
    const refused = await client.request('SETUP', url, { Transport: udp });
    expect([refused.status, refused.text]).toEqual([
      461,
      'Transport: expected RTP/AVP/TCP, this connection is encrypted\r\n',
    ]);
    const taken = await client.request('SETUP', url, { Transport: `${udp},RTP/AVP/TCP;interleaved=4-5` });
    expect(taken.headers.get('Transport')).toContain('interleaved=4-5');
    await client.close();
  });

  it('is no tunnel of HTTP', async () => {
    const client = await connect();
    client.send(`GET / HTTP/1.0\r\n${HTTP_COOKIE}\r\n\r\n`);
    expect((await client.answer()).status).toBe(501);
    await client.closed();
  });

  it('takes requests split anywhere and answers them in order', async () => {
    const client = await connect();
    const requests = Array.from({ length: 50 }, (_, i) => `OPTIONS * RTSP/1.0\r\nCSeq: ${i}\r\n\r\n`).join(
      '',
    );
    for (let at = 0; at < requests.length; at += 7) client.send(requests.slice(at, at + 7));
    await client.until(() => client.answers.length === 50, 'fifty answers');
    expect(client.answers.map(({ headers }) => headers.get('CSeq'))).toEqual(
      Array.from({ length: 50 }, (_, i) => String(i)),
    );
    await client.close();
  });

  it('waits for who sends requests and reads no answers, while others are served', async () => {
    const client = await connect();
    client.socket.pause();
    client.send('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'.repeat(FLOOD_REQUESTS));
    const other = await connect();
    expect((await other.request('OPTIONS', '*')).status).toBe(200);
    client.socket.resume();
    await client.until(() => client.answers.length === FLOOD_REQUESTS, 'all answers', 25_000);
    await client.close();
    await other.close();
  });
});

describe('the encrypted port', () => {
  it.each([
    ['plain RTSP', 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'],
    ['a record that is none', Uint8Array.of(0x16, 3, 1, 0, 4, 9, 9, 9, 9)],
    ['binary noise', Uint8Array.from({ length: 500 }, (_, i) => (i * 167) & 0xff)],
  ])('ends %s with no more than an alert, and says why in a debug line', async (_, bytes) => {
    const lines = finch.log.length;
    expect((await plainConnection(bytes)).length).toBeLessThan(16);
    await eventually(() =>
      expect(finch.log.slice(lines)).toContainEqual({
        level: 'debug',
        message: expect.stringMatching(/^127\.0\.0\.1:\d+: TLS handshake failed: \S/),
        fields: expect.anything(),
      }),
    );
    expect(await handshakes()).toBe(0);
  });

  it('refuses versions before TLS 1.2', async () => {
    const options = { ca: TEST_CERTIFICATE, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' } as const;
    const socket = connectTls({
      host: '127.0.0.1',
      port: finch.tlsPort,
      ...options,
      ciphers: 'ALL@SECLEVEL=0',
    });
    const error = await new Promise<Error>((resolve) => socket.on('error', resolve));
    expect(error.message).toMatch(/version/);
  });

  it('counts handshakes that are not finished, and forgets them with their connection', async () => {
    const sockets = Array.from({ length: 5 }, () => connectTcp({ host: '127.0.0.1', port: finch.tlsPort }));
    for (const socket of sockets) socket.on('error', () => {});
    await eventually(async () => expect(await handshakes()).toBe(5));
    const viewer = await open(); // and serves meanwhile
    await viewer.close();
    for (const socket of sockets) socket.destroy();
    await eventually(async () => expect(await handshakes()).toBe(0));
  });
});
