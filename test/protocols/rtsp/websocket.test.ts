/** RTSP over a WebSocket, from the handshake to the end, plain and encrypted: viewers, slow ones, and what is no WebSocket. */
import { SeededRandom } from '@finch/core/reactor/seeded-random';
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../../support/finch-under-test';
import { putMovie, type ShortMovie } from '../../support/movies';
import type { TrackReceiver } from '../../support/rtp-receiver';
import { RtspClient } from '../../support/rtsp-client';
import { TLS_CONFIG } from '../../support/tls-files';
import { Viewer } from '../../support/viewer';
import {
  clientFrame,
  handshake,
  Opcode,
  openWebSocket,
  ServerFrames,
  type WebSocketClient,
} from '../../support/websocket-client';

jest.setTimeout(30_000);

const SHORT = 'short.mp4';
/** 10 MB a second, a key frame each second: the kernel's buffers are full within a second. */
const FAT: ShortMovie = {
  frames: 150,
  framesPerSecond: 50,
  frameBytes: 200_000,
  keyEvery: 50,
  isSilent: true,
};
const LONG: ShortMovie = { frames: 3000, framesPerSecond: 50, frameBytes: 300, isSilent: true };
const ORIGIN = 'https://example.org';
const OPTIONS_REQUEST = 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n';
const NOISE_CLIENTS = 200;
const AT_A_TIME = 20;

const folder = temporaryFolder();
let finch: FinchUnderTest;
let open: RtspClient[];

beforeAll(async () => {
  putMovie(folder.path, SHORT, { frames: 20, framesPerSecond: 25, keyEvery: 10, frameBytes: 5000 });
  putMovie(folder.path, 'fat.mp4', FAT);
  putMovie(folder.path, 'long.mp4', LONG);
  finch = await startFinch({
    ...TLS_CONFIG,
    media: folder.path,
    threads: 2,
    overbuffer: 'off',
    maxRequestsPerSecond: 1_000_000,
    webOrigins: [ORIGIN],
  });
});
afterAll(async () => {
  await finch?.stop();
  folder.remove();
});
beforeEach(() => {
  open = [];
});
afterEach(async () => {
  for (const client of open) await client.close();
  await eventually(async () => {
    const { connections, threads } = await finch.server.inspect();
    expect([connections, threads.map(({ counts }) => counts['RTSP sessions'])]).toEqual([0, [0, 0]]);
  });
});

async function connect(
  kind: 'ws' | 'wss' = 'ws',
  changes: Record<string, string> = {},
): Promise<WebSocketClient> {
  const isEncrypted = kind === 'wss';
  const port = isEncrypted ? finch.tlsPort : finch.port;
  const opened = await openWebSocket({ port, isEncrypted }, changes);
  open.push(opened.client);
  return opened;
}

async function openViewer(client: RtspClient, movie = SHORT): Promise<Viewer> {
  const viewer = await Viewer.open(finch, { carrier: 'TCP', movie, client });
  open.push(client);
  return viewer;
}

/** What came of a track that does not depend on when it was sent. */
function contentOf(track: TrackReceiver): unknown[] {
  const first = track.packets[0]!.timestamp;
  return track.packets.map(({ payload, marker, timestamp }) => [
    payload.toString('base64'),
    marker,
    (timestamp - first) >>> 0,
  ]);
}

async function queuedBytes(): Promise<number> {
  return (await finch.server.inspect()).memory.queues;
}

