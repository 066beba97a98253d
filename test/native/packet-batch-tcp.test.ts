/** The addon's packet batch over TCP: however little the socket takes, the stream is exact (RFC 2326 §10.12). */
import { type NativeFile, native } from '@finch/native';
import fc from 'fast-check';
import { Folder, patternBytes } from './file-under-test';
import { MadeBatch, type MadePacket, type MadeRun, makePlan, wireFrame, wirePacket } from './made-plan';
import { EAGAIN, ECONNRESET, EPIPE, expectBytes, TcpPair } from './sockets-under-test';

const FILE_BYTES = 600_000;
const SMALL_BUFFER_BYTES = 4096;
const CHANNEL = 6;
const bytes = patternBytes(FILE_BYTES);

let folder: Folder;
let file: NativeFile;
let batch: MadeBatch;
let tcp: TcpPair;

beforeAll(() => {
  folder = new Folder();
  file = folder.map('movie', bytes);
});
afterAll(() => {
  native.fileClose(file.id);
  folder.remove();
});
beforeEach(() => {
  batch = new MadeBatch();
  tcp = new TcpPair(SMALL_BUFFER_BYTES);
});
afterEach(() => {
  batch.native.close();
  tcp.closeBoth();
  expect(native.fileCount()).toBe(1);
});

function packetsOf(sizes: readonly (readonly [prefix: number, slice: number])[]): MadePacket[] {
  return sizes.map(([prefixBytes, sizeBytes], i) => ({
    prefix: patternBytes(prefixBytes, i + 2),
    offset: (i * 6151) % (FILE_BYTES - 65_535),
    sizeBytes,
    marker: i % 2 === 0,
  }));
}

function addPlan(packets: readonly MadePacket[]): number {
  return batch.native.addPlan(makePlan(packets), file.id);
}

function streamOf(packets: readonly MadePacket[], run: MadeRun, channel = CHANNEL): Buffer {
  const first = run.first ?? 0;
  return Buffer.concat(
    packets
      .slice(first, first + run.packets)
      .map((packet, i) => wireFrame(channel, wirePacket(packet, bytes, run, i))),
  );
}

/**
 * Sends the rows that are left again and again, taking at most `most` bytes between, until none is refused. Returns what
 * arrives of them, which should be `sizeBytes`.
 */
function sendAll(sizeBytes: number, most: () => number): Buffer {
  const pieces: Buffer[] = [];
  let waiting: Uint32Array[] = [];
  do {
    for (const row of waiting) batch.row(batch.used++).set(row);
    const refused = batch.flush();
    expect(refused.map(([, code]) => code)).toEqual(refused.map(() => -EAGAIN));
    waiting = refused.map(([row]) => batch.row(row).slice());
    pieces.push(tcp.take(most()));
  } while (waiting.length > 0);
  const got = Buffer.concat(pieces);
  return Buffer.concat([got, tcp.takeExactly(sizeBytes - got.length)]);
}

