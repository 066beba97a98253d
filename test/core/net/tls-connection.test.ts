/** An accepted TLS connection: order under back-pressure, its bounds, handshakes that never end, and its own end. */
import { readFileSync, truncateSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { RunCopier } from '@finch/core/net/run-copier';
import { SocketAddress } from '@finch/core/net/socket-address';
import {
  HANDSHAKE_TIMEOUT_MS,
  MAX_EMPTY_RECORDS,
  RECORDS_PER_RECEIVE,
  TlsConnection,
} from '@finch/core/net/tls-connection';
import { MAX_HANDSHAKES, TlsContext } from '@finch/core/net/tls-context';
import { kReadable } from '@finch/core/reactor/events';
import { type NativeFile, native } from '@finch/native';
import { Folder, patternBytes } from '../../native/file-under-test';
import { makePlan, wireFrame, wirePacket } from '../../native/made-plan';
import { EAGAIN, EBADF, EFAULT, expectBytes, TcpPair } from '../../native/sockets-under-test';
import { ClientRecords } from '../../support/client-records';
import { eventually } from '../../support/deadline';
import { TEST_CERTIFICATE, TLS_FILES } from '../../support/tls-files';
import { FunctionTask, Heard, linesInto, ThreadUnderTest } from './thread-under-test';

const EPROTO = 71;
const ECONNRESET = 104;
const ENOBUFS = 105;
const SMALL_BUFFER_BYTES = 4096;
const bytes = patternBytes(300_000);
const packets = Array.from({ length: 60 }, (_, i) => ({
  prefix: Uint8Array.of(i),
  offset: i * 100,
  sizeBytes: 50_000 + i,
}));

let folder: Folder;
let file: NativeFile;
let under: ThreadUnderTest;
let tcp: TcpPair;
let heard: Heard;
let lines: string[];
let tls: TlsContext;
let connection: TlsConnection;
/** What the server's side has read, with receives into `into`; its last result but for -EAGAIN. */
let received: Buffer[];
let into: Uint8Array;
let receivedLast: number | undefined;
/** How often the owner's task has run. */
let runs: number;
/** The client's socket, below TLS. */
let raw: Socket;
let clients: Socket[];

beforeEach(() => {
  folder = new Folder();
  file = folder.map('movie', bytes);
  under = new ThreadUnderTest();
  heard = new Heard();
  lines = [];
  clients = [];
  received = [];
  into = new Uint8Array(4096);
  receivedLast = undefined;
  runs = 0;
  const identity = { certificate: TEST_CERTIFICATE, key: readFileSync(TLS_FILES.key, 'utf8') };
  tls = new TlsContext(identity, under.batch, new RunCopier(under.batch), linesInto(lines));
});
afterEach(async () => {
  jest.useRealTimers();
  connection.close();
  for (const client of clients) client.destroy();
  native.fileClose(file.id);
  await under.stop();
  folder.remove();
});

function accept(receiveBufferBytes = 0): void {
  tcp = new TcpPair(receiveBufferBytes);
  const task = new FunctionTask(under.thread, (events) => {
    runs++;
    connection.delivered(events);
    if (connection.isOpen) readAll();
  });
  const peer = SocketAddress.of('192.0.2.1', 5000);
  connection = new TlsConnection(tcp.disown(tcp.server), peer, task.ref, tls, heard);
  connection.arm(kReadable);
}

/** As an owner does: reads until there is nothing, and then waits for more. */
function readAll(): void {
  let count = connection.receive(into);
  for (; count > 0; count = connection.receive(into)) received.push(Buffer.from(into.slice(0, count)));
  if (count === -EAGAIN) connection.arm(kReadable);
  else receivedLast = count;
}

function beginHandshake(): TLSSocket {
  raw = new Socket({ fd: tcp.disown(tcp.client), readable: true, writable: true });
  const client = connect({ socket: raw, ca: TEST_CERTIFICATE, host: 'localhost' });
  clients.push(client);
  return client;
}

/** The client's side, which reads nothing until it is told to. */
async function shakeHands(client = beginHandshake()): Promise<TLSSocket> {
  client.pause();
  await new Promise((resolve, reject) => client.once('secureConnect', resolve).once('error', reject));
  await eventually(() => expect(tls.handshakes).toBe(0)); // the server's part of TLS 1.3 ends later
  return client;
}

/** Reads at the client until `sizeBytes` have come, or all when it is left out and the server ends. */
function receive(client: TLSSocket, sizeBytes = Infinity): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let count = 0;
  return new Promise((resolve) => {
    client.on('end', () => resolve(Buffer.concat(pieces)));
    client.on('data', (piece: Buffer) => {
      pieces.push(piece);
      count += piece.length;
      if (count >= sizeBytes) resolve(Buffer.concat(pieces));
    });
    client.resume();
  });
}