describe.each(['ws', 'wss'] as const)('a viewer by %s', (kind) => {
  it('gets the whole movie, packet for packet what one over TCP gets', async () => {
    const { client, frames } = await connect(kind, { Origin: ORIGIN });
    const viewer = await openViewer(client);
    const plain = await openViewer(await RtspClient.connect({ port: finch.port }));
    for (const each of [viewer, plain]) {
      await each.play('npt=0-');
      for (const track of each.tracks) {
        await track.byeArrived();
        track.expectContiguous();
        expect(track.reports.length).toBeGreaterThan(0);
      }
      await each.teardown();
    }
    expect(viewer.tracks.map(contentOf)).toEqual(plain.tracks.map(contentOf));
    expect(viewer.tracks[0]!.timestampsFromFirst().length).toBe(20);
    expect(frames.close).toBeUndefined();
  });

  it('pauses, seeks and plays on', async () => {
    const viewer = await openViewer((await connect(kind)).client);
    await viewer.play();
    await viewer.tracks[0]!.packetsArrived(3);
    await viewer.pause();
    expect((await viewer.play('npt=0.4-')).startSeconds).toBeCloseTo(0.4);
    await viewer.tracks[0]!.byeArrived();
    viewer.tracks[0]!.expectContiguous();
  });

  it('who reads slowly costs little memory, and goes on at a key frame', async () => {
    const slow = await openViewer((await connect(kind)).client, 'fat.mp4');
    slow.client.isKeepingFrames = false;
    await slow.play();
    await slow.tracks[0]!.packetsArrived(50);
    slow.client.socket.pause();
    await eventually(async () => expect(await queuedBytes()).toBeGreaterThan(0));
    const other = await openViewer(await RtspClient.connect({ port: finch.port }));
    await other.play('npt=0-');
    await other.tracks[0]!.byeArrived();
    other.tracks[0]!.expectContiguous();
    expect(await queuedBytes()).toBeLessThan(2_000_000);
    slow.client.socket.resume();
    await slow.tracks[0]!.byeArrived(1, 20_000);
    slow.tracks[0]!.expectContiguous();
    const shown = slow.tracks[0]!.timestampsFromFirst().map((ticks) => ticks / (90_000 / 50));
    const back = shown.findIndex((frame, i) => i > 0 && frame !== shown[i - 1]! + 1);
    if (back >= 0) expect(shown[back]! % FAT.keyEvery!).toBe(0);
    expect(shown.at(-1)).toBe(FAT.frames - 1);
    await eventually(async () => expect(await queuedBytes()).toBe(0));
  });

  it('pings, and is told good-bye when he says it; his session goes with him', async () => {
    const { client, frames } = await connect(kind);
    const viewer = await openViewer(client);
    await viewer.play();
    client.socket.write(clientFrame('are you there', { opcode: Opcode.ping }));
    await eventually(() => expect(frames.pongs).toEqual(['are you there']));
    client.socket.write(clientFrame(Buffer.from([3, 233]), { opcode: Opcode.close }));
    await client.closed();
    expect(frames.close).toEqual({ code: 1001, reason: '' });
  });

  it('is told good-bye behind the answer to his last request', async () => {
    const { client, frames } = await connect(kind);
    expect((await client.request('OPTIONS', '*', { Connection: 'close' })).status).toBe(200);
    await client.closed();
    expect(frames.close).toEqual({ code: 1000, reason: '' });
  });
});

