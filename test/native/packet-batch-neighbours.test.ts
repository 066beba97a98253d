/** The addon's packet batch over TCP: rows of one stream that follow each other leave in one call, each accounted for. */
import { ftruncateSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type NativeFile, native } from '@finch/native';
import fc from 'fast-check';
import { Folder, patternBytes } from './file-under-test';
import { MadeBatch, type MadePacket, type MadeRun, makePlan, wireFrame, wirePacket } from './made-plan';
import {
  EAGAIN,
  EBADF,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EPIPE,
  expectBytes,
  TcpPair,
  UdpSink,
} from './sockets-under-test';

const FILE_BYTES = 200_000;
const SMALL_BUFFER_BYTES = 4096;
const { ENOTSOCK } = constants.errno;
const bytes = patternBytes(FILE_BYTES);

let folder: Folder;
let file: NativeFile;
let batch: MadeBatch;
let tcp: TcpPair;

beforeEach(() => {
  folder = new Folder();
  file = folder.map('movie', bytes);
  batch = new MadeBatch();
  tcp = new TcpPair(SMALL_BUFFER_BYTES);
});
afterEach(() => {
  batch.native.close();
  native.fileClose(file.id);
  tcp.closeBoth();
  folder.remove();
  expect(native.fileCount()).toBe(0);
});

function packetsOf(count: number, sliceBytes: number): MadePacket[] {
  return Array.from({ length: count }, (_, i) => ({
    prefix: patternBytes(i % 3 === 0 ? 70 : 2, i),
    offset: (i * 6151) % (FILE_BYTES - sliceBytes),
    sizeBytes: sliceBytes,
    marker: i % 2 === 0,
  }));
}

/** Rows of one stream, and the bytes that they are. */
class Stream {
  readonly #wire: Buffer[] = [];
  #arenaUsed = 0;
  constructor(readonly fd: number) {}

  addRun(count: number, sliceBytes: number, channel = 0): void {
    const packets = packetsOf(count, sliceBytes);
    const plan = batch.native.addPlan(makePlan(packets), file.id);
    const run: MadeRun = { fd: this.fd, plan, packets: count, sequence: 65_530 };
    batch.addInterleavedRun(run, channel);
    this.#wire.push(...packets.map((packet, i) => wireFrame(channel, wirePacket(packet, bytes, run, i))));
  }

