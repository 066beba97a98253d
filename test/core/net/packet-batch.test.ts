/** The packet batch of a task thread and the backlog of rows that a socket had no room for. */

import { PacketBatch } from '@finch/core';
import { ARENA_BYTES } from '@finch/core/net/packet-batch';
import type { PacketRun } from '@finch/core/net/packet-row';
import { type RegisteredPlan, ROW_WORDS } from '@finch/core/net/packet-row';
import { RowBacklog } from '@finch/core/net/row-backlog';
import type { RefusedRow, RowOwner } from '@finch/core/net/row-owner';
import { SocketAddress } from '@finch/core/net/socket-address';
import { UdpDestination } from '@finch/core/net/udp-destination';
import { type NativeFile, native } from '@finch/native';
import { Folder, patternBytes } from '../../native/file-under-test';
import { makePlan, wireFrame, wirePacket } from '../../native/made-plan';
import { EAGAIN, EFAULT, expectBytes, TcpPair, UdpSink } from '../../native/sockets-under-test';

const MAX_ROWS = 4096;
const bytes = patternBytes(100_000);
const packets = Array.from({ length: 60 }, (_, i) => ({
  prefix: Uint8Array.of(i, i),
  offset: i,
  sizeBytes: 60_000,
}));

let folder: Folder;
let file: NativeFile;
let batch: PacketBatch;

beforeEach(() => {
  folder = new Folder();
  file = folder.map('movie', bytes);
  batch = new PacketBatch();
});
afterEach(() => {
  native.fileClose(file.id);
  batch.close();
  folder.remove();
  expect(native.fileCount()).toBe(0);
});

class Owner implements RowOwner {
  readonly refused: RefusedRow[] = [];
  rowRefused(refused: RefusedRow): void {
    this.refused.push(refused);
  }
}

class Destination extends UdpDestination {
  readonly refused: RefusedRow[] = [];
  rowRefused(refused: RefusedRow): void {
    this.refused.push(refused);
  }
}

function runOf(plan: RegisteredPlan, packetCount: number): PacketRun {
  return { plan, firstPacket: 0, packetCount, ssrc: 1, sequence: 10, payloadType: 96, timestamp: 5 };
}

const address = (sink: UdpSink) => SocketAddress.fromWords(sink.address);

/** Expects that this stream arrives, of which `got` has come. What the kernel holds for a small window comes bit by bit. */
function expectStream(tcp: TcpPair, got: readonly Buffer[], stream: Buffer): void {
  const begun = Buffer.concat(got);
  expectBytes(Buffer.concat([begun, tcp.takeExactly(stream.length - begun.length)]), stream);
}

