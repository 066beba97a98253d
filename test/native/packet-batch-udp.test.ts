/** The addon's packet batch over UDP: whatever the kernel cuts, the right datagrams arrive. Layout: RFC 3550 §5.1. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type NativeFile, native } from '@finch/native';
import fc from 'fast-check';
import { Folder, patternBytes } from './file-under-test';
import { MadeBatch, type MadePacket, type MadeRun, makePlan, wirePacket } from './made-plan';
import { addressWords, EINVAL, expectDatagrams, UdpSink } from './sockets-under-test';

const FILE_BYTES = 400_000;
const MAX_SEGMENTS = 64;
const bytes = patternBytes(FILE_BYTES);

let folder: Folder;
let file: NativeFile;
let sender: UdpSink;
let sink: UdpSink;
let batch: MadeBatch;

beforeAll(() => {
  folder = new Folder();
  file = folder.map('movie', bytes);
});
afterAll(() => {
  native.fileClose(file.id);
  folder.remove();
});
beforeEach(() => {
  sender = new UdpSink();
  sink = new UdpSink();
  batch = new MadeBatch();
});
afterEach(() => {
  sender.close();
  sink.close();
  batch.native.close();
  expect(native.fileCount()).toBe(1);
});

/** Packets whose prefixes and slices have these sizes; slices follow one another. */
function packetsOf(sizes: readonly (readonly [prefix: number, slice: number])[]): MadePacket[] {
  let offset = 7;
  return sizes.map(([prefixBytes, sizeBytes], i) => {
    const packet = { prefix: patternBytes(prefixBytes, i + 2), offset, sizeBytes, marker: i % 3 === 2 };
    offset = (offset + sizeBytes) % (FILE_BYTES / 2);
    return packet;
  });
}

function addPlan(packets: readonly MadePacket[]): number {
  const plan = batch.native.addPlan(makePlan(packets), file.id);
  expect(plan).toBeGreaterThan(0);
  return plan;
}

const equal = (count: number, prefix: number, slice: number) =>
  new Array<readonly [number, number]>(count).fill([prefix, slice]);

/** The datagrams that `run` stands for. */
function expected(packets: readonly MadePacket[], run: MadeRun): Buffer[] {
  const first = run.first ?? 0;
  return packets.slice(first, first + run.packets).map((packet, i) => wirePacket(packet, bytes, run, i));
}

const CASES: [name: string, sizes: (readonly [number, number])[], messages: number][] = [
  ['one packet', [[2, 1000]], 1],
  ['equal packets', equal(10, 2, 1000), 1],
  ['equal packets and a shorter one', [...equal(10, 2, 1000), [2, 500]], 1],
  ['a shorter one between equal ones', [...equal(3, 2, 1000), [2, 500], ...equal(3, 2, 1000)], 2],
  ['a longer one behind shorter ones', [...equal(3, 2, 500), [2, 1000]], 2],
  [
    'sizes that are equal in sum only',
    [
      [2, 998],
      [10, 990],
      [1000, 0],
      [0, 1000],
    ],
    1,
  ],
  ['as many segments as a call takes', equal(MAX_SEGMENTS, 0, 900), 1],
  ['one segment more', equal(MAX_SEGMENTS + 1, 0, 900), 2],
  ['more than twice as many', equal(MAX_SEGMENTS * 2 + 5, 1, 1000), 3],
  ['more bytes than a datagram holds', equal(50, 2, 1400), 2],
  ['a prefix as long as is copied', equal(3, 64, 1000), 1],
  ['a prefix longer than is copied', equal(3, 65, 1000), 1],
  ['a prefix of a packet', equal(3, 1400, 0), 1],
  ['packets of the header alone', equal(5, 0, 0), 1],
  ['packets of the longest datagram', equal(2, 0, 65507 - 12), 2],
];

