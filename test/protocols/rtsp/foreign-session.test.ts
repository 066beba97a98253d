/**
 * A session that is used from another connection of the same client, which another task thread accepted: the connection goes
 * to the session. Spec: RFC 2326 §1.1, §3.4.
 */
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { RtspClient } from '../../support/rtsp-client';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

let finch: FinchUnderTest;
let url: string;
let viewer: Viewer;
let open: { close(): unknown }[];

beforeAll(async () => {
  finch = await startFinch({ threads: 2 });
  url = finch.url(SAMPLE);
});
afterAll(() => finch.stop());
beforeEach(async () => {
  open = [];
  viewer = await Viewer.open(finch, { carrier: 'UDP' });
  open.push(viewer);
});
afterEach(async () => {
  if (viewer.session !== '') {
    const client = await connect();
    await client.request('TEARDOWN', url, { Session: viewer.session });
  }
  for (const each of open) await each.close();
  await eventually(async () => expect((await finch.server.inspect()).connections).toBe(0));
});

async function connect(localAddress?: string): Promise<RtspClient> {
  const client = await RtspClient.connect({ port: finch.port, ...(localAddress && { localAddress }) });
  open.push(client);
  return client;
}

const counts = async (what: string): Promise<number[]> =>
  (await finch.server.inspect()).threads.map((thread) => thread.counts[what]!);

/** A connection that the other thread accepted: it has fewer than the one of the viewer. */
async function connectElsewhere(): Promise<RtspClient> {
  const before = await counts('RTSP connections');
  const client = await connect();
  await client.request('OPTIONS', '*');
  const after = await counts('RTSP connections');
  const place = after.findIndex((count, thread) => count > before[thread]!);
  expect(place).not.toBe((await counts('RTSP sessions')).indexOf(1));
  return client;
}

describe('a session of another thread', () => {
  it('is played, paused and ended from a new connection', async () => {
    const other = await connectElsewhere();
    const headers = { Session: viewer.session };
    expect((await other.request('PLAY', url, headers)).status).toBe(200);
    await viewer.tracks[0]!.packetsArrived(5);
    expect((await other.request('PAUSE', url, headers)).status).toBe(200);
    expect((await other.request('GET_PARAMETER', url, headers)).headers.get('Session')).toContain(
      viewer.session,
    );
    const sessions = await counts('RTSP sessions');
    const connections = await counts('RTSP connections');
    expect(connections[sessions.indexOf(1)]).toBe(2); // it lives there now
    expect((await other.request('TEARDOWN', url, headers)).status).toBe(200);
    viewer.session = '';
  });

  it('outlives the connection it was made on, and is found again', async () => {
    await viewer.play();
    const other = await connectElsewhere();
    await viewer.client.close();
    expect((await other.request('PLAY', url, { Session: viewer.session, Range: 'npt=9-' })).status).toBe(200);
    await viewer.tracks[0]!.morePackets(10);
  });

  it('gets pipelined requests in order, whatever they are about', async () => {
    const other = await connectElsewhere();
    const ask = (method: string, cseq: number, more = ''): string =>
      `${method} ${url} RTSP/1.0\r\nCSeq: ${cseq}\r\n${more}\r\n`;
    const session = `Session: ${viewer.session}\r\n`;
    const body = `${session}Content-Length: 10\r\n`;
    other.send(
      ask('OPTIONS', 21) +
        ask('PLAY', 22, session) +
        ask('OPTIONS', 23) +
        `${ask('GET_PARAMETER', 24, body)}position\r\n` +
        ask('PAUSE', 25, session).slice(0, 20),
    );
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await other.answer());
    other.send(ask('PAUSE', 25, session).slice(20));
    answers.push(await other.answer());
    expect(answers.map(({ status, headers }) => [status, headers.get('CSeq')])).toEqual(
      [21, 22, 23, 24, 25].map((cseq) => [200, String(cseq)]),
    );
    expect(answers[3]!.text).toMatch(/^position: /);
  });

  it('is found by requests that are written in their own way', async () => {
    const other = await connectElsewhere();
    other.send(
      `GET_PARAMETER ${url.replace('finch-sample', 'no such')} RTSP/1.0\r\ncseq: 8\r\nSESSION:  ${viewer.session};x=y\r\nContent-length: 007\r\nX: a\tb\r\n\r\nscale\r\n`,
    );
    const { status, headers } = await other.answer();
    expect([status, headers.get('CSeq')]).toEqual([454, '8']); // the session is of another movie, as only its thread can tell
    other.send(
      `GET_PARAMETER * RTSP/1.0\r\ncseq: 9\r\nSESSION:  ${viewer.session};x=y\r\nContent-length: 007\r\n\r\nscale\r\n`,
    );
    expect((await other.answer()).text).toBe('scale: 1\r\n');
  });

  it('is not found where it has ended: 454, at once', async () => {
    const other = await connectElsewhere();
    const { session } = viewer;
    await viewer.teardown();
    viewer.session = '';
    expect((await other.request('PLAY', url, { Session: session })).status).toBe(454);
  });

  it.each(['00', '01', '02', '03', 'ff'])(
    'that never was is 454, whatever thread it names: %s',
    async (thread) => {
      for (const client of [viewer.client, await connect()]) {
        const { status } = await client.request('PLAY', url, { Session: `${'0'.repeat(30)}${thread}` });
        expect(status).toBe(454);
      }
    },
  );

  it("is another host's no more than on its own thread: 454", async () => {
    for (const thief of [await connect('127.0.0.2'), await connect('127.0.0.2')])
      expect((await thief.request('TEARDOWN', url, { Session: viewer.session })).status).toBe(454);
    expect((await viewer.request('GET_PARAMETER', url)).status).toBe(200);
  });

  it('costs the connection that goes there what it cost before, and once', async () => {
    const other = await connectElsewhere();
    const { memory, connections } = await finch.server.inspect();
    const headers = { Session: viewer.session };
    expect((await other.request('GET_PARAMETER', url, headers)).status).toBe(200);
    const there = await finch.server.inspect();
    expect([there.memory.connections, there.connections]).toEqual([memory.connections, connections]);
  });

  it('is no way around the rate of requests: what has been sent counts there, and nobody waits', async () => {
    const other = await connectElsewhere();
    const requests = 5 * finch.config.maxRequestsPerSecond - 1; // as many as come at once, with the one that goes
    const options = 'OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n'.repeat(requests);
    const beganMs = performance.now();
    other.send(options);
    for (let i = 0; i < requests; i++) expect((await other.answer()).status).toBe(200);
    expect((await other.request('GET_PARAMETER', url, { Session: viewer.session })).status).toBe(200);
    expect(performance.now() - beganMs).toBeLessThan(2000);
    other.send(options);
    const statuses = new Set<number>();
    for (let i = 0; i < requests; i++) statuses.add((await other.answer()).status);
    expect([...statuses]).toContain(503);
  });

  it('is not followed by a connection that carries media: 454, and the media goes on', async () => {
    const other = await connectElsewhere();
    const own = await Viewer.open(finch, { carrier: 'TCP', client: other });
    await own.play();
    expect((await other.request('PLAY', url, { Session: viewer.session })).status).toBe(454);
    await own.tracks[0]!.morePackets(10);
    own.tracks[0]!.expectContiguous();
    await own.teardown();
  });
});
