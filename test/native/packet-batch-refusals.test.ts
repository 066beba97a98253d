/** The addon's packet batch and what it can't send: damaged plans, rows that name nothing, files that shrink. */
import { ftruncateSync, openSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { type NativeFile, native } from '@finch/native';
import { Folder, patternBytes } from './file-under-test';
import { MadeBatch, type MadePacket, makePlan } from './made-plan';
import { EBADF, EFAULT, EINVAL, TcpPair, UdpSink } from './sockets-under-test';

const FILE_BYTES = 100_000;
const PAGE_BYTES = 4096;
const NO_PREFIX = new Uint8Array(0);

let folder: Folder;
let file: NativeFile;
let batch: MadeBatch;
let sender: UdpSink;
let sink: UdpSink;

beforeEach(() => {
  folder = new Folder();
  file = folder.map('movie', patternBytes(FILE_BYTES));
  batch = new MadeBatch();
  sender = new UdpSink();
  sink = new UdpSink();
});
afterEach(() => {
  native.fileClose(file.id);
  batch.native.close();
  for (const socket of [sender, sink]) socket.close();
  folder.remove();
  expect(native.fileCount()).toBe(0);
});

const slice = (offset: number, sizeBytes: number, prefix: Uint8Array = NO_PREFIX): MadePacket => ({
  prefix,
  offset,
  sizeBytes,
});

describe('addPlan', () => {
  /** A plan of two packets with one word changed. */
  const changed = (at: number, value: number) => {
    const plan = makePlan([slice(0, 10, patternBytes(8)), slice(10, 10)]);
    plan[at] = value;
    return plan;
  };

  it.each([
    ['that is empty', () => new Uint32Array(0)],
    ['shorter than its header', () => makePlan([]).slice(0, 7)],
    ['without the magic number', () => changed(0, 0)],
    ['with more packets than it has room for', () => changed(2, 5)],
    ['with 2^32-1 packets', () => changed(2, 0xffffffff)],
    ['with packets at an odd place', () => changed(4, 33)],
    ['with packets behind its end', () => changed(4, 0xfffffffc)],
    ['with prefixes behind its end', () => changed(5, 4000)],
    ['with more prefix bytes than it has', () => changed(6, 0xffffffff)],
    ['with a prefix behind the prefixes', () => changed(11, 1)],
    ['with a slice behind the end of the file', () => makePlan([slice(FILE_BYTES - 9, 10)])],
    ['with a slice far behind it', () => makePlan([slice(2 ** 47, 10)])],
    ['with a packet longer than 65535 bytes', () => makePlan([slice(0, 65_500, patternBytes(24))])],
  ])('refuses a plan %s', (_, plan) => {
    expect(batch.native.addPlan(plan(), file.id)).toBe(-EINVAL);
    native.fileClose(file.id);
    expect(native.fileCount()).toBe(0); // nothing holds the file
  });

  it('takes slices up to the last byte, and an empty plan', () => {
    expect(batch.native.addPlan(makePlan([slice(FILE_BYTES - 10, 10)]), file.id)).toBeGreaterThan(0);
    expect(batch.native.addPlan(makePlan([slice(FILE_BYTES, 0)]), file.id)).toBeGreaterThan(0);
    expect(batch.native.addPlan(makePlan([]), file.id)).toBeGreaterThan(0);
  });

  it.each([0, 999_999])('refuses file %d, which is not open', (id) => {
    expect(batch.native.addPlan(makePlan([]), id)).toBe(-EBADF);
  });

  it('never gives handle 0, and gives a freed one again', () => {
    const handles = [0, 0, 0].map(() => batch.native.addPlan(makePlan([]), file.id));
    expect(new Set(handles).size).toBe(3);
    expect(handles).not.toContain(0);
    batch.native.removePlan(handles[1]!);
    batch.native.removePlan(handles[1]!);
    batch.native.removePlan(0);
    batch.native.removePlan(12_345);
    expect(batch.native.addPlan(makePlan([]), file.id)).toBe(handles[1]);
    expect(batch.native.addPlan(makePlan([]), file.id)).not.toBe(handles[1]);
  });
});

describe('a row is refused, and the others are sent,', () => {
  const plan = () => batch.native.addPlan(makePlan([slice(0, 10), slice(10, 10)]), file.id);
  const to = () => sink.address;
  const CASES: [name: string, add: () => void, code: number][] = [
    ['with an unknown operation', () => batch.addDatagram(sender.fd, 0, 1, to()).set([77]), -EINVAL],
    ['of all zeros', () => batch.addDatagram(0, 0, 0, new Uint32Array(6)).fill(0), -EINVAL],
    ['with plan 0', () => batch.addUdpRun({ fd: sender.fd, plan: 0, packets: 1 }, to()), -EINVAL],
    ['with an unknown plan', () => batch.addUdpRun({ fd: sender.fd, plan: 99, packets: 1 }, to()), -EINVAL],
    [
      'with a plan that was removed',
      () => {
        const removed = plan();
        batch.native.removePlan(removed);
        batch.addInterleavedRun({ fd: sender.fd, plan: removed, packets: 1 }, 0);
      },
      -EINVAL,
    ],
    [
      'with packets behind the end of the plan',
      () => batch.addUdpRun({ fd: sender.fd, plan: plan(), first: 1, packets: 2 }, to()),
      -EINVAL,
    ],
    [
      'with 2^32-1 packets',
      () => batch.addUdpRun({ fd: sender.fd, plan: plan(), first: 1, packets: 0xffffffff }, to()),
      -EINVAL,
    ],
    ['with a datagram outside the arena', () => batch.addDatagram(sender.fd, 1 << 20, 1, to()), -EINVAL],
    ['with 2^32-1 bytes', () => batch.addDatagram(sender.fd, 1, 0xffffffff, to()), -EINVAL],
    ['with stream bytes outside the arena', () => batch.addStreamBytes(sender.fd, 5, 1 << 20), -EINVAL],
    ['with more stream bytes sent than it has', () => batch.addStreamBytes(sender.fd, 0, 5, 6), -EINVAL],
    ['with a datagram to no address', () => batch.addDatagram(sender.fd, 0, 1, new Uint32Array(6)), -89],
    ['with a datagram to another family', () => batch.addDatagram(sender.fd, 0, 1, v6()), -97],
    ...([-1, 0x80000000, 1_000_000] as const).flatMap((fd): [string, () => void, number][] => [
      [`on descriptor ${fd} (run)`, () => batch.addUdpRun({ fd, plan: plan(), packets: 2 }, to()), -EBADF],
      [
        `on descriptor ${fd} (interleaved)`,
        () => batch.addInterleavedRun({ fd, plan: plan(), packets: 1 }, 0),
        -EBADF,
      ],
      [`on descriptor ${fd} (datagram)`, () => batch.addDatagram(fd, 0, 1, to()), -EBADF],
      [`on descriptor ${fd} (stream)`, () => batch.addStreamBytes(fd, 0, 1), -EBADF],
    ]),
  ];

  const v6 = () => Uint32Array.of(6, 5004, 0, 0, 0, 0x01000000);

  it.each(CASES)('%s', (_, add, code) => {
    batch.arena.set([7, 8]);
    batch.addDatagram(sender.fd, 0, 1, sink.address);
    add();
    batch.addDatagram(sender.fd, 1, 1, sink.address);
    expect(batch.flush()).toEqual([[1, code]]);
    expect(sink.take(2)).toEqual([Buffer.of(7), Buffer.of(8)]);
  });
});

describe('flush', () => {
  it('looks at no more rows than there are', () => {
    const rows = new Uint32Array(32);
    const small = new native.PacketBatch(rows, new Uint8Array(1), new Int32Array(2), new Float64Array(4));
    expect(small.flush(4_000_000_000)).toBe(1); // room to report one row
    expect(small.flush(0)).toBe(0);
  });

  it('after close() refuses what names a plan', () => {
    const plan = batch.native.addPlan(makePlan([slice(0, 10)]), file.id);
    batch.native.close();
    batch.addUdpRun({ fd: sender.fd, plan, packets: 1 }, sink.address);
    expect(batch.flush()).toEqual([[0, -EINVAL]]);
  });
});

describe('a file that was truncated after planning', () => {
  const packets = Array.from({ length: 20 }, (_, i) => slice(i * 5000, 1000));

  it('gives EFAULT for its row, and the rows of the same flush are sent (UDP)', () => {
    const whole = folder.map('whole', patternBytes(FILE_BYTES));
    const plan = batch.native.addPlan(makePlan(packets), file.id);
    const good = batch.native.addPlan(makePlan([slice(50_000, 1000)]), whole.id);
    truncateSync(join(folder.path, 'movie'), PAGE_BYTES);
    for (const segmentation of [true, false]) {
      batch.addUdpRun({ fd: sender.fd, plan: good, packets: 1 }, sink.address);
      batch.addUdpRun({ fd: sender.fd, plan, first: 10, packets: 10 }, sink.address, segmentation);
      batch.addUdpRun({ fd: sender.fd, plan: good, packets: 1 }, sink.address);
      expect(batch.flush()).toEqual([[1, -EFAULT]]);
      expect(sink.take(2).map(({ length }) => length)).toEqual([1012, 1012]);
    }
    native.fileClose(whole.id);
  });

  it('gives EFAULT for its row and leaves other streams alone (TCP)', () => {
    const tcp = new TcpPair();
    const other = new TcpPair();
    const plan = batch.native.addPlan(makePlan(packets), file.id);
    ftruncateSync(openForWriting(), 0);
    batch.addInterleavedRun({ fd: tcp.server, plan, packets: 3 }, 0);
    batch.addStreamBytes(other.server, 0, 5);
    expect(batch.flush()).toEqual([[0, -EFAULT]]);
    expect(other.takeExactly(5).length).toBe(5);
    for (const pair of [tcp, other]) pair.closeBoth();
  });

  function openForWriting(): number {
    const fd = openSync(join(folder.path, 'movie'), 'r+');
    opened.push(fd);
    return fd;
  }
  const opened: number[] = [];
  afterAll(() => {
    for (const fd of opened) native.socketClose(fd);
  });
});