describe('a WebSocket', () => {
  it('takes requests and interleaved frames cut and divided anywhere', async () => {
    const { client } = await connect();
    const viewer = await openViewer(client);
    await viewer.play();
    const stream = Buffer.concat(
      Array.from({ length: 20 }, (_, i) =>
        Buffer.concat([
          Buffer.from([0x24, 200, 0, 3, 1, 2, 3]),
          Buffer.from(`OPTIONS * RTSP/1.0\r\nCSeq: ${1000 + i}\r\n\r\n`),
        ]),
      ),
    );
    const frames: Buffer[] = [];
    for (let at = 0; at < stream.length; at += 9) {
      const opcode = at === 0 ? Opcode.binary : Opcode.continuation;
      frames.push(clientFrame(stream.subarray(at, at + 9), { opcode, isFinal: at + 9 >= stream.length }));
      frames.push(clientFrame('', { opcode: Opcode.pong }));
    }
    const bytes = Buffer.concat(frames);
    for (let at = 0; at < bytes.length; at += 11) client.socket.write(bytes.subarray(at, at + 11));
    for (let i = 0; i < 20; i++) expect((await client.answer()).headers.get('CSeq')).toBe(String(1000 + i));
    await viewer.tracks[0]!.morePackets(1);
    viewer.tracks[0]!.expectContiguous();
  });

  it('begins with what came in one piece with its handshake', async () => {
    const client = await RtspClient.connect({ port: finch.port });
    open.push(client);
    const frames = new ServerFrames();
    client.input = (bytes) => {
      const end = Buffer.from(bytes).indexOf('\r\n\r\n');
      expect(String(Buffer.from(bytes.subarray(0, end)))).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
      client.input = (more) => frames.take(more);
      return frames.take(bytes.subarray(end + 4));
    };
    client.send(Buffer.concat([Buffer.from(handshake()), clientFrame(OPTIONS_REQUEST)]));
    expect((await client.answer()).headers.get('CSeq')).toBe('1');
  });

  it('takes no UDP, with which a web page could flood its viewer', async () => {
    const { client } = await connect();
    const udp = { Transport: 'RTP/AVP;unicast;client_port=5000-5001' };
    const { status, text } = await client.request('SETUP', `${finch.url(SHORT)}/trackID=1`, udp);
    expect([status, text]).toEqual([
      461,
      'Transport: expected RTP/AVP/TCP, this connection is a WebSocket\r\n',
    ]);
  });

  it('stays where it is: a session of another thread is none to it', async () => {
    const viewer = await openViewer(await RtspClient.connect({ port: finch.port }));
    const { client } = await connect();
    expect((await client.request('GET_PARAMETER', viewer.url, { Session: viewer.session })).status).toBe(454);
    expect((await client.request('OPTIONS', '*')).status).toBe(200);
  });

  it('has nothing of HTTP in it', async () => {
    const { client, frames } = await connect();
    client.send(handshake());
    const { status, text } = await client.answer();
    expect([status, text]).toEqual([400, 'GET: expected as the first request of its connection\r\n']);
    await client.closed();
    expect(frames.close?.code).toBe(1000);
  });

  it('waits for who sends requests and pings and reads nothing, while others are served', async () => {
    const { client, frames } = await connect();
    client.socket.pause();
    const ping = clientFrame('unread', { opcode: Opcode.ping });
    const piece = Buffer.concat([clientFrame(OPTIONS_REQUEST), ping]);
    client.socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => piece)));
    const other = await connect();
    expect((await other.client.request('OPTIONS', '*')).status).toBe(200);
    expect(await queuedBytes()).toBeLessThan(1_000_000);
    client.socket.resume();
    await client.until(() => client.answers.length === 20_001, 'all answers', 25_000);
    expect(frames.pongs.length).toBeLessThanOrEqual(20_000);
  });

  it.each([
    ['text', clientFrame(OPTIONS_REQUEST, { opcode: Opcode.text }), 1003],
    ['a frame without mask', clientFrame(OPTIONS_REQUEST, { isMasked: false }), 1002],
    ['plain RTSP', Buffer.from(OPTIONS_REQUEST), 1002],
    ['a frame of 2^63 bytes', Buffer.from('82ff800000000000000000000000', 'hex'), 1009],
  ])('is closed with a reason when it brings %s; the session goes with it', async (_, bytes, code) => {
    const { client, frames } = await connect();
    const viewer = await openViewer(client);
    await viewer.play();
    const lines = finch.log.length;
    client.socket.write(bytes);
    await client.closed();
    expect(frames.close?.code).toBe(code);
    const { reason } = frames.close!;
    await eventually(() =>
      expect(finch.log.slice(lines)).toContainEqual({
        level: 'debug',
        message: expect.stringMatching(/^127\.0\.0\.1:\d+: WebSocket frame: found /),
        fields: expect.anything(),
      }),
    );
    expect(reason).toMatch(/^WebSocket frame: found .*, expected /);
  });

  it('is told what is wrong when its messages are no RTSP', async () => {
    const { client, frames } = await connect();
    client.send('\0\x01');
    expect((await client.answer()).status).toBe(400);
    await client.closed();
    expect(frames.close?.code).toBe(1000);
  });

  it(`of ${NOISE_CLIENTS} clients who send noise costs the others nothing`, async () => {
    const random = new SeededRandom(20_261_121);
    const other = await openViewer(await RtspClient.connect({ port: finch.port }), 'long.mp4');
    await other.play();
    for (let done = 0; done < NOISE_CLIENTS; done += AT_A_TIME)
      await Promise.all(Array.from({ length: AT_A_TIME }, () => makeNoise(random)));
    await other.tracks[0]!.morePackets(10);
    other.tracks[0]!.expectContiguous();
  });
});

