import { MAX_CHUNK_BYTES, WindowedReader } from '@finch/rtp/windowed-reader';
import fc from 'fast-check';
import { readerOf } from './made-up-movie';

const FILE = Uint8Array.from({ length: 1000 }, (_, index) => (index * 13) & 0xff);

function countingReader(endBytes = FILE.length, chunkBytes = 100) {
  const reads: [number, number][] = [];
  const reader = new WindowedReader(
    (position, length) => {
      reads.push([position, length]);
      return readerOf(FILE)(position, length);
    },
    endBytes,
    chunkBytes,
  );
  return { reader, reads };
}

describe('WindowedReader', () => {
  it('serves reads near each other from one positioned read', () => {
    const { reader, reads } = countingReader();
    for (const offset of [10, 14, 90, 50]) reader.read(offset, 5);
    expect(reads).toEqual([[10, 100]]);
  });

  it('moves its window when a read leaves it at either end', () => {
    const { reader, reads } = countingReader();
    for (const offset of [10, 108, 9]) reader.read(offset, 5);
    expect(reads).toEqual([
      [10, 100],
      [108, 100],
      [9, 100],
    ]);
  });

  it('doesn´t read ahead beyond the end of the run, and reads more than a chunk when asked to', () => {
    const { reader, reads } = countingReader(120);
    reader.read(100, 5);
    reader.read(200, 150);
    expect(reads).toEqual([
      [100, 20],
      [200, 150],
    ]);
  });

  it('gives any slice of the file, cut where the file ends', () => {
    const { reader } = countingReader();
    fc.assert(
      fc.property(fc.nat(1100), fc.nat(300), (offset, length) => {
        expect([...reader.read(offset, length)]).toEqual([...FILE.subarray(offset, offset + length)]);
      }),
    );
  });

  it.each([
    ['offset', -1, 1],
    ['offset', 2 ** 60, 1],
    ['length', 0, -1],
    ['length', 0, MAX_CHUNK_BYTES + 1],
  ])('rejects %s outside its range', (name, offset, length) => {
    expect(() => countingReader().reader.read(offset, length)).toThrow(new RegExp(`^${name} must be`));
  });

  it('rejects a chunk outside its range', () => {
    expect(() => new WindowedReader(readerOf(FILE), 1, MAX_CHUNK_BYTES + 1)).toThrow(/^chunkBytes/);
  });
});
