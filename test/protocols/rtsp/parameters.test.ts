/** Named parameters, and descriptions that the client has already. Spec: RFC 2326 §10.8, §10.9, §12.23, §11.3. */
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { receiverReport } from '../../support/rtp-receiver';
import { type Answer, RtspClient } from '../../support/rtsp-client';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

let finch: FinchUnderTest;
let viewer: Viewer;

beforeAll(async () => {
  finch = await startFinch();
});
beforeEach(async () => {
  viewer = await Viewer.open(finch, { carrier: 'TCP' });
});
afterEach(() => viewer.close());
afterAll(() => finch.stop());

/** Sends a request of the session with a body. */
function ask(method: string, body: string, type = 'text/parameters', url = viewer.url): Promise<Answer> {
  const session = viewer.session === '' ? '' : `Session: ${viewer.session}\r\n`;
  viewer.client.send(
    `${method} ${url} RTSP/1.0\r\nCSeq: 900\r\n${session}Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  return nextAnswer();
}

const nextAnswer = () => viewer.client.answer();

function valuesOf({ text }: Answer): Record<string, string> {
  return Object.fromEntries(
    text
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string]),
  );
}

describe('GET_PARAMETER', () => {
  it('tells what is asked for, in the order asked, as text/parameters', async () => {
    await viewer.play('npt=4-8');
    await Promise.all(viewer.tracks.map((track) => track.packetsArrived(10)));
    const answer = await ask(
      'GET_PARAMETER',
      'position\r\nscale\r\nspeed\r\nstate\r\nPackets_Sent\r\noctets_sent\r\n',
    );
    expect([answer.status, answer.headers.get('Content-Type')]).toEqual([200, 'text/parameters']);
    expect(answer.headers.get('Session')).toContain(viewer.session);
    const values = valuesOf(answer);
    expect(Object.keys(values)).toEqual([
      'position',
      'scale',
      'speed',
      'state',
      'packets_sent',
      'octets_sent',
    ]);
    expect(Number(values.position)).toBeGreaterThanOrEqual(2);
    expect(Number(values.position)).toBeLessThan(8);
    expect([values.scale, values.speed, values.state]).toEqual(['1', '1', 'playing']);
    expect(Number(values.packets_sent)).toBeGreaterThanOrEqual(20);
    expect(Number(values.octets_sent)).toBeGreaterThan(20 * 100);
  });

  it('follows the state: nothing played, a scale, a pause', async () => {
    const names = 'position\nscale\nstate\npackets_sent\nthinned_frames\npackets_lost\njitter\nround_trip';
    expect(valuesOf(await ask('GET_PARAMETER', names))).toEqual({
      position: '0.000',
      scale: '1',
      state: 'ready',
      packets_sent: '0',
      thinned_frames: '0',
      packets_lost: '0',
      jitter: '0.000000',
      round_trip: '0.000000',
    });
    await viewer.expectOk('PLAY', viewer.url, { Scale: '-4', Range: 'npt=20-' });
    const position = await viewer.pause();
    const values = valuesOf(await ask('GET_PARAMETER', names));
    expect([values.scale, values.state, Number(values.position)]).toEqual(['-4', 'ready', position]);
  });

  it('of one track’s URL is about that track', async () => {
    await viewer.play('npt=0-1');
    await Promise.all(viewer.tracks.map((track) => track.packetsArrived(5)));
    await viewer.pause();
    const [all, video, audio] = await Promise.all(
      [viewer.url, ...viewer.trackUrls].map((url) => ask('GET_PARAMETER', 'packets_sent', undefined, url)),
    );
    const count = (answer: Answer | undefined) => Number(valuesOf(answer!).packets_sent);
    expect(count(all)).toBe(count(video) + count(audio));
    expect(count(audio)).toBeGreaterThan(0);
    expect((await ask('GET_PARAMETER', 'packets_sent', undefined, `${viewer.url}/trackID=77`)).status).toBe(
      404,
    );
  });

  it('knows what the viewer reported', async () => {
    await viewer.play();
    await viewer.tracks[0]!.packetsArrived(3);
    viewer.client.sendFrame(
      viewer.transports[0]!.interleaved!.rtcp,
      receiverReport(viewer.tracks[0]!.packets[0]!.ssrc),
    );
    expect(valuesOf(await ask('GET_PARAMETER', 'reports_received')).reports_received).toBe('1');
  });

  it('of an unknown name is 451, with the names that are not known (RFC 2326 §10.8)', async () => {
    const answer = await ask('GET_PARAMETER', 'position\r\nvolume\r\ncolour: red\r\n');
    expect([answer.status, answer.headers.get('Content-Type'), answer.text]).toEqual([
      451,
      'text/parameters',
      'volume\r\ncolour\r\n',
    ]);
  });
});

describe.each(['GET_PARAMETER', 'SET_PARAMETER'])('%s', (method) => {
  it('of another content type is 415 (RFC 2326 §11.3)', async () => {
    expect((await ask(method, '{}', 'application/json')).status).toBe(415);
    expect((await ask(method, '\r\n', 'Text/Parameters; charset=utf-8')).status).toBe(200);
  });

  it('of an unknown name names the session that it is about (RFC 2326 §12.37)', async () => {
    const answer = await ask(method, 'volume: 11\r\n');
    expect([answer.status, answer.headers.get('Session')]).toEqual([
      451,
      expect.stringContaining(viewer.session),
    ]);
  });

  it.each([
    ['a line without a name', ': 5\r\n'],
    ['binary noise', '\x01\x02\x03'],
    ['too many lines', 'position\n'.repeat(65)],
  ])('of %s is 400', async (_what, body) => {
    expect((await ask(method, body)).status).toBe(400);
  });
});

describe('SET_PARAMETER', () => {
  it('of what can only be read is 458, with its name, and says what can be set (RFC 2326 §11.3.9)', async () => {
    const answer = await ask('SET_PARAMETER', 'position: 12\r\nscale: 2\r\nbandwidth: 5\r\n');
    expect([answer.status, answer.reason, answer.text]).toEqual([
      458,
      'Parameter Is Read-Only, expected bandwidth',
      'position\r\nscale\r\n',
    ]);
    expect(answer.headers.get('Session')).toContain(viewer.session);
    expect((await ask('GET_PARAMETER', 'bandwidth')).text).toBe('bandwidth: unknown\r\n'); // all or nothing (§10.9)
  });

  it('of what is not known is 451, whatever else is set, and says what is known (RFC 2326 §10.9)', async () => {
    const answer = await ask('SET_PARAMETER', 'position: 12\r\nvolume: 11\r\n');
    expect([answer.status, answer.text]).toEqual([451, 'volume\r\n']);
    expect(answer.reason).toMatch(/^Parameter Not Understood, expected position duration state /);
  });

  it('of the bandwidth is told again, and bounds Speed from now on (RFC 2326 §12.6)', async () => {
    await viewer.play();
    expect((await ask('SET_PARAMETER', 'Bandwidth: 100\r\n')).status).toBe(200);
    expect((await ask('GET_PARAMETER', 'bandwidth')).text).toBe('bandwidth: 100\r\n');
    const slow = await viewer.expectOk('PLAY', viewer.url, { Speed: '4' });
    expect(slow.headers.get('Speed')).toBe('1');
    await ask('SET_PARAMETER', 'bandwidth: 100000000\r\n');
    const fast = await viewer.expectOk('PLAY', viewer.url, { Speed: '4' });
    expect(fast.headers.get('Speed')).toBe('4');
  });

  it.each(['bandwidth: much', 'bandwidth', 'bandwidth: 0', 'bandwidth: 5\r\nbandwidth: -1'])(
    'of a value that is none is 400, and sets nothing: %j',
    async (body) => {
      const answer = await ask('SET_PARAMETER', body);
      expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(/^Bandwidth: .*expected/)]);
      expect((await ask('GET_PARAMETER', 'bandwidth')).text).toBe('bandwidth: unknown\r\n');
    },
  );

  it('without a session is 454', async () => {
    const { session } = viewer;
    viewer.session = '';
    expect((await ask('SET_PARAMETER', 'bandwidth: 5')).status).toBe(454);
    viewer.session = session;
  });
});

describe('DESCRIBE with If-Modified-Since', () => {
  const describeSince = async (since: string): Promise<Answer> =>
    viewer.client.request('DESCRIBE', viewer.url, { 'If-Modified-Since': since });

  it('is 304 without a body when the movie has not changed since (RFC 2326 §12.23)', async () => {
    const modified = (await describeSince('Thu, 01 Jan 1970 00:00:00 GMT')).headers.get('Last-Modified')!;
    for (const since of [modified, new Date(Date.parse(modified) + 60_000).toUTCString()]) {
      const answer = await describeSince(since);
      expect([answer.status, answer.text, answer.headers.get('Last-Modified')]).toEqual([304, '', modified]);
    }
  });

  it('is the description when it has, and when the date can’t be read', async () => {
    for (const since of ['Thu, 01 Jan 1970 00:00:00 GMT', 'yesterday', 'Fri, 01 Jan 1970 00:00:00 GMT']) {
      const answer = await describeSince(since);
      expect([answer.status, answer.text.startsWith('v=0')]).toEqual([200, true]);
    }
  });
});

it('GET_PARAMETER of a parameter without a session is 454', async () => {
  const client = await RtspClient.connect({ port: finch.port });
  client.send(`GET_PARAMETER ${finch.url(SAMPLE)} RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 8\r\n\r\nposition`);
  expect((await client.answer()).status).toBe(454);
  await client.close();
});
