/**
 * The limits: who is over one hears so within two seconds, who is not goes on.
 * Spec: RFC 2326 §11.3 (453), §11.3.1 (503), §12.31 (Retry-After); Apple's tunnelling for its halves.
 */
import { MAX_REFUSALS } from '@finch/rtsp/request-rate';
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { join, openGetHalf, PostHalf } from '../../support/http-tunnel';
import { RtspClient } from '../../support/rtsp-client';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

/** What the issue allows for an answer at a limit. */
const ANSWER_MS = 2000;
const SURPLUS_CLIENTS = 20;
const TCP = { Transport: 'RTP/AVP/TCP;unicast' };

let finch: FinchUnderTest;
let viewers: Viewer[] = [];

async function start(config: Parameters<typeof startFinch>[0]): Promise<void> {
  finch = await startFinch(config);
  viewers = [];
}

async function play(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const viewer = await Viewer.open(finch, { carrier: 'TCP' });
    viewers.push(viewer);
    await viewer.play();
  }
}

async function stop(): Promise<void> {
  await Promise.all(viewers.map((viewer) => viewer.close()));
  await finch.stop();
}

async function expectViewersPlayOn(): Promise<void> {
  for (const { tracks } of viewers) {
    await tracks[0]!.morePackets(5);
    tracks[0]!.expectContiguous();
    expect(tracks[0]!.byes).toBe(0);
  }
}

const options = (cseq: number) => `OPTIONS * RTSP/1.0\r\nCSeq: ${cseq}\r\n\r\n`;
const connect = (localAddress = '127.0.0.1') => RtspClient.connect({ port: finch.port, localAddress });
const connectionCount = async (): Promise<number> => (await finch.server.inspect()).connections;

/** Asks, and expects a refusal in time and the end of the connection. */
async function expectRefused(client: RtspClient, status: number, text: string): Promise<void> {
  const beganMs = performance.now();
  const answer = await client.request('DESCRIBE', finch.url(SAMPLE));
  expect([answer.status, answer.text]).toEqual([status, `${text}\r\n`]);
  expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/);
  expect(performance.now() - beganMs).toBeLessThan(ANSWER_MS);
  await client.closed();
}

describe('at the connection limit', () => {
  const MAX_CONNECTIONS = 3;
  const FULL = 'the server has as many connections as it may have';
  beforeAll(async () => {
    await start({ maxConnections: MAX_CONNECTIONS });
    await play(MAX_CONNECTIONS);
  });
  afterAll(stop);

  it('surplus clients hear 453 and are closed, and the viewers go on (RFC 2326 §11.3)', async () => {
    const surplus = await Promise.all(Array.from({ length: SURPLUS_CLIENTS }, () => connect()));
    await Promise.all(surplus.map((client) => expectRefused(client, 453, FULL)));
    await expectViewersPlayOn();
    await eventually(async () => expect(await connectionCount()).toBe(MAX_CONNECTIONS));
  });

  it('a surplus client who asks nothing, or never ends his request, is closed soon', async () => {
    const [silent, slow] = [await connect(), await connect()];
    slow.send('DESCRIBE * RTSP/1.0\r\nCS');
    await Promise.all([silent.closed(), slow.closed()]);
    await eventually(async () => expect(await connectionCount()).toBe(MAX_CONNECTIONS));
  });

  it('a place that becomes free is somebody else’s at once', async () => {
    await viewers.pop()!.close();
    await eventually(async () => expect(await connectionCount()).toBe(MAX_CONNECTIONS - 1));
    await play(1);
    await viewers.at(-1)!.tracks[0]!.packetsArrived(3);
  });
});

