/**
 * RTSP over HTTP: two halves in either order, on any thread, POSTs that come and go. Spec: Apple, "Tunnelling RTSP and RTP
 * through HTTP".
 */
import type { ServerSnapshot } from '@finch/core';
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, startFinch } from '../../support/finch-under-test';
import { join, openGetHalf, PostHalf, type TunnelOptions } from '../../support/http-tunnel';
import { RtspClient } from '../../support/rtsp-client';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

const SESSION_TIMEOUT_S = 1;
const OPTIONS_REQUEST = 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

let finch: FinchUnderTest;
let open: { close(): unknown }[];
let cookies = 0;

beforeAll(async () => {
  finch = await startFinch({
    threads: 2,
    sessionTimeoutSeconds: SESSION_TIMEOUT_S,
    idleTimeoutSeconds: SESSION_TIMEOUT_S,
  });
});
afterAll(() => finch.stop());
beforeEach(() => {
  open = [];
});
afterEach(async () => {
  for (const each of open) await each.close();
  await eventually(async () => expect((await inspected()).connections).toBe(0));
});

const inspected = (): Promise<ServerSnapshot> => finch.server.inspect();

function options(changes: Partial<TunnelOptions> = {}): TunnelOptions {
  return { port: finch.port, cookie: `cookie-${cookies++}`, ...changes };
}

/** Opens what is closed after the test. */
async function kept<Half extends { close(): unknown }>(half: Promise<Half>): Promise<Half> {
  const opened = await half;
  open.push(opened);
  return opened;
}

const connectPlain = (): Promise<RtspClient> => kept(RtspClient.connect({ port: finch.port }));
const openPost = (of: TunnelOptions, first = ''): Promise<PostHalf> => kept(PostHalf.open(of, first));
async function openGet(of: TunnelOptions): Promise<RtspClient> {
  const { get, answer } = await openGetHalf(of);
  open.push(get);
  expect(answer.status).toBe(200);
  return get;
}

/** Both halves, the GET first. */
async function openTunnel(of = options()): Promise<{ client: RtspClient; post: PostHalf }> {
  const get = await openGet(of);
  const post = await openPost(of);
  return { client: join(get, post), post };
}

/** How many connections each task thread has. */
async function connectionsByThread(): Promise<number[]> {
  return (await inspected()).threads.map(({ counts }) => counts['RTSP connections']!);
}

async function expectPlays(client: RtspClient): Promise<void> {
  const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
  await viewer.play();
  await viewer.tracks[0]!.packetsArrived(20);
  viewer.tracks[0]!.expectContiguous();
  await viewer.teardown();
}