function fakeTimers(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'performance'] });
}

/** The server's descriptor is closed. */
async function expectClosed(): Promise<void> {
  const { server } = tcp;
  await eventually(() => expect(native.socketName(server, new Uint32Array(6))).toBe(-EBADF));
}

function runOf(packetCount: number) {
  const plan = under.batch.registerPlan(makePlan(packets), file.id);
  return { plan, firstPacket: 0, packetCount, ssrc: 1, sequence: 10, payloadType: 96, timestamp: 5 };
}

function framesOf(packetCount: number): Buffer {
  const made = { fd: 0, plan: 0, packets: packetCount, ssrc: 1, sequence: 10, timestamp: 5 };
  const frames = packets
    .slice(0, packetCount)
    .map((packet, i) => wireFrame(2, wirePacket(packet, bytes, made, i)));
  return Buffer.concat(frames);
}

describe('a TLS connection', () => {
  it('sends bytes and runs in the order in which they came', async () => {
    accept();
    const client = await shakeHands();
    connection.send(Buffer.from('before'));
    connection.sendRun(runOf(20), 2);
    connection.send(Buffer.from('after'));
    const expected = Buffer.concat([Buffer.from('before'), framesOf(20), Buffer.from('after')]);
    expectBytes(await receive(client, expected.length), expected);
  });

  it('copies what it sends', async () => {
    accept();
    const client = await shakeHands();
    const mine = Buffer.from('mine');
    connection.send(mine);
    mine.fill(0);
    expect(String(await receive(client, 4))).toBe('mine');
  });

  it('is full while its client reads nothing, and tells when there is room again', async () => {
    accept(SMALL_BUFFER_BYTES);
    const client = await shakeHands();
    let sentBytes = 0;
    for (; !connection.isFull && sentBytes < 8_000_000; sentBytes += bytes.length) connection.send(bytes);
    expect(connection.isFull).toBe(true);
    expect(heard.drains).toBe(0);
    await receive(client, sentBytes);
    await eventually(() => expect([heard.drains, connection.isFull]).toEqual([1, false]));
    expect(heard.breaks).toEqual([]);
  });

  it('is broken when more waits than may', async () => {
    accept(SMALL_BUFFER_BYTES);
    await shakeHands();
    for (let sentBytes = 0; sentBytes < 9_000_000; sentBytes += bytes.length) connection.send(bytes);
    await eventually(() => expect(heard.breaks).toEqual([-ENOBUFS]));
  });

  it('is broken when the file is shorter than it was', async () => {
    accept();
    await shakeHands();
    truncateSync(join(folder.path, 'movie'), 100);
    connection.sendRun(runOf(2), 2);
    await eventually(() => expect(heard.breaks).toEqual([-EFAULT]));
  });

  it('gives what was received in pieces of any size, then the end', async () => {
    accept();
    const client = await shakeHands();
    into = new Uint8Array(777);
    client.end(bytes.subarray(0, 50_000));
    await eventually(() => expect(receivedLast).toBe(0));
    expectBytes(Buffer.concat(received), Buffer.from(bytes.subarray(0, 50_000)));
    expect(connection.receive(into)).toBe(0);
  });

  it('sends what it has before it ends', async () => {
    accept();
    const client = await shakeHands();
    connection.send(Buffer.from('first, '));
    connection.send(Buffer.from('last'));
    connection.close();
    connection.send(Buffer.from('too late'));
    expect(String(await receive(client))).toBe('first, last');
  });

  it('ends at once when there is no room, as a plain one does', async () => {
    accept(SMALL_BUFFER_BYTES);
    await shakeHands();
    connection.send(patternBytes(7_000_000));
    await eventually(() => expect(heard.queuedBytes.at(-1)).toBeGreaterThan(7_000_000)); // the socket is full, too
    connection.close();
    connection.close();
    await expectClosed();
    expect(connection.isOpen).toBe(false);
  });

  it('ends at once when there is no room for what it has to send at its end', async () => {
    accept(SMALL_BUFFER_BYTES);
    await shakeHands();
    connection.send(patternBytes(7_000_000));
    connection.close();
    await expectClosed();
  });

  it('is broken when its client resets it with the end of the handshake, and ends at once', async () => {
    accept();
    const client = beginHandshake();
    await new Promise((resolve) => client.once('secureConnect', resolve));
    client.end('an end that TLS knows of, too');
    raw.resetAndDestroy(); // before the server has sent its tickets
    await eventually(() => expect(heard.breaks).toEqual([-ECONNRESET]));
    connection.send(Buffer.from('too late'));
    connection.close();
    await expectClosed();
  });
});

