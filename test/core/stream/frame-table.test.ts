/** The index of a track: columns in one shared memory, and the two searches over them. */
import { Worker } from 'node:worker_threads';
import { FrameTable } from '@finch/core/stream/frame-table';
import fc from 'fast-check';

function tableOf(dtsUs: readonly number[], keyFrames: readonly number[] = []): FrameTable {
  const table = FrameTable.allocate(dtsUs.length, keyFrames.length);
  table.dtsUs.set(dtsUs);
  table.keyFrames.set(keyFrames);
  return table;
}

describe('allocate', () => {
  it('gives columns of zeros that do not overlap', () => {
    const table = FrameTable.allocate(3, 2);
    table.offsets.fill(2 ** 53 - 1);
    table.dtsUs.fill(-1.5);
    table.ptsTicks.fill(-3);
    table.sizes.fill(2 ** 31 - 1);
    table.keyFrames.set([0, 2]);
    expect([...table.offsets]).toEqual(new Array(3).fill(2 ** 53 - 1));
    expect([...table.dtsUs]).toEqual([-1.5, -1.5, -1.5]);
    expect([...table.ptsTicks]).toEqual([-3, -3, -3]);
    expect([...table.sizes]).toEqual(new Array(3).fill(2 ** 31 - 1));
    expect([...table.keyFrames]).toEqual([0, 2]);
    expect(table.memory.byteLength).toBe(3 * 28 + 2 * 4);
  });

  it.each([
    [-1, 0, 'length must be 0 or more: -1'],
    [1.5, 0, 'length must be 0 or more: 1.5'],
    [Number.NaN, 0, 'length must be 0 or more: NaN'],
    [0, -1, 'keyFrameCount must be 0 or more: -1'],
    [0, Infinity, 'keyFrameCount must be 0 or more: Infinity'],
  ])('refuses %d frames and %d key frames', (length, keyFrameCount, message) => {
    expect(() => FrameTable.allocate(length, keyFrameCount)).toThrow(new RangeError(message));
  });
});

describe('share and attach', () => {
  it('give the same memory', () => {
    const table = tableOf([1, 2, 3], [0, 1]);
    const other = FrameTable.attach(table.share());
    table.dtsUs[1] = 42;
    expect([other.length, [...other.dtsUs], [...other.keyFrames]]).toEqual([3, [1, 42, 3], [0, 1]]);
  });

  it('cross threads without a copy', async () => {
    const table = tableOf([1, 2, 3], [0, 1]);
    const code = `
      const { FrameTable } = require(${JSON.stringify(require.resolve('@finch/core/stream/frame-table'))});
      const { workerData } = require('node:worker_threads');
      FrameTable.attach(workerData).dtsUs[2] = 99;`;
    const worker = new Worker(code, { eval: true, workerData: table.share() });
    expect(await new Promise((resolve) => worker.once('exit', resolve))).toBe(0);
    expect([...table.dtsUs]).toEqual([1, 2, 99]);
  });
});

describe('frameAtOrBefore', () => {
  it.each([
    [[], 5, 0],
    [[0, 10, 20], -1, 0],
    [[0, 10, 20], 0, 0],
    [[0, 10, 20], 9.9, 0],
    [[0, 10, 20], 10, 1],
    [[0, 10, 20], 1e12, 2],
    [[0, 10, 10, 10, 20], 10, 3], // the last of equal ones
    [[-20, -10, 0], -10, 1],
  ])('%j at %d is %d', (dtsUs, timeUs, frame) => {
    expect(tableOf(dtsUs).frameAtOrBefore(timeUs)).toBe(frame);
  });
});

describe('keyFrameAtOrBefore', () => {
  it.each([
    [[], 3, 0],
    [[0], 3, 0],
    [[0, 5, 9], 4, 0],
    [[0, 5, 9], 5, 5],
    [[0, 5, 9], 8, 5],
    [[0, 5, 9], 100, 9],
    [[4, 8], 2, 4], // none before: the first one
  ])('%j at frame %d is %d', (keyFrames, frame, keyFrame) => {
    expect(tableOf(new Array(10).fill(0), keyFrames).keyFrameAtOrBefore(frame)).toBe(keyFrame);
  });
});

describe('the searches', () => {
  it('find what looking through all finds (property)', () => {
    const ascending = fc.array(fc.integer({ min: -100, max: 100 })).map((all) => all.sort((a, b) => a - b));
    fc.assert(
      fc.property(ascending, fc.integer({ min: -120, max: 120 }), (times, timeUs) => {
        const wanted = Math.max(
          times.findLastIndex((time) => time <= timeUs),
          0,
        );
        expect(tableOf(times).frameAtOrBefore(timeUs)).toBe(wanted);
      }),
    );
  });
});