describe('an interleaved run', () => {
  it.each([
    ['one packet', [[2, 1000]]],
    [
      'prefixes copied and pointed at',
      [
        [0, 10],
        [64, 10],
        [65, 10],
        [1400, 0],
        [0, 0],
      ],
    ],
    ['the largest packet', [[0, 65_523]]],
    ['more packets than one call takes', new Array(800).fill([3, 20])],
  ] as [string, [number, number][]][])('is a stream of frames: %s', (_, sizes) => {
    const packets = packetsOf(sizes);
    const run = {
      fd: tcp.server,
      plan: addPlan(packets),
      packets: packets.length,
      ssrc: 0x01020304,
      sequence: 65_500,
      payloadType: 33,
      timestamp: 90_000,
    };
    batch.addInterleavedRun(run, 255);
    const stream = streamOf(packets, run, 255);
    expectBytes(
      sendAll(stream.length, () => Infinity),
      stream,
    );
    expect(batch.counts.packets).toBe(packets.length);
    expect(batch.counts.bytes).toBe(stream.length);
  });

  it('goes on in the middle of any byte', () => {
    const packets = packetsOf([
      [0, 5],
      [3, 0],
      [70, 9],
      [0, 0],
      [2, 4],
    ]);
    const run = { fd: tcp.server, plan: addPlan(packets), packets: 5, sequence: 65_534 };
    const stream = streamOf(packets, run);
    for (let sent = 0; sent <= stream.length; sent++) {
      batch.addInterleavedRun(run, CHANNEL, sent);
      expect(batch.flush()).toEqual([]);
      expectBytes(tcp.takeExactly(stream.length - sent), stream.subarray(sent));
    }
  });

  it('is exact through a socket that is full again and again (property over sizes)', () => {
    const size = fc.tuple(fc.oneof(fc.nat(20), fc.nat(300)), fc.oneof(fc.nat(30), fc.nat(60_000)));
    const reads = fc.array(fc.integer({ min: 30_000, max: 400_000 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(size, { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 20, max: 120 }),
        reads,
        (sizes, times, most) => {
          const packets = packetsOf(new Array(times).fill(sizes).flat());
          const run = { fd: tcp.server, plan: addPlan(packets), packets: packets.length, sequence: 65_500 };
          batch.addInterleavedRun(run, CHANNEL);
          let turn = 0;
          const stream = streamOf(packets, run);
          const got = sendAll(stream.length, () => most[turn++ % most.length]!);
          expectBytes(got, stream);
          batch.native.removePlan(run.plan);
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe('a stream that is full', () => {
  it('gets no later row, and all rows in order when there is room', () => {
    const packets = packetsOf(new Array(100).fill([2, 60_000]));
    const run = { fd: tcp.server, plan: addPlan(packets), packets: 100 };
    batch.arena.set(patternBytes(1000, 77));
    batch.addStreamBytes(tcp.server, 0, 500);
    batch.addInterleavedRun(run, 0);
    batch.addStreamBytes(tcp.server, 500, 400);
    batch.addInterleavedRun({ ...run, first: 3, packets: 1 }, 2);
    batch.addStreamBytes(tcp.server, 900, 100);
    const stream = Buffer.concat([
      batch.arena.subarray(0, 500),
      streamOf(packets, run, 0),
      batch.arena.subarray(500, 900),
      streamOf(packets, { ...run, first: 3, packets: 1 }, 2),
      batch.arena.subarray(900, 1000),
    ]);
    expect(batch.flush()).toEqual([1, 2, 3, 4].map((row) => [row, -EAGAIN]));
    const before = batch.counts.packets;
    expect(before).toBeLessThan(100);
    for (let row = 1; row <= 4; row++) batch.row(row - 1).set(batch.row(row));
    batch.used = 4;
    const begun = tcp.take(1_000_000);
    const got = sendAll(stream.length - begun.length, () => 300_000);
    expectBytes(Buffer.concat([begun, got]), stream);
    expect(batch.counts.packets).toBe(101);
  });

  it('holds back nobody else', () => {
    const other = new TcpPair();
    const packets = packetsOf(new Array(100).fill([2, 60_000]));
    const plan = addPlan(packets);
    batch.addInterleavedRun({ fd: tcp.server, plan, packets: 100 }, 0);
    batch.addInterleavedRun({ fd: other.server, plan, packets: 1 }, 0);
    expect(batch.flush()).toEqual([[0, -EAGAIN]]);
    const wire = streamOf(packets, { fd: 0, plan, packets: 1 }, 0);
    expectBytes(other.takeExactly(wire.length), wire);
    // In the next flush it is asked again.
    batch.arena.set([1, 2, 3]);
    tcp.take();
    batch.addStreamBytes(other.server, 0, 3);
    expect(batch.flush()).toEqual([]);
    expect(other.takeExactly(3)).toEqual(Buffer.of(1, 2, 3));
    other.closeBoth();
  });

  it('keeps the rest of raw bytes, from any byte on', () => {
    batch.arena.set(patternBytes(200, 5));
    for (let sent = 0; sent <= 200; sent++) {
      batch.addStreamBytes(tcp.server, 0, 200, sent);
      expect(batch.flush()).toEqual([]);
      expectBytes(tcp.takeExactly(200 - sent), batch.arena.subarray(sent, 200));
    }
    batch.arena.set(patternBytes(1 << 20, 6));
    for (let i = 0; i < 8; i++) batch.addStreamBytes(tcp.server, 0, 1 << 20);
    const stream = Buffer.concat(new Array(8).fill(batch.arena));
    const got = sendAll(stream.length, () => 500_000);
    expectBytes(got, stream);
  });
});

describe('a stream that is broken', () => {
  it('is reported once, and its later rows are held back', () => {
    const packets = packetsOf(new Array(10).fill([2, 1000]));
    const run = { fd: tcp.server, plan: addPlan(packets), packets: 10 };
    tcp.reset();
    for (let i = 0; i < 3; i++) batch.addInterleavedRun(run, 0);
    batch.addStreamBytes(tcp.server, 0, 10);
    const [first, ...later] = batch.flush();
    expect(first![0]).toBe(0);
    expect([-EPIPE, -ECONNRESET]).toContain(first![1]);
    expect(later).toEqual([1, 2, 3].map((row) => [row, -EAGAIN]));
    expect(batch.counts.packets).toBe(0);
    batch.addStreamBytes(tcp.server, 0, 10);
    expect(batch.flush()).toEqual([[0, -EPIPE]]);
  });
});