describe('a client who sends key updates', () => {
  it('is heard behind some, a few of them in a run', async () => {
    accept();
    const client = beginHandshake();
    const records = new ClientRecords(client);
    await shakeHands(client);
    const runsBefore = runs;
    raw.write(Buffer.concat([records.keyUpdates(100), records.content(Buffer.from('heard'))]));
    await eventually(() => expect(String(Buffer.concat(received))).toBe('heard'));
    expect(runs - runsBefore).toBeGreaterThanOrEqual(100 / RECORDS_PER_RECEIVE);
    expect([heard.breaks, lines]).toEqual([[], []]);
  });

  it('may go on as long as each is followed by content', async () => {
    accept();
    const client = beginHandshake();
    const records = new ClientRecords(client);
    await shakeHands(client);
    const pairs = 2 * MAX_EMPTY_RECORDS;
    for (let i = 0; i < pairs; i++)
      raw.write(Buffer.concat([records.keyUpdates(1), records.content(Buffer.of(i))]));
    await eventually(() => expect(Buffer.concat(received).length).toBe(pairs));
    expect(heard.breaks).toEqual([]);
  });

  it('without end is ended', async () => {
    accept();
    heard.onBroken = () => connection.close();
    const client = beginHandshake();
    const records = new ClientRecords(client);
    await shakeHands(client);
    raw.write(records.keyUpdates(2000));
    await expectClosed();
    expect(lines).toEqual(['debug: 192.0.2.1:5000: ended: more than 128 TLS records without content']);
    expect(heard.breaks).toEqual([-EPROTO]);
  });

  it('while the connection ends costs nothing: nobody decrypts them', async () => {
    accept();
    const client = beginHandshake();
    const records = new ClientRecords(client);
    await shakeHands(client);
    connection.close();
    raw.write(records.keyUpdates(2000));
    await expectClosed();
    expect(lines).toEqual([]);
  });
});

describe('a handshake', () => {
  it('that is none ends the connection, which reads no more whoever has its number then', async () => {
    accept();
    native.tcpSend(tcp.client, Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'), 0);
    await eventually(() => expect(heard.breaks).toEqual([-EPROTO]));
    expect(lines).toEqual(['debug: 192.0.2.1:5000: TLS handshake failed: wrong version number']);
    await expectClosed();
    const others = Array.from({ length: 4 }, () => new TcpPair());
    expect(others.flatMap((other) => [other.client, other.server])).toContain(tcp.server);
    for (const other of others)
      for (const fd of [other.client, other.server]) native.tcpSend(fd, Buffer.from('not yours'), 0);
    expect([connection.receive(into), connection.drain(into)]).toEqual([-EPROTO, -EBADF]);
    tcp.close(tcp.client);
    for (const other of others) other.closeBoth();
  });

  it('that never ends is given up in time', async () => {
    fakeTimers();
    accept();
    jest.advanceTimersByTime(HANDSHAKE_TIMEOUT_MS - 1);
    expect([tls.handshakes, lines]).toEqual([1, []]);
    jest.advanceTimersByTime(1);
    jest.useRealTimers();
    await eventually(() => expect(heard.breaks).toEqual([-EPROTO]));
    expect(tls.handshakes).toBe(0);
    expect(lines).toEqual(['debug: 192.0.2.1:5000: TLS handshake failed: it took more than 10000 ms']);
    tcp.close(tcp.client);
  });

  it('is the oldest of too many: it is given up', () => {
    accept();
    const givenUp: number[] = [];
    const others = Array.from({ length: MAX_HANDSHAKES + 1 }, (_, i) => ({ giveUp: () => givenUp.push(i) }));
    for (const other of others) tls.handshakeBegun(other);
    expect(lines).toEqual(['debug: 192.0.2.1:5000: TLS handshake failed: 128 others are under way']);
    expect([tls.handshakes, givenUp]).toEqual([MAX_HANDSHAKES, [0]]);
    tcp.close(tcp.client);
  });

  it('that the client breaks off ends the connection', async () => {
    accept();
    tcp.close(tcp.client);
    await eventually(() => expect(receivedLast).toBe(0));
    expect(tls.handshakes).toBe(0);
    expect(lines).toEqual(['debug: 192.0.2.1:5000: TLS handshake failed: the client closed']);
  });
});

it('refuses certificate and key that do not belong together', () => {
  const identity = { certificate: TEST_CERTIFICATE, key: readFileSync(TLS_FILES.otherKey, 'utf8') };
  expect(() => new TlsContext(identity, under.batch, new RunCopier(under.batch), linesInto(lines))).toThrow(
    /key values mismatch/,
  );
  accept();
  tcp.close(tcp.client);
});