  addRaw(sizeBytes: number): void {
    batch.arena.set(patternBytes(sizeBytes, this.#arenaUsed), this.#arenaUsed);
    batch.addStreamBytes(this.fd, this.#arenaUsed, sizeBytes);
    this.#wire.push(Buffer.from(batch.arena.slice(this.#arenaUsed, this.#arenaUsed + sizeBytes)));
    this.#arenaUsed += sizeBytes;
  }

  get wire(): Buffer {
    return Buffer.concat(this.#wire);
  }
}

/** Flushes the rows of a batch, and what is left of them, until nothing is; returns what arrives, `sizeBytes` if all does. */
function sendAll(sizeBytes: number, mostOf: () => number): Buffer {
  const pieces: Buffer[] = [];
  for (;;) {
    const refused = batch.flush();
    pieces.push(tcp.take(mostOf()));
    if (refused.length === 0) break;
    // What is refused is the end of the stream, from one row on.
    const first = refused[0]![0];
    expect(refused).toEqual(refused.map((_, i) => [first + i, -EAGAIN]));
    batch.rows.copyWithin(0, first * 16, (first + refused.length) * 16);
    batch.used = refused.length;
  }
  const got = Buffer.concat(pieces);
  return Buffer.concat([got, tcp.takeExactly(sizeBytes - got.length)]);
}

describe('rows of one stream that follow each other', () => {
  it('leave in one call: an answer, pictures, sound', () => {
    const stream = new Stream(tcp.server);
    stream.addRaw(300);
    stream.addRun(5, 100, 0);
    stream.addRun(2, 50, 2);
    stream.addRaw(28);
    expect(batch.flush()).toEqual([]);
    expectBytes(tcp.takeExactly(stream.wire.length), stream.wire);
    expect(batch.counts).toEqual({
      packets: 7,
      bytes: stream.wire.length - 328,
      messages: 1,
      systemCalls: 1,
    });
  });

  it('leave in several when one holds not all of their packets', () => {
    const stream = new Stream(tcp.server);
    stream.addRaw(10);
    stream.addRun(800, 3, 0);
    stream.addRun(220, 3, 2);
    stream.addRun(1, 3, 4);
    const got = sendAll(stream.wire.length, () => Infinity);
    expectBytes(got, stream.wire);
    // The raw bytes alone; 340, 340 and 120 packets, the last with the 220 behind them; the one that found no room.
    expect(batch.counts).toMatchObject({ packets: 1021, systemCalls: 5 });
  });

  it('leave apart when a row of another socket is between', () => {
    const other = new TcpPair();
    const sink = new UdpSink();
    const sender = new UdpSink();
    const stream = new Stream(tcp.server);
    stream.addRun(1, 10);
    batch.addStreamBytes(other.server, 0, 5);
    stream.addRun(1, 20);
    batch.addDatagram(sender.fd, 0, 7, sink.address);
    stream.addRun(1, 30);
    expect(batch.flush()).toEqual([]);
    expectBytes(tcp.takeExactly(stream.wire.length), stream.wire);
    expect(other.takeExactly(5).length).toBe(5);
    expect(sink.take(1).length).toBe(1);
    expect(batch.counts.systemCalls).toBe(5);
    other.closeBoth();
    for (const socket of [sink, sender]) socket.close();
  });

  it('go on in the middle of the first of them, at any byte', () => {
    const packets = packetsOf(3, 4);
    const run = { fd: tcp.server, plan: batch.native.addPlan(makePlan(packets), file.id), packets: 3 };
    const wire = Buffer.concat(packets.map((packet, i) => wireFrame(0, wirePacket(packet, bytes, run, i))));
    for (let sent = 0; sent <= wire.length; sent++) {
      batch.addInterleavedRun(run, 0, sent);
      batch.addInterleavedRun(run, 0);
      expect(batch.flush()).toEqual([]);
      expectBytes(tcp.takeExactly(2 * wire.length - sent), Buffer.concat([wire.subarray(sent), wire]));
    }
    expect(batch.counts.systemCalls).toBe(wire.length + 1);
  });

  it('pass over one that names nothing', () => {
    const stream = new Stream(tcp.server);
    stream.addRun(1, 10);
    batch.addInterleavedRun({ fd: tcp.server, plan: 99, packets: 1 }, 0);
    batch.addStreamBytes(tcp.server, 0, 5, 6);
    stream.addRun(1, 20);
    expect(batch.flush()).toEqual([
      [1, -EINVAL],
      [2, -EINVAL],
    ]);
    expectBytes(tcp.takeExactly(stream.wire.length), stream.wire);
  });
});

describe('a stream that takes a part of them', () => {
  it('in the middle of the second row: the first has left, the second is moved on, the third is as it was', () => {
    const stream = new Stream(tcp.server);
    stream.addRun(3, 1000, 2);
    stream.addRun(300, 40_000, 0); // 12 MB: more than sockets hold
    stream.addRun(2, 500, 2);
    stream.addRaw(100);
    const third = batch.row(2).slice();
    const fourth = batch.row(3).slice();
    expect(batch.flush()).toEqual([1, 2, 3].map((row) => [row, -EAGAIN]));
    const [, , , first, left, , sequence, , , sentBytes] = batch.row(1);
    const gone = 300 - left!;
    expect(gone).toBeGreaterThan(0);
    expect(left).toBeGreaterThan(0);
    expect(first).toBe(gone);
    expect(sequence! & 0xffff).toBe((65_530 + gone) & 0xffff);
    expect(sentBytes).toBeLessThan(4 + 12 + 70 + 40_000);
    expect(batch.row(2)).toEqual(third);
    expect(batch.row(3)).toEqual(fourth);
    expect(batch.counts).toMatchObject({ packets: 3 + gone, systemCalls: 1 });
    batch.rows.copyWithin(0, 16, 64);
    batch.used = 3;
    const begun = tcp.take(1_000_000);
    const rest = sendAll(stream.wire.length - begun.length, () => 3_000_000);
    expectBytes(Buffer.concat([begun, rest]), stream.wire);
    expect(batch.counts).toMatchObject({ packets: 305, bytes: stream.wire.length - 100 });
  });

  it('gives each its share, wherever it stops (property over rows and reads)', () => {
    const raw = fc.record({ packets: fc.constant(0), sizeBytes: fc.integer({ min: 1, max: 50_000 }) });
    const run = fc.record({ packets: fc.integer({ min: 1, max: 400 }), sizeBytes: fc.nat(1000) });
    const rows = fc.array(fc.oneof(raw, run), { minLength: 1, maxLength: 8 });
    const reads = fc.array(fc.integer({ min: 30_000, max: 1_000_000 }), { minLength: 1, maxLength: 5 });
    // Of 60 KB each, so that the socket is full somewhere in the rows behind them.
    const inFront = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(inFront, rows, reads, (packetsInFront, behind, most) => {
        const before = batch.counts;
        const stream = new Stream(tcp.server);
        const made = [{ packets: packetsInFront, sizeBytes: 60_000 }, ...behind];
        for (const { packets, sizeBytes } of made) {
          if (packets === 0) stream.addRaw(sizeBytes);
          else stream.addRun(packets, sizeBytes);
        }
        let turn = 0;
        expectBytes(
          sendAll(stream.wire.length, () => most[turn++ % most.length]!),
          stream.wire,
        );
        expect(batch.counts.packets - before.packets).toBe(
          made.reduce((sum, { packets }) => sum + packets, 0),
        );
      }),
      { numRuns: 15 },
    );
  });

  it('or nothing: all are as they were, and none is asked for alone', () => {
    new Stream(tcp.server).addRun(300, 40_000);
    // Nobody reads, so a time comes when there is no room, though the last bytes may still be on their way to the client.
    for (;;) {
      expect(batch.flush()[0]).toEqual([0, -EAGAIN]);
      batch.used = 1;
      const stream = new Stream(tcp.server);
      stream.addRun(2, 500);
      stream.addRaw(10);
      const rows = batch.rows.slice();
      const calls = batch.counts.systemCalls;
      const refused = batch.flush();
      expect(refused).toEqual([0, 1, 2].map((row) => [row, -EAGAIN]));
      expect(batch.counts.systemCalls).toBe(calls + 1);
      if (rows.every((word, i) => word === batch.rows[i])) break;
      batch.used = 1;
    }
  });
});

describe('what can not be written to', () => {
  it('when it is broken: the first tells why, the others are held back', () => {
    tcp.reset();
    const stream = new Stream(tcp.server);
    stream.addRaw(10);
    stream.addRun(2, 10);
    stream.addRun(800, 10);
    stream.addRaw(10);
    const [first, ...later] = batch.flush();
    expect(first![0]).toBe(0);
    expect([-EPIPE, -ECONNRESET]).toContain(first![1]);
    expect(later).toEqual([1, 2, 3].map((row) => [row, -EAGAIN]));
    expect(batch.counts).toMatchObject({ packets: 0, systemCalls: 1 });
  });

  it.each([
    ['when there is no such descriptor', () => 1_000_000, -EBADF],
    ['when it is no socket', () => file.fd, -ENOTSOCK],
  ])('%s: each row says so', (_, fdOf, code) => {
    const stream = new Stream(fdOf());
    stream.addRaw(10);
    stream.addRun(2, 10);
    stream.addRaw(10);
    expect(batch.flush()).toEqual([0, 1, 2].map((row) => [row, code]));
  });

  it('when a row names bytes that are gone: those before it leave, it is refused, those behind it are held back', () => {
    const stream = new Stream(tcp.server);
    stream.addRaw(10);
    stream.addRaw(20);
    batch.addInterleavedRun(
      { fd: tcp.server, plan: batch.native.addPlan(makePlan(packetsOf(3, 1000)), file.id), packets: 3 },
      0,
    );
    const wire = stream.wire;
    stream.addRaw(30);
    const writable = openSync(join(folder.path, 'movie'), 'r+');
    ftruncateSync(writable, 0);
    native.socketClose(writable);
    expect(batch.flush()).toEqual([
      [2, -EFAULT],
      [3, -EAGAIN],
    ]);
    expectBytes(tcp.takeExactly(wire.length), wire);
    expect(tcp.take()).toEqual(Buffer.alloc(0));
  });
});
