/** A WebSocket around a TCP connection: order under back-pressure, whole frames in a message, pings, its end (RFC 6455 §5). */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Errno, RunCopier, SocketAddress, TcpConnection } from '@finch/core';
import { type NativeFile, native } from '@finch/native';
import { WebSocketConnection } from '@finch/rtsp/websocket-connection';
import { FunctionTask, Heard, linesInto, ThreadUnderTest } from '../../core/net/thread-under-test';
import { Folder, patternBytes } from '../../native/file-under-test';
import { makePlan, wireFrame, wirePacket } from '../../native/made-plan';
import { expectBytes, onceArrived, TcpPair } from '../../native/sockets-under-test';
import { eventually } from '../../support/deadline';
import { clientFrame, Opcode, ServerFrames } from '../../support/websocket-client';

const SMALL_BUFFER_BYTES = 4096;
const READ_BYTES = 4096;
const bytes = patternBytes(200_000);
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
let unanswered: number;
let connection: WebSocketConnection;
let frames: ServerFrames;

beforeEach(() => {
  folder = new Folder();
  file = folder.map('movie', bytes);
  under = new ThreadUnderTest();
  tcp = new TcpPair(SMALL_BUFFER_BYTES);
  heard = new Heard();
  lines = [];
  unanswered = 0;
  frames = new ServerFrames();
  frames.isKeepingMessages = true;
  connection = open();
});
afterEach(async () => {
  connection.close();
  tcp.closeBoth();
  native.fileClose(file.id);
  await under.stop();
  folder.remove();
});

function open(first: Uint8Array = new Uint8Array(0)): WebSocketConnection {
  const task = new FunctionTask(under.thread, (events) => connection.delivered(events));
  const owner = {
    tcp: new TcpConnection(tcp.disown(tcp.server), task.ref, under.batch, heard),
    peer: SocketAddress.of('192.0.2.1', 5000),
    service: { runs: new RunCopier(under.batch), log: linesInto(lines) },
    signal: (events: number) => task.signal(events),
    countUnanswered: () => {
      unanswered++;
    },
    broken: (code: number) => heard.broken(code),
  };
  return new WebSocketConnection(owner, first);
}

/** Reads at the client until the stream in the messages has `sizeBytes`. */
async function receive(sizeBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let count = 0;
  await eventually(() => {
    for (let piece = tcp.take(); piece.length > 0; piece = tcp.take()) {
      const taken = frames.take(piece);
      pieces.push(taken);
      count += taken.length;
    }
    expect(count).toBeGreaterThanOrEqual(sizeBytes);
  });
  return Buffer.concat(pieces);
}

/** Reads at the client until the server has closed; what of it is the stream. */
async function receiveToEnd(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const into = new Uint8Array(READ_BYTES);
  await eventually(() => {
    for (;;) {
      const count = native.tcpReceive(tcp.client, into);
      expect(count).not.toBe(-Errno.EAGAIN);
      if (count <= 0) return;
      pieces.push(Buffer.from(into.slice(0, count)));
    }
  });
  return frames.take(Buffer.concat(pieces));
}

/** What the connection makes of what the client sends: bytes, or what receive() told. */
function received(fromClient: Uint8Array): string | number {
  native.tcpSend(tcp.client, fromClient, 0);
  const into = new Uint8Array(READ_BYTES);
  let count = -Errno.EAGAIN;
  const before = unanswered;
  onceArrived(() => {
    count = connection.receive(into);
    return unanswered > before ? 0 : count;
  });
  return count > 0 ? Buffer.from(into.subarray(0, count)).toString('latin1') : count;
}

function registered() {
  return under.batch.registerPlan(makePlan(packets), file.id);
}

function runOf(plan: ReturnType<typeof registered>, first: number, count: number) {
  const run = { ssrc: 7, sequence: 100, payloadType: 96, timestamp: 9 };
  const wire = packets
    .slice(first, first + count)
    .map((packet, i) =>
      wireFrame(2, wirePacket(packet, bytes, { ...run, fd: 0, plan: 0, packets: count }, i)),
    );
  return { run: { ...run, plan, firstPacket: first, packetCount: count }, wire: Buffer.concat(wire) };
}

/** Fills the socket, and what waits, until the connection is full. */
function fill(): number {
  let sentBytes = 0;
  for (; !connection.isFull; sentBytes += bytes.length) {
    connection.send(bytes);
    under.batch.flush();
  }
  return sentBytes;
}

