import { MediaError } from '@finch/core/stream/media-error';
import type { MovieIndex } from '@finch/file-vod/containers/container';
import { indexMp4 } from '@finch/file-vod/containers/mp4/mp4-demuxer';
import fc from 'fast-check';
import {
  audioTrack,
  box,
  editList,
  fullBox,
  join,
  MemoryReader,
  u32,
  videoTrack,
  writeMovie,
  zeros,
} from '../../../../support/mp4-writer';

const tracks = [
  videoTrack({
    edts: editList([
      [200, -1],
      [200, 2560],
      [100, 0],
    ]),
    samples: videoTrack().samples.map((s) => ({ ...s, cts: 512 })),
  }),
  audioTrack({ edts: editList([[0, 1024]], 1) }),
];
const mvex = box('mvex', fullBox('trex', 0, 0, u32(1, 1, 512, 20, 0)));
const moof = box(
  'moof',
  fullBox('mfhd', 0, 0, u32(1)),
  box(
    'traf',
    fullBox('tfhd', 0, 0x20000, u32(1)),
    fullBox('tfdt', 0, 0, u32(5120)),
    fullBox('trun', 1, 0xb01, u32(2, 120, 512, 20, 0, 512, 20, 0)),
  ),
);
const seeds: [string, Buffer][] = [
  ['a plain file', writeMovie({ tracks })],
  ['a file with moov last', writeMovie({ tracks, moovLast: true, mdat: 'large' })],
  ['a fragmented file', join(writeMovie({ tracks, moovTail: mvex }), moof, box('mdat', zeros(40)))],
];

/** Indexes; a MediaError is an answer, anything else is a bug. */
function attempt(bytes: Uint8Array): MovieIndex | undefined {
  try {
    return indexMp4(new MemoryReader(bytes));
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}

/** What everybody may rely on, whatever the file said. */
function requireSound(movie: MovieIndex, fileBytes: number): void {
  expect(movie.tracks.length).toBeGreaterThan(0);
  expect(Number.isSafeInteger(movie.durationUs) && movie.durationUs >= 0).toBe(true);
  for (const { track, frames } of movie.tracks) {
    expect(Number.isSafeInteger(track.bitRateBps) && track.bitRateBps >= 0).toBe(true);
    expect(frames.length).toBeGreaterThan(0);
    expect(frames.length).toBeLessThanOrEqual(fileBytes * 4);
    expect(frames.keyFrames.length).toBeGreaterThan(0);
    let lastUs = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < frames.length; i++) {
      const end = frames.offsets[i]! + frames.sizes[i]!;
      if (!(frames.sizes[i]! > 0 && frames.offsets[i]! >= 0 && end <= fileBytes))
        throw new Error(`frame ${i} is outside`);
      if (!Number.isSafeInteger(frames.ptsTicks[i]))
        throw new Error(`frame ${i} has pts ${frames.ptsTicks[i]}`);
      if (!(frames.dtsUs[i]! >= lastUs)) throw new Error(`frame ${i} goes back in time`);
      lastUs = frames.dtsUs[i]!;
    }
  }
}

describe('hostile files', () => {
  it.each(seeds)('%s plays before it is bent', (_, seed) => {
    const movie = attempt(seed);
    expect(movie?.tracks).toHaveLength(2);
    requireSound(movie!, seed.length);
  });

  it.each(seeds)(
    '%s with flipped bits and overwritten words gives a sound index or a MediaError',
    (_, seed) => {
      const words = fc.constantFrom(0, 1, 2, 7, 8, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 1000);
      const change = fc.record({ at: fc.nat(seed.length - 5), word: fc.option(words), bit: fc.nat(7) });
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
          const bytes = Buffer.from(seed);
          for (const { at, word, bit } of changes) {
            if (word === null) bytes[at]! ^= 1 << bit;
            else bytes.writeUInt32BE(word, at);
          }
          const movie = attempt(bytes);
          if (movie !== undefined) requireSound(movie, bytes.length);
        }),
        { numRuns: 700 },
      );
    },
  );

  it('a plain file cut off anywhere gives a sound index or a MediaError', () => {
    const seed = seeds[0]![1];
    for (let length = 0; length < seed.length; length += 3) {
      const movie = attempt(seed.subarray(0, length));
      if (movie !== undefined) requireSound(movie, length);
    }
  });

  it('random bytes, alone and as the body of a moov, give a MediaError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(attempt(bytes)).toBeUndefined();
        expect(attempt(box('moov', box('trak', bytes)))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe('the work that a small file can ask for', () => {
  it('is bounded for runs of samples that take no byte, however often they are claimed', () => {
    const run = fullBox('trun', 0, 0, u32(1_000_000));
    const claims = box(
      'moof',
      box('traf', fullBox('tfhd', 0, 0x10, u32(1, 0)), Array<Buffer>(500).fill(run)),
    );
    const movie = { tracks: [videoTrack({ samples: [] })], moovTail: mvex };
    expect(() => indexMp4(new MemoryReader(join(writeMovie(movie), claims)))).toThrow(
      '1000000 samples of one size, expected 0 more at most in this movie',
    );
  });

  it('is bounded over all tracks together for samples of one size', () => {
    const stbl = {
      stsz: fullBox('stsz', 0, 0, u32(1, 400_000)),
      stsc: fullBox('stsc', 0, 0, u32(1, 1, 400_000, 1)),
      stts: fullBox('stts', 0, 0, u32(1, 400_000, 1)),
      stss: '',
      // Nearly all lie beyond the end, which costs no memory but counts.
      stco: fullBox('stco', 0, 0, u32(1, 499_990)),
    };
    const claims = [1, 2, 3].map((id) => videoTrack({ id, samples: [{ size: 1, duration: 1 }], stbl }));
    const bytes = writeMovie({ tracks: claims });
    const reader = {
      name: 'sparse.mp4',
      sizeBytes: 500_000,
      read: (position: number, length: number) =>
        position < bytes.length ? bytes.subarray(position, position + length) : Buffer.alloc(length),
    };
    const movie = indexMp4(reader);
    expect(movie.tracks.map(({ frames }) => frames.length)).toEqual([10, 10]);
    expect(movie.warnings).toContain(
      'track 3: 400000 samples of one size, expected 200000 more at most in this movie',
    );
  });

  it('is bounded for tracks that nobody declared', () => {
    const run = fullBox('trun', 0, 0, u32(1_000_000));
    const claims = box(
      'moof',
      box('traf', fullBox('tfhd', 0, 0x10, u32(9, 0)), Array<Buffer>(50_000).fill(run)),
    );
    expect(attempt(join(writeMovie({ tracks, moovTail: mvex }), claims))?.tracks).toHaveLength(2);
  });
});