describe('at the limit of one address', () => {
  beforeAll(async () => {
    await start({ maxConnectionsPerAddress: 2 });
    await play(2);
  });
  afterAll(stop);

  it('its clients hear 453, those of others do not (RFC 2326 §11.3)', async () => {
    for (let i = 0; i < 3; i++)
      await expectRefused(await connect(), 453, 'this address has as many connections as it may have');
    const other = await connect('127.0.0.2');
    expect((await other.request('DESCRIBE', finch.url(SAMPLE))).status).toBe(200);
    await other.close();
    await expectViewersPlayOn();
  });

  it('a connection that has ended is somebody else’s place', async () => {
    for (let i = 0; i < 5; i++) {
      await viewers.pop()!.close();
      await eventually(async () => expect(await connectionCount()).toBe(1));
      await play(1);
    }
  });

  it('sessions that outlive their connections count, too', async () => {
    const left: Viewer[] = [];
    for (let i = 0; i < 2; i++) {
      const viewer = await Viewer.open(finch, { carrier: 'UDP', localAddress: '127.0.0.3' });
      await viewer.close();
      left.push(viewer);
    }
    const client = await connect('127.0.0.3');
    const setUp = () => client.request('SETUP', `${finch.url(SAMPLE)}/trackID=1`, TCP);
    expect((await setUp()).status).toBe(453);
    await client.request('TEARDOWN', left[0]!.url, { Session: left[0]!.session });
    await eventually(async () => expect((await setUp()).status).toBe(200));
    await client.request('TEARDOWN', left[1]!.url, { Session: left[1]!.session });
    await client.close();
  });
});

describe('limits of one connection', () => {
  let client: RtspClient;
  let beganMs: number;
  beforeAll(() =>
    start({
      maxSessionsPerConnection: 2,
      maxHeaderBytes: 2048,
      maxBodyBytes: 100,
      maxRequestsPerSecond: 10,
      idleTimeoutSeconds: 1,
      requestTimeoutSeconds: 1,
    }),
  );
  afterAll(stop);
  beforeEach(async () => {
    await play(1);
    client = await connect();
    beganMs = performance.now();
  });
  afterEach(async () => {
    await client.close();
    await expectViewersPlayOn();
    await viewers.pop()!.close();
  });
  const expectInTime = () => expect(performance.now() - beganMs).toBeLessThan(ANSWER_MS);

  it('sessions: one too many is answered 453, until another has ended (RFC 2326 §11.3)', async () => {
    const setUp = () => client.request('SETUP', `${finch.url(SAMPLE)}/trackID=1`, TCP);
    const answers = [await setUp(), await setUp(), await setUp()];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 453]);
    expectInTime();
    expect(answers[2]!.text).toBe('this connection has 2 sessions, as many as it may have\r\n');
    expect(answers[2]!.headers.has('Retry-After')).toBe(true);
    const session = answers[0]!.headers.get('Session')!.split(';')[0]!;
    await client.request('TEARDOWN', finch.url(SAMPLE), { Session: session });
    await eventually(async () => expect((await setUp()).status).toBe(200));
  });

  it.each([
    ['header', `OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: ${'x'.repeat(3000)}\r\n\r\n`, 413],
    ['URL', `OPTIONS /${'x'.repeat(3000)} RTSP/1.0\r\nCSeq: 1\r\n\r\n`, 414],
    ['body', 'SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 101\r\n\r\n', 413],
  ])('bytes of a %s: %#, and the end (RFC 2326 §11.3)', async (_what, bytes, status) => {
    client.send(bytes);
    expect((await client.answer()).status).toBe(status);
    expectInTime();
    await client.closed();
  });

  it.each([
    ['interleaved frames', '$\0\0\0'],
    ['responses', 'RTSP/1.0 200 OK\r\n\r\n'],
  ])(
    '%s a second: they count as requests do, and it can be used again (RFC 2326 §10.12)',
    async (_, bytes) => {
      client.send(`${bytes.repeat(500)}${options(1)}`);
      const refused = await client.answer();
      expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '1']);
      expectInTime();
      await eventually(async () => expect((await client.request('OPTIONS', '*')).status).toBe(200));
    },
  );

  it('requests a second: each one above is answered 503 at once, and it can be used again', async () => {
    const REQUESTS = 500;
    const setUp = () => client.request('SETUP', `${finch.url(SAMPLE)}/trackID=1`, TCP);
    client.send(`${options(1).repeat(REQUESTS)}SETUP ${finch.url(SAMPLE)} RTSP/1.0\r\nCSeq: 1\r\n\r\n`);
    const statuses: number[] = [];
    for (let i = 0; i <= REQUESTS; i++) {
      const { status, headers } = await client.answer();
      statuses.push(status);
      if (status === 503) expect(headers.get('Retry-After')).toBe('1');
    }
    expectInTime();
    expect(statuses.slice(0, 51)).toEqual([...Array<number>(50).fill(200), 503]);
    expect(statuses.slice(0, REQUESTS).filter((status) => status !== 200 && status !== 503)).toEqual([]);
    await eventually(async () => expect((await setUp()).status).toBe(200));
  });

  it.each([
    ['requests', options(1)],
    ['interleaved frames', '$\0\0\0'],
    ['responses', 'RTSP/1.0 200 OK\r\n\r\n'],
  ])('%s far above the rate: the last that is heard is 503, and the end', async (_, bytes) => {
    client.send(bytes.repeat(MAX_REFUSALS + 200));
    await client.closed();
    expectInTime();
    const { status, headers } = client.answers.at(-1)!;
    expect([status, headers.get('Connection'), headers.get('Retry-After')]).toEqual([503, 'close', '1']);
  });

  it('idle time: a connection without session and requests is closed, whatever else it sends', async () => {
    const talking = setInterval(() => client.send('\r\n$\x07\x00\x02ab'), 100);
    await client.closed();
    clearInterval(talking);
    expect(client.answers).toEqual([]);
  });

  it('idle time does not end a connection that has a session', async () => {
    await client.request('SETUP', `${finch.url(SAMPLE)}/trackID=1`, TCP);
    const idle = await connect();
    await idle.closed(); // it came later
    expect((await client.request('OPTIONS', '*')).status).toBe(200);
  });

  it('half-open time: a request that does not end is answered 408, however it trickles (RFC 2326 §11.3)', async () => {
    client.send('OPTIONS * RTSP/1.0\r\nCSeq: 12\r\n');
    const trickle = setInterval(() => client.send('X: y\r\n'), 100);
    const { status, headers } = await client.answer();
    clearInterval(trickle);
    expect([status, headers.get('Connection'), headers.get('CSeq')]).toEqual([408, 'close', '12']);
    await client.closed();
  });
});