describe('what a WebSocket sends', () => {
  it('is messages in the order of the calls, bytes and runs alike, however full the socket is', async () => {
    const plan = registered();
    const sent: Buffer[] = [];
    for (let i = 0; i < 20; i++) {
      const text = Buffer.from(`response ${i}\r\n\r\n`);
      if (i % 2 === 0) connection.send(text);
      else connection.sendNow(text);
      const { run, wire } = runOf(plan, i, 12);
      connection.sendRun(run, 2);
      sent.push(text, wire);
    }
    under.batch.flush();
    expect(connection.isFull).toBe(true);
    const all = Buffer.concat(sent);
    expectBytes(await receive(all.length), all);
    await eventually(() => expect([heard.drains > 0, connection.isFull]).toEqual([true, false]));
    expect(heard.breaks).toEqual([]);
  });

  it('has whole interleaved frames in each message', async () => {
    const { run, wire } = runOf(registered(), 0, 60);
    connection.sendRun(run, 2);
    under.batch.flush();
    await receive(wire.length);
    expect(frames.messages.length).toBeGreaterThan(1);
    for (const message of frames.messages) {
      let at = 0;
      for (; at < message.length; at += 4 + message.readUInt16BE(at + 2)) expect(message[at]).toBe(0x24);
      expect(at).toBe(message.length);
    }
  });

  it('is charged while it waits, and broken where there is no memory for it', () => {
    fill();
    const waitedBytes = heard.queuedBytes.at(-1)!;
    connection.send(Buffer.alloc(10_000));
    expect(heard.queuedBytes.at(-1)! - waitedBytes).toBeGreaterThanOrEqual(10_000);
    heard.budgetBytes = 1000;
    connection.send(Buffer.alloc(10_000));
    expect([heard.breaks, connection.isFull]).toEqual([[-Errno.ENOBUFS], false]);
  });

  it('is broken when the file is shorter than it was, which its task hears in a run of its own', async () => {
    const { run } = runOf(registered(), 0, 2);
    truncateSync(join(folder.path, 'movie'), 100);
    connection.sendRun(run, 2);
    expect(heard.breaks).toEqual([]);
    await eventually(() => expect(heard.breaks).toEqual([-Errno.EFAULT]));
    connection.sendRun(run, 2);
    under.batch.flush();
    expect(tcp.take().length).toBe(0);
  });
});

describe('what a WebSocket receives', () => {
  it('begins with what came behind the handshake', () => {
    connection.close();
    tcp.closeBoth();
    tcp = new TcpPair(SMALL_BUFFER_BYTES);
    connection = open(clientFrame('early').subarray(0, 8));
    const into = new Uint8Array(READ_BYTES);
    expect(String(Buffer.from(into.subarray(0, connection.receive(into))))).toBe('ea');
    expect(received(clientFrame('early').subarray(8))).toBe('rly');
  });

  it('is bytes, and nothing where no message has any', () => {
    expect(received(Buffer.concat([clientFrame('OPT'), clientFrame('IONS')]))).toBe('OPTIONS');
    expect([received(clientFrame('')), received(clientFrame('', { opcode: Opcode.pong }))]).toEqual([
      -Errno.EAGAIN,
      -Errno.EAGAIN,
    ]);
    expect(unanswered).toBe(2);
    tcp.close(tcp.client);
    expect(received(Buffer.alloc(0))).toBe(0);
  });

  it('has the last ping of a read answered, with what it said', async () => {
    const pings = ['one', 'two'].map((text) => clientFrame(text, { opcode: Opcode.ping }));
    expect(received(Buffer.concat([...pings, clientFrame('bytes')]))).toBe('bytes');
    connection.send(Buffer.from('.'));
    under.batch.flush();
    expect(String(await receive(1))).toBe('.');
    expect(frames.pongs).toEqual(['two']);
  });

  it('has no ping answered while answers wait', async () => {
    const sentBytes = fill();
    const waitingBytes = heard.queuedBytes.at(-1);
    for (let i = 0; i < 100; i++)
      expect(received(clientFrame('unread', { opcode: Opcode.ping }))).toBe(-Errno.EAGAIN);
    expect(heard.queuedBytes.at(-1)).toBe(waitingBytes);
    await receive(sentBytes);
    expect(frames.pongs).toEqual([]);
  });

  it('ends with a close frame, which is answered once', async () => {
    const last = Buffer.concat([
      clientFrame('last'),
      clientFrame(Buffer.from([3, 233]), { opcode: Opcode.close }),
    ]);
    expect([received(last), received(clientFrame('too late')), received(Buffer.alloc(0))]).toEqual([
      'last',
      0,
      0,
    ]);
    connection.send(Buffer.from('behind'));
    connection.sendNow(Buffer.from('behind'));
    connection.sendRun(runOf(registered(), 0, 1).run, 2);
    connection.close();
    expect((await receiveToEnd()).length).toBe(0);
    expect(frames.close).toEqual({ code: 1001, reason: '' });
    expect(lines).toEqual([]);
  });

  it('ends with a frame that may not be, of which client and log are told', async () => {
    expect(received(clientFrame('OPTIONS', { opcode: Opcode.text }))).toBe(0);
    under.batch.flush();
    await eventually(() => {
      frames.take(tcp.take());
      expect(frames.close?.code).toBe(1003);
    });
    expect(lines).toEqual([`debug: 192.0.2.1:5000: ${frames.close!.reason}`]);
  });
});

it('is closed with a word, what was sent going before it', async () => {
  connection.send(Buffer.from('before'));
  connection.close();
  connection.close();
  expect(String(await receiveToEnd())).toBe('before');
  expect(frames.close).toEqual({ code: 1000, reason: '' });
  expect(connection.isOpen).toBe(false);
});