describe('rows', () => {
  it('leave with the flush, and not before', () => {
    const sink = new UdpSink();
    const owner = new Owner();
    batch.makeRoom(3);
    batch.addDatagram(Uint8Array.of(1, 2, 3), sink.fd, address(sink), owner);
    expect(sink.take(0)).toEqual([]);
    batch.flush();
    expect(sink.take(1)).toEqual([Buffer.of(1, 2, 3)]);
    batch.flush();
    expect(sink.take(0)).toEqual([]);
    expect(owner.refused).toEqual([]);
    sink.close();
  });

  it('flush by themselves when there is no room for another', () => {
    const sink = new UdpSink();
    const owner = new Owner();
    for (let i = 0; i < MAX_ROWS + 1; i++) {
      batch.makeRoom(0);
      batch.addDatagram(new Uint8Array(0), sink.fd, address(sink), owner);
    }
    expect(batch.counters[0]).toBe(MAX_ROWS);
    batch.flush();
    expect(batch.counters[0]).toBe(MAX_ROWS + 1);
    sink.close();
  });

  it('flush by themselves when the arena is full', () => {
    const tcp = new TcpPair();
    const owner = new Owner();
    const half = new Uint8Array(ARENA_BYTES / 2);
    for (let i = 0; i < 2; i++) {
      batch.makeRoom(half.length);
      batch.addStreamBytes(half, tcp.server, owner);
    }
    expect(batch.counters[3]).toBe(0);
    batch.makeRoom(1);
    expect(batch.counters[3]).toBeGreaterThan(0);
    tcp.closeBoth();
  });

  it('longer than the arena are a mistake of the caller', () => {
    expect(() => batch.addStreamBytes(new Uint8Array(ARENA_BYTES + 1), 0, new Owner())).toThrow(RangeError);
  });

  it('that are refused come back to their owners, with what is left of them', () => {
    const tcp = new TcpPair(4096);
    const owner = new Owner();
    const later = new Owner();
    const plan = batch.registerPlan(makePlan(packets), file.id);
    batch.addInterleavedRun(runOf(plan, 60), tcp.server, 0, owner);
    batch.makeRoom(4);
    batch.addStreamBytes(Uint8Array.of(1, 2, 3, 4), tcp.server, later);
    batch.flush();
    const [run] = owner.refused;
    expect(run).toMatchObject({ code: -EAGAIN, plan, rest: null });
    expect(run!.row[4]).toBeLessThanOrEqual(60);
    expect(later.refused).toMatchObject([{ code: -EAGAIN, plan: null, rest: Uint8Array.of(1, 2, 3, 4) }]);
    tcp.closeBoth();
  });

  it('of a file that was truncated come back with EFAULT', () => {
    const sink = new UdpSink();
    const owner = new Destination(address(sink));
    const plan = batch.registerPlan(
      makePlan([{ prefix: new Uint8Array(0), offset: 50_000, sizeBytes: 9 }]),
      file.id,
    );
    folder.write('movie', '');
    batch.addUdpRun(runOf(plan, 1), sink.fd, owner);
    batch.flush();
    expect(owner.refused).toMatchObject([{ code: -EFAULT, plan }]);
    sink.close();
  });

  it('may be added while owners are told', () => {
    const tcp = new TcpPair(4096);
    const sink = new UdpSink();
    const owner: RowOwner = {
      rowRefused: () => {
        batch.makeRoom(1);
        batch.addDatagram(Uint8Array.of(9), sink.fd, address(sink), owner);
      },
    };
    const plan = batch.registerPlan(makePlan(packets), file.id);
    for (let i = 0; i < 3; i++) batch.addInterleavedRun(runOf(plan, 60), tcp.server, 0, owner);
    batch.flush();
    expect(sink.take(0)).toEqual([]);
    batch.flush();
    expect(sink.take(3)).toEqual([Buffer.of(9), Buffer.of(9), Buffer.of(9)]);
    tcp.closeBoth();
    sink.close();
  });
});