describe('the other half of a tunnel', () => {
  beforeAll(() => start({ idleTimeoutSeconds: 3600, requestTimeoutSeconds: 1 }));
  afterAll(stop);

  it('must come in the time for a request, or the one that waits is closed', async () => {
    const client = await connect();
    const heard: string[] = [];
    client.socket.on('data', (bytes) => heard.push(String(bytes)));
    client.socket.on('error', () => {});
    client.send('GET / HTTP/1.0\r\nx-sessioncookie: alone\r\n\r\n');
    await eventually(() => expect(client.socket.destroyed).toBe(true));
    expect(heard.join('')).toMatch(/^HTTP\/1\.0 200 /);
  });
});

describe('bytes on the GET half of a tunnel', () => {
  /** More reads than there may be, and be refused: a read brings 4096 bytes at most. */
  const FLOOD_BYTES = 2 * MAX_REFUSALS * 4096;
  beforeAll(() => start({ maxRequestsPerSecond: 10 }));
  afterAll(stop);

  it('mean nothing, and each read of them counts as a request does', async () => {
    const tunnel = { port: finch.port, cookie: 'talkative' };
    const { get } = await openGetHalf(tunnel);
    const post = await PostHalf.open(tunnel);
    expect((await join(get, post).request('OPTIONS', '*')).status).toBe(200);
    get.socket.write(Buffer.alloc(FLOOD_BYTES));
    expect((await get.answer()).status).toBe(503);
    await get.closed();
    await post.closed();
  });

  it('and white space on the POST half, too', async () => {
    const tunnel = { port: finch.port, cookie: 'silent' };
    const { get } = await openGetHalf(tunnel);
    const post = await PostHalf.open(tunnel);
    const client = join(get, post);
    expect((await client.request('OPTIONS', '*')).status).toBe(200);
    post.socket.write(Buffer.alloc(FLOOD_BYTES, '\n'));
    expect((await client.answer()).status).toBe(503);
    await get.closed();
    await post.closed();
  });
});

