/** The addon's packet batch: runs copied for streams that it does not write itself. */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { type NativeFile, native } from '@finch/native';
import fc from 'fast-check';
import { Folder, patternBytes } from './file-under-test';
import { MadeBatch, type MadePacket, makePlan, wireFrame, wirePacket } from './made-plan';
import { EFAULT, EINVAL, expectBytes } from './sockets-under-test';

const ENOBUFS = 105;
const bytes = patternBytes(100_000);
const CHANNEL = 6;

let folder: Folder;
let file: NativeFile;
let batch: MadeBatch;

beforeEach(() => {
  folder = new Folder();
  file = folder.map('movie', bytes);
  batch = new MadeBatch();
});
afterEach(() => {
  native.fileClose(file.id);
  batch.native.close();
  folder.remove();
});

const packetOf = (offset: number, sizeBytes: number, prefixBytes: number): MadePacket => ({
  prefix: patternBytes(prefixBytes),
  offset,
  sizeBytes,
});

function rowOf(packets: readonly MadePacket[], first = 0): Uint32Array {
  const plan = batch.native.addPlan(makePlan(packets), file.id);
  const run = {
    fd: 0,
    plan,
    first,
    packets: packets.length - first,
    ssrc: 7,
    sequence: 65_534,
    timestamp: 9,
  };
  return batch.addInterleavedRun(run, CHANNEL);
}

function framesOf(packets: readonly MadePacket[], plan: number): Buffer {
  const run = { fd: 0, plan, packets: packets.length, ssrc: 7, sequence: 65_534, timestamp: 9 };
  return Buffer.concat(packets.map((packet, i) => wireFrame(CHANNEL, wirePacket(packet, bytes, run, i))));
}

/** All of a run, through a piece of memory of `roomBytes`. */
function copyAll(row: Uint32Array, roomBytes: number): Buffer {
  const into = new Uint8Array(roomBytes);
  const pieces: Buffer[] = [];
  while (row[4]! > 0) {
    const length = batch.native.copyRun(row, into);
    expect(length).toBeGreaterThan(0);
    pieces.push(Buffer.from(into.subarray(0, length)));
  }
  return Buffer.concat(pieces);
}

describe('copyRun', () => {
  it('gives the frames of RFC 2326 §10.12, whatever the packets and the room', () => {
    const packet = fc.record({
      offset: fc.integer({ min: 0, max: 90_000 }),
      sizeBytes: fc.integer({ min: 0, max: 2000 }),
      prefixBytes: fc.integer({ min: 0, max: 200 }),
    });
    const packets = fc.array(packet, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(packets, fc.integer({ min: 2300, max: 10_000 }), (made, roomBytes) => {
        const list = made.map(({ offset, sizeBytes, prefixBytes }) =>
          packetOf(offset, sizeBytes, prefixBytes),
        );
        const row = rowOf(list);
        expectBytes(copyAll(row, roomBytes), framesOf(list, row[2]!));
        batch.used = 0;
      }),
      { numRuns: 50 },
    );
  });

  it('reads slices that lie side by side by one call', () => {
    const packets = Array.from({ length: 10 }, (_, i) => packetOf(1000 * i, 1000, 2));
    const row = rowOf(packets);
    expectBytes(copyAll(row, 20_000), framesOf(packets, row[2]!));
    expect(batch.counts).toMatchObject({ packets: 10, systemCalls: 1 });
  });

  it('takes a run of more packets than one gathering holds', () => {
    const packets = Array.from({ length: 1000 }, (_, i) => packetOf(i * 3, 3, 1));
    const row = rowOf(packets);
    expectBytes(copyAll(row, 100_000), framesOf(packets, row[2]!));
  });

  it('refuses what is no run of this batch', () => {
    const row = rowOf([packetOf(0, 10, 0)]);
    const into = new Uint8Array(100);
    expect(batch.native.copyRun(Uint32Array.from({ ...row, length: 16, 2: 99 }), into)).toBe(-EINVAL);
    expect(batch.native.copyRun(Uint32Array.from({ ...row, length: 16, 3: 1 }), into)).toBe(-EINVAL);
    expect(batch.native.copyRun(row.slice(0, 8), into)).toBe(-EINVAL);
    expect(batch.native.copyRun(row, new Uint8Array(25))).toBe(-ENOBUFS);
    expect(batch.native.copyRun(row, new Uint8Array(26))).toBe(26);
  });

  it('tells when the file is shorter than it was', () => {
    const row = rowOf([packetOf(0, 10, 0), packetOf(50_000, 10, 0)]);
    truncateSync(join(folder.path, 'movie'), 100);
    expect(batch.native.copyRun(row, new Uint8Array(100))).toBe(-EFAULT);
  });
});