describe.each([
  ['with segmentation', true],
  ['without', false],
])('a run over UDP %s', (_, segmentation) => {
  it.each(CASES)('arrives whole: %s', (_, sizes, messages) => {
    const packets = packetsOf(sizes);
    const run = {
      fd: sender.fd,
      plan: addPlan(packets),
      packets: packets.length,
      ssrc: 0xdeadbeef,
      sequence: 65530,
      payloadType: 97,
      timestamp: 0xfffffff0,
    };
    batch.addUdpRun(run, sink.address, segmentation);
    expect(batch.flush()).toEqual([]);
    const wire = expected(packets, run);
    expectDatagrams(sink.take(wire.length), wire);
    expect(batch.counts).toEqual({
      packets: wire.length,
      bytes: Buffer.concat(wire).length,
      messages: segmentation ? messages : wire.length,
      systemCalls: 1,
    });
  });

  it('arrives whole from anywhere in the plan, whatever the sizes (property)', () => {
    const size = fc.tuple(fc.nat(100), fc.nat(1500));
    // Runs of equal sizes are what is cut; so most packets repeat an earlier one's size.
    const sizes = fc.array(fc.tuple(size, fc.integer({ min: 1, max: 20 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sizes, fc.nat(200), fc.nat(200), fc.nat(0xffff), (repeated, skip, count, sequence) => {
        const packets = packetsOf(repeated.flatMap(([pair, times]) => equal(times, ...pair)));
        const first = skip % packets.length;
        const run = {
          fd: sender.fd,
          plan: addPlan(packets),
          first,
          packets: Math.min(count, packets.length - first),
          sequence,
        };
        batch.addUdpRun(run, sink.address, segmentation);
        expect(batch.flush()).toEqual([]);
        expectDatagrams(sink.take(run.packets), expected(packets, run));
        batch.native.removePlan(run.plan);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a flush', () => {
  it('sends the rows of many viewers, each to its address, with the fewest calls', () => {
    const sinks = Array.from({ length: 20 }, () => new UdpSink());
    const packets = packetsOf([...equal(6, 2, 1000), [2, 10]]);
    const plan = addPlan(packets);
    const runs = sinks.map((_, i) => ({ fd: sender.fd, plan, packets: 7, ssrc: i, sequence: i * 1000 }));
    runs.forEach((run, i) => {
      batch.addUdpRun(run, sinks[i]!.address);
    });
    expect(batch.flush()).toEqual([]);
    sinks.forEach((one, i) => {
      expectDatagrams(one.take(7), expected(packets, runs[i]!));
      one.close();
    });
    expect(batch.counts).toMatchObject({ messages: 20, systemCalls: 1, packets: 140 });
  });

  it('keeps runs and datagrams of two sockets apart and in order', () => {
    const other = new UdpSink();
    const packets = packetsOf(equal(4, 2, 100));
    const plan = addPlan(packets);
    batch.arena.set([1, 2, 3, 4, 5]);
    const run = { fd: sender.fd, plan, packets: 2 };
    batch.addUdpRun(run, sink.address);
    batch.addDatagram(other.fd, 1, 3, sink.address);
    batch.addDatagram(sender.fd, 4, 1, sink.address);
    batch.addUdpRun({ ...run, first: 2 }, sink.address);
    expect(batch.flush()).toEqual([]);
    expectDatagrams(sink.take(6), [
      ...expected(packets, run),
      Buffer.of(2, 3, 4),
      Buffer.of(5),
      ...expected(packets, { ...run, first: 2 }),
    ]);
    other.close();
  });

  it('sends over IPv6', () => {
    const [from, to] = [new UdpSink('::1'), new UdpSink('::1')];
    const packets = packetsOf(equal(70, 2, 1000));
    const run = { fd: from.fd, plan: addPlan(packets), packets: 70 };
    batch.addUdpRun(run, to.address);
    expect(batch.flush()).toEqual([]);
    expectDatagrams(to.take(70), expected(packets, run));
    for (const socket of [from, to]) socket.close();
  });

  it('of more packets than are gathered at once sends all', () => {
    const receiver = new UdpSink();
    const packets = packetsOf(equal(500, 0, 10));
    const plan = addPlan(packets);
    const taken: Buffer[] = [];
    for (let i = 0; i < 3; i++)
      batch.addUdpRun({ fd: sender.fd, plan, packets: 500 }, receiver.address, false);
    expect(batch.flush()).toEqual([]);
    taken.push(...receiver.take(100));
    // The receive buffer may hold fewer; what was counted was sent, and what arrived is in order.
    expect(batch.counts.packets).toBe(1500);
    const wire = expected(packets, { fd: 0, plan, packets: 500 });
    expectDatagrams(taken.slice(0, 500), wire.slice(0, taken.length));
    receiver.close();
  });

  it('goes on behind a viewer whose destination takes nothing, and goes on segmenting', () => {
    const packets = packetsOf(equal(10, 2, 1000));
    const run = { fd: sender.fd, plan: addPlan(packets), packets: 10 };
    batch.addUdpRun(run, addressWords('127.0.0.1', 0)); // port 0: EINVAL from the kernel
    batch.addUdpRun(run, sink.address);
    expect(batch.flush()).toEqual([[0, -EINVAL]]);
    expectDatagrams(sink.take(10), expected(packets, run));
    expect(batch.counts).toMatchObject({ messages: 1, packets: 10 });
  });
});

describe('a path that is too small for a segment', () => {
  // Needs a network of its own with a small MTU; user namespaces are not everywhere.
  const unshare = ['unshare', ['-Urn', 'sh', '-c', 'ip link set lo mtu 1500 up']] as const;
  const isPossible = spawnSync(...unshare).status === 0;
  (isPossible ? it : it.skip)(
    'gets the datagrams in fragments and without segmentation, and is told so (EMSGSIZE)',
    () => {
      const script = join(__dirname, 'small-mtu.js');
      const command = `ip link set lo mtu 1500 up && exec "${process.execPath}" "${script}"`;
      const child = spawnSync('unshare', ['-Urn', 'sh', '-c', command], {
        encoding: 'utf8',
        timeout: 20_000,
      });
      expect(child.stderr).toBe('');
      const datagrams = (...sequences: number[]) => sequences.map((sequence) => [2012, sequence]);
      expect(JSON.parse(child.stdout)).toEqual({
        refused: [
          [0, -90],
          [1, -90],
        ],
        datagrams: datagrams(100, 101, 102, 103, 104, 105, 100, 101, 102),
        flagged: [],
        flaggedDatagrams: datagrams(100, 101, 100),
      });
    },
  );
});