describe('who reads no answers', () => {
  const REQUESTS = 100_000;
  /** To read them all on a slow machine, and the idle time. */
  const MANY_REQUESTS_MS = 40_000;
  beforeAll(() => start({ maxRequestsPerSecond: 1_000_000, idleTimeoutSeconds: 1 }));
  afterAll(stop);

  it(
    'is read no more when they pile up, and closed after his idle time',
    async () => {
      const client = await connect();
      client.socket.pause();
      client.send(`DESCRIBE ${finch.url(SAMPLE)} RTSP/1.0\r\nCSeq: 1\r\n\r\n`.repeat(REQUESTS));
      await eventually(async () => expect(await connectionCount()).toBe(0), MANY_REQUESTS_MS);
      await client.close();
    },
    2 * MANY_REQUESTS_MS,
  );
});

describe('at the end of the memory budget', () => {
  /** Room for some connections of 16 KiB and sessions of 32 KiB, and the sample's index. */
  beforeAll(() => start({ memoryBudgetMiB: 1, maxRequestsPerSecond: 1000 }));
  afterAll(stop);

  it('sessions and connections are refused with 503, viewers play on, and all is given back', async () => {
    await play(1);
    // Plans come and go with the viewer's place in the movie.
    const spent = async () => ({ ...(await finch.server.inspect()).memory, plans: 0 });
    const atRest = await spent();
    const clients: RtspClient[] = [];
    const statuses: number[] = [];
    const setUpOnNew = async (): Promise<number> => {
      const client = await connect();
      clients.push(client);
      return (await client.request('SETUP', `${finch.url(SAMPLE)}/trackID=1`, TCP)).status;
    };
    while (statuses.at(-1) !== 503 && statuses.length < 100) statuses.push(await setUpOnNew());
    expect(statuses.filter((status) => status !== 200)).toEqual([503]);
    // What is left is too little for a session; connections fill the rest.
    for (;;) {
      const client = await connect();
      clients.push(client);
      const { status } = await client.request('OPTIONS', '*');
      if (status === 503) break;
      expect([status, clients.length < 100]).toEqual([200, true]);
    }
    await expectRefused(await connect(), 503, 'the memory budget of the server is spent');
    await expectViewersPlayOn();
    expect(finch.log.filter(({ message }) => message.includes('memory budget is spent')).length).toBe(1);
    await Promise.all(clients.map((client) => client.close()));
    await eventually(async () => expect(await spent()).toEqual(atRest));
    await play(1);
  });

  it('requests that grow without end are cut off with 503', async () => {
    const clients: RtspClient[] = [];
    let refused = 0;
    const head = 'SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 65000\r\n\r\n';
    const spent = async () => (await finch.server.inspect()).memory.connections;
    while (refused === 0 && clients.length < 100) {
      const before = await spent();
      const client = await connect();
      clients.push(client);
      client.send(head + 'x'.repeat(60_000));
      // A connection costs 16 KiB, and nothing for the first 4 KiB of its request: so much is spent when all has arrived.
      const wholeBytes = 16_384 + 60_000 - 4096;
      await eventually(async () =>
        expect((await spent()) - before >= wholeBytes || client.isClosed).toBe(true),
      );
      refused = clients.filter(({ answers }) => answers.some(({ status }) => status === 503)).length;
    }
    expect(refused).toBe(1);
    await expectViewersPlayOn();
    await Promise.all(clients.map((client) => client.close()));
  });
});

describe('missing files asked for in a loop', () => {
  beforeAll(() => start({}));
  afterAll(stop);

  it('do not fill the log, and nobody is forgotten in it', async () => {
    const client = await connect();
    const REQUESTS = 500;
    for (let i = 0; i < REQUESTS; i++)
      expect((await client.request('DESCRIBE', finch.url(`missing-${i}.mp4`))).status).toBe(404);
    await client.close();
    const told = () => finch.log.filter(({ message }) => message.includes('missing-'));
    await eventually(() => expect(told().filter(({ level }) => level === 'warn').length).toBeGreaterThan(50));
    expect(told().filter(({ level }) => level === 'warn').length).toBeLessThan(REQUESTS / 2);
  });
});