describe('a plan', () => {
  it('is refused when it is damaged or its file is closed', () => {
    expect(() => batch.registerPlan(new Uint32Array(8), file.id)).toThrow('it is damaged');
    expect(() => batch.registerPlan(makePlan([]), 0)).toThrow('its file is closed');
  });

  it('that is retired is forgotten with the next flush, once', () => {
    const plan = batch.registerPlan(makePlan(packets), file.id);
    native.fileClose(file.id);
    batch.retirePlan(plan);
    batch.retirePlan(plan);
    expect(native.fileCount()).toBe(1);
    batch.flush();
    expect(native.fileCount()).toBe(0);
  });

  it('that is retired with its rows in the batch sends them first', () => {
    const sink = new UdpSink();
    const owner = new Destination(address(sink));
    const plan = batch.registerPlan(makePlan(packets), file.id);
    batch.addUdpRun(runOf(plan, 2), sink.fd, owner);
    batch.retirePlan(plan);
    batch.flush();
    expect(sink.take(2).length).toBe(2);
    expect(owner.refused).toEqual([]);
    sink.close();
  });

  it('that is retired lives while a row in a backlog names it, and the row is sent', () => {
    const tcp = new TcpPair(4096);
    const backlog = new RowBacklog();
    const owner: RowOwner = { rowRefused: (refused) => backlog.add(refused, owner) };
    const plan = batch.registerPlan(makePlan(packets), file.id);
    native.fileClose(file.id);
    batch.addInterleavedRun(runOf(plan, 60), tcp.server, 0, owner);
    batch.retirePlan(plan);
    batch.flush();
    const pieces: Buffer[] = [];
    while (backlog.length > 0) {
      expect(native.fileCount()).toBe(1);
      pieces.push(tcp.take());
      backlog.sendAgain(batch);
      batch.flush();
    }
    expect(native.fileCount()).toBe(0);
    const run = { fd: 0, plan: 0, packets: 60, ssrc: 1, sequence: 10, timestamp: 5 };
    const wire = Buffer.concat(packets.map((packet, i) => wireFrame(0, wirePacket(packet, bytes, run, i))));
    expectStream(tcp, pieces, wire);
    tcp.closeBoth();
  });

  it('is free when the backlog that names it is cleared', () => {
    const backlog = new RowBacklog();
    const owner = new Owner();
    const plan = batch.registerPlan(makePlan(packets), file.id);
    native.fileClose(file.id);
    backlog.add({ row: new Uint32Array(ROW_WORDS), plan, rest: null }, owner);
    batch.retirePlan(plan);
    batch.flush();
    expect([backlog.length, plan.holders, native.fileCount()]).toEqual([1, 1, 1]);
    backlog.clear();
    batch.flush();
    expect([backlog.length, plan.holders, native.fileCount()]).toEqual([0, 0, 0]);
  });
});

describe('a backlog', () => {
  it('keeps its order when the batch is full in the middle of it', () => {
    const tcp = new TcpPair(4096);
    const backlog = new RowBacklog();
    const owner: RowOwner = { rowRefused: (refused) => backlog.add(refused, owner) };
    const pieces = Array.from({ length: 12 }, (_, i) => patternBytes(ARENA_BYTES / 2 + 1, i));
    // Each piece fills more than half of the arena: every one of them flushes the one before.
    for (const piece of pieces) {
      batch.makeRoom(piece.length);
      if (backlog.length === 0) batch.addStreamBytes(piece, tcp.server, owner);
      else backlog.add({ row: streamRow(tcp.server), plan: null, rest: piece }, owner);
    }
    batch.flush();
    const got: Buffer[] = [];
    let reads = 0;
    while (backlog.length > 0) {
      backlog.sendAgain(batch);
      // Room appears between the flushes of one round, too, when the peer reads meanwhile.
      got.push(tcp.take(reads++ % 3 === 0 ? 200_000 : Infinity));
      batch.flush();
    }
    expectStream(tcp, got, Buffer.concat(pieces));
    tcp.closeBoth();
  });

  function streamRow(fd: number): Uint32Array {
    const row = new Uint32Array(ROW_WORDS);
    row.set([4, fd]);
    return row;
  }
});

describe('a backlog whose socket gets room between two flushes', () => {
  it('is not overtaken by its own later rows', () => {
    const tcp = new TcpPair(4096);
    const backlog = new RowBacklog();
    const got: Buffer[] = [];
    const owner: RowOwner = {
      rowRefused: (refused) => {
        backlog.add(refused, owner);
        got.push(tcp.take()); // the peer reads right now
      },
    };
    const pieces = Array.from({ length: 8 }, (_, i) => patternBytes(ARENA_BYTES, i));
    for (const rest of pieces) {
      const row = new Uint32Array(ROW_WORDS);
      row.set([4, tcp.server]);
      backlog.add({ row, plan: null, rest }, owner);
    }
    while (backlog.length > 0) {
      backlog.sendAgain(batch);
      batch.flush();
    }
    expectStream(tcp, got, Buffer.concat(pieces));
    tcp.closeBoth();
  });
});
