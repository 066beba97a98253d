/** Requests as bytes: pipelined, split, malformed, of foreign methods and versions. Spec: RFC 2326 §4-§7, §9.1, §10.12. */
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { RtspClient } from '../../support/rtsp-client';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

let finch: FinchUnderTest;
let client: RtspClient;
let url: string;

beforeAll(async () => {
  finch = await startFinch();
  url = finch.url(SAMPLE);
});
afterAll(() => finch.stop());
beforeEach(async () => {
  client = await RtspClient.connect({ port: finch.port });
});
afterEach(() => client.close());

describe('a request', () => {
  it('is answered in order when many are pipelined, slow ones among them (RFC 2326 §9.1)', async () => {
    const methods = Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 'DESCRIBE' : 'OPTIONS'));
    client.send(methods.map((method, i) => `${method} ${url} RTSP/1.0\r\nCSeq: ${i}\r\n\r\n`).join(''));
    for (let i = 0; i < methods.length; i++) {
      const { status, headers } = await client.answer();
      expect([status, headers.get('CSeq')]).toEqual([200, String(i)]);
    }
  });

  it('is understood however it is cut', async () => {
    const bytes = Buffer.from(
      `OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\nDESCRIBE ${url} RTSP/1.0\r\nCSeq: 2\r\n\r\n`,
    );
    for (const byte of bytes) {
      client.send(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await client.answer()).headers.get('CSeq')).toBe('1');
    expect((await client.answer()).headers.get('CSeq')).toBe('2');
  });

  it('may end its lines with a bare LF (RFC 2326 §4)', async () => {
    client.send(`OPTIONS * RTSP/1.0\nCSeq: 5\n\nOPTIONS * RTSP/1.0\nCSeq: 6\n\n`);
    expect((await client.answer()).headers.get('CSeq')).toBe('5');
    expect((await client.answer()).headers.get('CSeq')).toBe('6');
  });

  it('may come between interleaved frames, in one piece with them (RFC 2326 §10.12)', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
    await viewer.play();
    for (let i = 0; i < 20; i++) {
      client.socket.cork();
      client.sendFrame(1, Buffer.from('not even RTCP'));
      client.send(`OPTIONS * RTSP/1.0\r\nCSeq: ${1000 + i}\r\n\r\n`);
      client.sendFrame(200, Buffer.alloc(3000));
      client.socket.uncork();
      expect((await client.answer()).headers.get('CSeq')).toBe(String(1000 + i));
    }
    await viewer.tracks[0]!.morePackets(10);
    viewer.tracks[0]!.expectContiguous();
  });

  it.each<[string, string, number, Record<string, string>]>([
    ['an unknown method', 'FROBNICATE * RTSP/1.0\r\nCSeq: 1\r\n\r\n', 501, { CSeq: '1' }],
    [
      'ANNOUNCE, with what is allowed',
      'ANNOUNCE rtsp://h/x RTSP/1.0\r\nCSeq: 2\r\n\r\n',
      405,
      { CSeq: '2', Allow: 'OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER' },
    ],
    ['RECORD', 'RECORD rtsp://h/x RTSP/1.0\r\nCSeq: 3\r\n\r\n', 405, {}],
    ['another version', 'OPTIONS * RTSP/2.0\r\nCSeq: 4\r\n\r\n', 505, { CSeq: '4' }],
    ['a version of two digits', 'OPTIONS * RTSP/10.0\r\nCSeq: 4\r\n\r\n', 505, { CSeq: '4' }],
    ['no CSeq', 'OPTIONS * RTSP/1.0\r\n\r\n', 400, {}],
    ['a CSeq that is no number', 'OPTIONS * RTSP/1.0\r\nCSeq: x\r\n\r\n', 400, {}],
    [
      'a required option',
      'OPTIONS * RTSP/1.0\r\nCSeq: 5\r\nRequire: implicit-play\r\n\r\n',
      551,
      { Unsupported: 'implicit-play' },
    ],
    ['another scheme', 'DESCRIBE http://h/x RTSP/1.0\r\nCSeq: 6\r\n\r\n', 400, {}],
    ['a bad percent-encoding', 'DESCRIBE rtsp://h/%zz RTSP/1.0\r\nCSeq: 7\r\n\r\n', 400, {}],
    ['a URL beyond the limit', `DESCRIBE rtsp://h/${'x'.repeat(5000)} RTSP/1.0\r\nCSeq: 8\r\n\r\n`, 414, {}],
    ['a folder', 'DESCRIBE rtsp://h/ RTSP/1.0\r\nCSeq: 9\r\n\r\n', 404, {}],
  ])('with %s is refused, and the connection goes on (RFC 2326 §11.3)', async (_, bytes, status, headers) => {
    client.send(bytes);
    const answer = await client.answer();
    expect(answer.status).toBe(status);
    for (const [name, value] of Object.entries(headers)) expect(answer.headers.get(name)).toBe(value);
    expect((await client.request('OPTIONS', '*')).status).toBe(200);
  });

  it.each([
    ['bytes that are no RTSP', '\x00\x01\x02\x03'],
    ['a start line that is none', 'GET\r\n\r\n'],
    ['a header without colon', 'OPTIONS * RTSP/1.0\r\nCSeq 1\r\n\r\n'],
    ['a head without end', `OPTIONS * RTSP/1.0\r\nX: ${'y'.repeat(70_000)}`],
    ['a body beyond the limit', 'SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n'],
  ])('of %s is answered 4xx and the connection closed (RFC 2326 §4)', async (_, bytes) => {
    client.send(bytes);
    const { status, headers } = await client.answer();
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(headers.get('Connection')).toBe('close');
    await client.closed();
  });

  it('with Connection: close is the last one (RFC 2326 §12.10)', async () => {
    expect((await client.request('OPTIONS', '*', { Connection: 'close' })).status).toBe(200);
    await client.closed();
  });

  it('that nobody finishes is nobody else’s trouble', async () => {
    client.send('DESCRIBE rtsp://h/sa');
    const other = await RtspClient.connect({ port: finch.port });
    expect((await other.request('DESCRIBE', url)).status).toBe(200);
    await other.close();
  });
});

describe('a request that ends the connection is answered with its CSeq (RFC 2326 §12.17)', () => {
  it.each([
    ['a body beyond all bounds', 'Content-Length: 99999999'],
    ['two lengths', 'Content-Length: 1\r\nContent-Length: 2'],
    ['a negative length', 'Content-Length: -1'],
    ['a header without colon', 'Content-Length 1'],
    ['too many headers', 'X: y\r\n'.repeat(120)],
    ['a header without end', `X: ${'x'.repeat(20_000)}`],
  ])('%s', async (_, lines) => {
    client.send(`OPTIONS * RTSP/1.0\r\nCSeq: 4711\r\n${lines}\r\n\r\n`);
    const { status, headers } = await client.answer();
    expect([status >= 400 && status < 500, headers.getAll('CSeq')]).toEqual([true, ['4711']]);
    await client.closed();
  });

  it.each([
    ['no CSeq had come', 'OPTIONS * RTSP/1.0\r\nX y\r\nCSeq: 4711\r\n\r\n'],
    ['it is no number', 'OPTIONS * RTSP/1.0\r\nCSeq: one\r\nX y\r\n\r\n'],
  ])('but without one when %s', async (_, bytes) => {
    client.send(bytes);
    expect((await client.answer()).headers.has('CSeq')).toBe(false);
  });
});