describe('a tunnel', () => {
  it('answers its GET with an HTTP/1.0 head that has no length, and its POST with nothing', async () => {
    const of = options({ version: 'HTTP/1.1' });
    const get = await kept(RtspClient.connect(of));
    let head = '';
    get.socket.on('data', (bytes: Buffer) => {
      head += bytes.toString('latin1');
    });
    get.send(`GET /x HTTP/1.1\r\nx-sessioncookie: ${of.cookie}\r\n\r\n`);
    const { headers } = await get.answer('GET');
    expect(head).toMatch(/^HTTP\/1\.0 200 OK\r\n/);
    expect(headers.get('Content-Type')).toBe('application/x-rtsp-tunnelled');
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect([headers.has('Content-Length'), headers.has('Transfer-Encoding')]).toEqual([false, false]);
    const post = await openPost(of);
    expect((await join(get, post).request('OPTIONS', '*')).status).toBe(200);
    expect(post.received).toBe('');
  });

  it.each([
    ['GET first', 'HTTP/1.0', false],
    ['POST first', 'HTTP/1.0', true],
    ['GET first', 'HTTP/1.1', false],
    ['POST first', 'HTTP/1.1', true],
  ] as const)(
    'plays with its %s in %s, its halves accepted by two threads',
    async (_, version, postFirst) => {
      const of = options({ version });
      if (postFirst) await connectPlain(); // the second half comes to the other thread
      const early = postFirst ? await openPost(of) : undefined;
      if (postFirst) {
        // It was accepted, and has been handed over: no thread has it.
        await eventually(async () => expect((await inspected()).connections).toBe(2));
        await eventually(async () => expect(await connectionsByThread()).toEqual([1, 0]));
      }
      const get = await openGet(of);
      await eventually(async () => expect((await connectionsByThread())[postFirst ? 1 : 0]).toBe(1));
      await expectPlays(join(get, early ?? (await openPost(of))));
    },
  );

  it('plays with both halves accepted by one thread', async () => {
    const of = options();
    const get = await openGet(of);
    await connectPlain();
    await eventually(async () => expect(await connectionsByThread()).toEqual([1, 1]));
    await expectPlays(join(get, await openPost(of)));
  });

  it('counts as two connections, its GET’s thread having both', async () => {
    const { client } = await openTunnel();
    await client.request('OPTIONS', '*');
    const { connections, threads } = await inspected();
    expect(connections).toBe(2);
    expect(threads.map(({ tasks }) => tasks.RtspConnection ?? 0)).toEqual([1, 0]);
    expect(threads.map(({ counts }) => counts['half-open tunnels'])).toEqual([0, 0]);
  });

  it('takes what came in one piece with the head of its POST', async () => {
    const of = options();
    const get = await openGet(of);
    await openPost(of, base64(OPTIONS_REQUEST));
    expect((await get.answer()).headers.get('CSeq')).toBe('1');
  });

  it('takes base64 cut anywhere, with line breaks in it', async () => {
    const { client, post } = await openTunnel();
    const text = base64(`${OPTIONS_REQUEST}`).replace(/.{10}/g, '$&\r\n');
    for (const character of text) {
      post.socket.write(character);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await client.answer()).status).toBe(200);
  });

  it('takes many requests in one piece, and interleaved packets between them (RFC 2326 §10.12)', async () => {
    const { client, post } = await openTunnel();
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
    await viewer.play();
    post.socket.cork();
    for (let i = 0; i < 30; i++) {
      client.sendFrame(1, Buffer.from('not even RTCP'));
      client.send(`OPTIONS * RTSP/1.0\r\nCSeq: ${1000 + i}\r\n\r\n`);
      client.sendFrame(200, Buffer.alloc(3000));
    }
    post.socket.uncork();
    for (let i = 0; i < 30; i++) expect((await client.answer()).headers.get('CSeq')).toBe(String(1000 + i));
    await viewer.tracks[0]!.morePackets(10);
    viewer.tracks[0]!.expectContiguous();
  });

  it('goes on with another POST when the first has ended, in the middle of a request', async () => {
    const of = options();
    const { client, post } = await openTunnel(of);
    expect((await client.request('OPTIONS', '*')).status).toBe(200);
    post.send(OPTIONS_REQUEST.slice(0, 10));
    post.socket.end();
    const next = await openPost(of);
    next.send(OPTIONS_REQUEST.slice(10));
    expect((await client.answer()).status).toBe(200);
    await post.closed();
  });

  it('goes on with another POST while the first stands, and closes the first', async () => {
    const of = options();
    const { client, post } = await openTunnel(of);
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
    await viewer.play();
    for (let i = 0, last = post; i < 5; i++) {
      const next = await openPost(of, i % 2 === 0 ? '' : '\r\n');
      await last.closed();
      join(client, next);
      expect((await client.request('OPTIONS', '*')).status).toBe(200);
      last = next;
    }
    await viewer.tracks[0]!.morePackets(10);
    viewer.tracks[0]!.expectContiguous();
    expect((await inspected()).connections).toBe(2);
  });

  it('plays on when its POST has gone', async () => {
    const { client, post } = await openTunnel();
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
    await viewer.play();
    post.close();
    await eventually(async () => expect((await inspected()).connections).toBe(1));
    await viewer.tracks[0]!.morePackets(40);
    viewer.tracks[0]!.expectContiguous();
  });

  it('ends with its GET, and its session and POST with it', async () => {
    const { client, post } = await openTunnel();
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
    await viewer.play();
    client.reset();
    await post.closed();
    await eventually(async () =>
      expect((await inspected()).threads.map(({ counts }) => counts['RTSP sessions'])).toEqual([0, 0]),
    );
  });

  it('is not joined from another address', async () => {
    const of = options();
    const get = await openGet(of);
    const foreign = await openPost({ ...of, localAddress: '127.0.0.2' }, base64(OPTIONS_REQUEST));
    await eventually(async () => expect((await inspected()).connections).toBe(2));
    const own = await openPost(of);
    expect((await join(get, own).request('OPTIONS', '*')).headers.get('CSeq')).toBe('1');
    expect([get.answers.length, foreign.received]).toEqual([2, '']);
    const foreignGet = await openGet({ ...of, localAddress: '127.0.0.2' });
    expect((await join(foreignGet, foreign).answer()).headers.get('CSeq')).toBe('1');
  });

  it('goes to the newer of two GETs with one cookie', async () => {
    const of = options();
    const older = await openGet(of);
    const newer = await openGet(of);
    const post = await openPost(of);
    expect((await join(newer, post).request('OPTIONS', '*')).status).toBe(200);
    expect(older.answers.length).toBe(1);
  });

  it('without a POST is closed after a while', async () => {
    const get = await openGet(options());
    const counts = async () =>
      (await inspected()).threads.map((thread) => thread.counts['half-open tunnels']);
    expect(await counts()).toEqual([1, 0]);
    await get.closed();
    await eventually(async () => expect(await counts()).toEqual([0, 0]));
  });

  it.each([
    ['plain RTSP', OPTIONS_REQUEST],
    ['binary noise', '\x00\x01'],
    ['padding out of place', '===='],
  ])('is told and closed when its POST brings %s', async (_, bytes) => {
    const { client, post } = await openTunnel();
    expect((await client.request('OPTIONS', '*')).status).toBe(200);
    post.socket.write(bytes);
    const { status, text } = await client.answer();
    expect([status, text]).toEqual([400, expect.stringMatching(/^tunnel: found 0x.., expected base64/)]);
    await client.closed();
    await post.closed();
  });

  it('is told and closed when its base64 is no RTSP', async () => {
    const { client, post } = await openTunnel();
    post.send('\x00\x01');
    expect((await client.answer()).status).toBe(400);
    await client.closed();
    await post.closed();
  });

  it('has no other tunnel in it', async () => {
    const { client, post } = await openTunnel();
    post.send('GET / HTTP/1.0\r\nx-sessioncookie: inner\r\n\r\n');
    const { status, text } = await client.answer();
    expect(status).toBe(400);
    expect(text).toBe('GET: expected as the first request of its connection\r\n');
    await client.closed();
  });
});
