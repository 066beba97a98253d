/** HTTP that is no tunnel, and TLS, on the RTSP port: a line of text or a clean end, and nobody else notices. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Changes, eventually } from '../../support/deadline';
import { type FinchUnderTest, startFinch } from '../../support/finch-under-test';
import { RtspClient } from '../../support/rtsp-client';

jest.setTimeout(20_000);

const MAX_CONNECTIONS = 2;
const CONTENT_LENGTH = /\r\nContent-Length: (\d+)\r\n/;

let finch: FinchUnderTest;

beforeAll(async () => {
  finch = await startFinch({ maxConnections: MAX_CONNECTIONS });
});
afterAll(() => finch.stop());
afterEach(() => eventually(async () => expect((await finch.server.inspect()).connections).toBe(0)));

/** As exchange(), of bytes in pieces: one is written when the kernel has taken the one before. */
function exchangeInPieces([first, ...others]: readonly Uint8Array[]): ReturnType<typeof exchange> {
  return exchange(first!, async (socket) => {
    for (const piece of others) await new Promise<void>((taken) => socket.write(piece, () => taken()));
  });
}

/** Sends bytes; resolves with all that came until the server closed, and whether that was in good order. */
function exchange(
  bytes: string | Uint8Array,
  more: (socket: Socket) => Promise<void> = async () => {},
): Promise<{ text: string; isReset: boolean }> {
  const changes = new Changes();
  const socket = connect(finch.port, '127.0.0.1', () => {
    socket.write(bytes);
    void more(socket);
  });
  let [text, isReset, isClosed] = ['', false, false];
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {
    isReset = true;
  });
  socket.on('close', () => {
    isClosed = true;
    changes.changed();
  });
  return changes.until(() => isClosed && { text, isReset }, 'the server to close');
}

describe('HTTP', () => {
  it.each([
    ['a browser', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', 404],
    ['a form, whatever its length', 'POST /x HTTP/1.1\r\nContent-Length: 99999999\r\n\r\na=b', 404],
    ['a method of HTTP', 'PUT /x HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n', 404],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 404],
    ['an empty cookie', 'GET /x HTTP/1.0\r\nx-sessioncookie:\r\n\r\n', 400],
    ['a cookie of 129 characters', `GET /x HTTP/1.0\r\nx-sessioncookie: ${'a'.repeat(129)}\r\n\r\n`, 400],
    ['a cookie with a space', 'POST /x HTTP/1.0\r\nx-sessioncookie: a b\r\n\r\n', 400],
    ['a POST in chunks', 'POST /x HTTP/1.1\r\nx-sessioncookie: a\r\nTransfer-Encoding: chunked\r\n\r\n', 501],
  ])('of %s is answered in one line and closed', async (_, bytes, status) => {
    const { text, isReset } = await exchange(bytes);
    const [head, body] = text.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.0 ${status} [A-Z]`));
    expect(head).toContain('\r\nContent-Type: text/plain');
    expect(head).toContain('\r\nConnection: close');
    expect(body).toMatch(/^[^\r\n]+\r\n$/);
    expect(Number(CONTENT_LENGTH.exec(`${head}\r\n`)?.[1])).toBe(body!.length);
    expect(isReset).toBe(false);
  });

  it('with a body of many reads is answered and closed without a reset', async () => {
    const { text, isReset } = await exchange(`POST /x HTTP/1.1\r\n\r\n${'x'.repeat(9000)}`);
    expect(text).toMatch(/^HTTP\/1\.0 404 /);
    expect(isReset).toBe(false);
  });

  it('comes too late for a tunnel behind a request of RTSP', async () => {
    const rtsp = 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n';
    const { text } = await exchange(`${rtsp}GET /x HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n`);
    expect(text).toMatch(/^RTSP\/1\.0 200 OK\r\n[\s\S]*\r\n\r\nHTTP\/1\.0 400 Bad Request\r\n/);
  });

  it('is answered 503 when the server is full', async () => {
    const others = [];
    for (let i = 0; i < MAX_CONNECTIONS; i++) others.push(await RtspClient.connect({ port: finch.port }));
    const { text } = await exchange('GET /x HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n');
    expect(text).toMatch(
      /^HTTP\/1\.0 503 [\s\S]*\r\nRetry-After: 5\r\n[\s\S]*as many connections as it may have\r\n$/,
    );
    for (const other of others) await other.close();
  });
});

/** A handshake record of so many bytes behind its header. */
function record(bytes: number): Buffer {
  return Buffer.concat([Buffer.of(0x16, 3, 1, bytes >> 8, bytes & 0xff), Buffer.alloc(bytes, 1)]);
}

describe('TLS', () => {
  it.each([
    ['a record with a handshake', Buffer.from('160301003a0100003603030000', 'hex')],
    ['its first byte', Buffer.of(0x16)],
    ['a record of many reads', record(16_384)],
  ])('that begins with %s is closed without a byte (RFC 8446 §5.1)', async (_, bytes) => {
    expect(await exchange(bytes)).toEqual({ text: '', isReset: false });
  });

  it('in pieces is waited for', async () => {
    const hello = record(9000);
    const pieces = [hello.subarray(0, 100), hello.subarray(100, 5000), hello.subarray(5000)];
    expect(await exchangeInPieces(pieces)).toEqual({ text: '', isReset: false });
  });

  it('of a real client is an end, and no reset', async () => {
    const client = connectTls({ port: finch.port, host: '127.0.0.1', rejectUnauthorized: false });
    const error = await new Promise<Error>((resolve) => client.once('error', resolve));
    // node:tls names an end before the handshake so, too; a reset would be `read ECONNRESET`.
    expect(error.message).toMatch(/disconnected before secure TLS connection/);
    client.destroy();
  });

  it('in mid-stream is noise', async () => {
    const { text } = await exchange('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n\x16\x03\x01');
    expect(text).toMatch(/^RTSP\/1\.0 200 OK\r\n[\s\S]*\r\n\r\nRTSP\/1\.0 400 Bad Request\r\n/);
  });
});