describe.each(['ws', 'wss'] as const)(
  'the end of a WebSocket over bytes that nobody has read, by %s,',
  (kind) => {
    it.each([
      ['a frame that may not be', clientFrame('x', { opcode: Opcode.text }), 1003],
      ['its close frame', clientFrame('', { opcode: Opcode.close }), 1000],
      ['a message that is no RTSP', clientFrame('\0\x01'), 1000],
    ])('is an end and no reset behind %s (RFC 6455 §7.1.1)', async (_, last, code) => {
      for (const unread of [100, 5000, 16_000]) {
        const { client, frames } = await connect(kind);
        const errors: Error[] = [];
        client.socket.on('error', (error) => errors.push(error));
        client.socket.write(Buffer.concat([last, Buffer.alloc(unread, 1)]));
        await client.closed();
        expect([errors, frames.close?.code]).toEqual([[], code]);
      }
    });
  },
);

/** Sends a dialogue with bytes in it that are wrong, and goes; what it is answered with must be frames. */
async function makeNoise(random: SeededRandom): Promise<void> {
  const { client } = await openWebSocket({ port: finch.port });
  const setup = `SETUP ${finch.url(SHORT)}/trackID=1 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP\r\n\r\n`;
  const form = {
    isFinal: random.below(4) > 0,
    opcode: random.below(8) > 0 ? Opcode.binary : random.below(16),
  };
  const bytes = Buffer.concat([
    clientFrame(OPTIONS_REQUEST, form),
    clientFrame('ping', { opcode: Opcode.ping }),
    clientFrame(setup),
    clientFrame(Buffer.alloc(random.below(300)), { opcode: random.below(16) }),
  ]);
  for (let i = random.below(6); i > 0; i--) bytes[random.below(bytes.length)] = random.below(256);
  const cut = random.below(bytes.length);
  client.socket.write(bytes.subarray(0, cut));
  if (random.below(3) > 0) client.socket.write(bytes.subarray(cut));
  client.socket.end();
  await client.closed();
}

describe('a handshake with a flaw', () => {
  it.each([
    [{ 'Sec-WebSocket-Protocol': 'mqtt' }, /^HTTP\/1\.0 400 Bad Request\r\n/],
    [
      { 'Sec-WebSocket-Version': '8' },
      // RFC 7230 §6.7: who sends Upgrade says so in Connection, in HTTP/1.1
      /^HTTP\/1\.1 426 Upgrade Required\r\n[\s\S]*Connection: close, Upgrade\r\n[\s\S]*Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n/,
    ],
    [{ Origin: 'https://elsewhere.example' }, /^HTTP\/1\.0 403 Forbidden\r\n/],
  ])('%j is answered in one line and closed', async (changes, head) => {
    const client = await RtspClient.connect({ port: finch.port });
    open.push(client);
    let received = '';
    client.socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
    });
    client.send(handshake(changes));
    await client.closed();
    expect(received).toMatch(head);
    expect(received).toMatch(/\r\n\r\n[^\r\n]+: found [^\r\n]+, expected [^\r\n]+\r\n$/);
  });
});
