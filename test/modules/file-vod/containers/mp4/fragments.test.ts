import type { MovieIndex } from '@finch/file-vod/containers/container';
import { indexMp4 } from '@finch/file-vod/containers/mp4/mp4-demuxer';
import {
  audioTrack,
  box,
  editList,
  fullBox,
  join,
  MemoryReader,
  type Part,
  type TestMovie,
  u32,
  u64,
  videoTrack,
  writeMovie,
  zeros,
} from '../../../../support/mp4-writer';

const MOOF_BASE = 0x20000;
const KEY = 0x2000000;
const DELTA = 0x1010000;

const trex = (id: number, duration: number, size: number, flags: number): Buffer =>
  fullBox('trex', 0, 0, u32(id, 1, duration, size, flags));
const mvex = box('mvex', trex(1, 512, 20, DELTA), trex(2, 1024, 8, KEY));
const tfhd = (id: number, flags = MOOF_BASE, ...fields: Part[]): Buffer =>
  fullBox('tfhd', 0, flags, u32(id), fields);
const tfdt = (time: number): Buffer => fullBox('tfdt', 1, 0, u64(time));
const traf = (...boxes: Part[]): Buffer => box('traf', ...boxes);
const moof = (...trafs: Part[]): Buffer => box('moof', fullBox('mfhd', 0, 0, u32(1)), ...trafs);

const declared: TestMovie = {
  tracks: [videoTrack({ samples: [] }), audioTrack({ samples: [] })],
  moovTail: mvex,
};

/** A file of a moov and fragments, each with that many bytes of media. */
function fragmented(fragments: readonly (readonly [Buffer, number])[], movie = declared): Buffer {
  return join(
    writeMovie(movie),
    fragments.map(([moofBox, bytes]) => [moofBox, box('mdat', zeros(bytes))]),
  );
}

const index = (bytes: Uint8Array): MovieIndex => indexMp4(new MemoryReader(bytes));
/** Offset of the first fragment's media from its moof. */
const mediaAt = (first: Buffer): number => first.length + 8;

/** A run of 3 frames of 20 bytes whose media follows the moof that `make` builds. */
function threeFrames(make: (dataOffset: number) => Buffer): Buffer {
  return make(mediaAt(make(0)));
}

const frames = (movie: MovieIndex, track = 0) => movie.tracks[track]!.frames;

describe('fragments (ISO/IEC 14496-12 §8.8)', () => {
  const start = writeMovie(declared).length;

  it('take what they leave out from trex; the first frame has flags of its own', () => {
    const first = threeFrames((at) => moof(traf(tfhd(1), tfdt(0), fullBox('trun', 0, 0x5, u32(3, at, KEY)))));
    const movie = index(fragmented([[first, 60]]));
    const { offsets, sizes, ptsTicks, keyFrames } = frames(movie);
    expect([...offsets]).toEqual([0, 20, 40].map((at) => start + mediaAt(first) + at));
    expect([[...sizes], [...ptsTicks], [...keyFrames]]).toEqual([[20, 20, 20], [0, 3600, 7200], [0]]);
    expect(movie.warnings).toEqual(['track 2: no frames']);
  });

  it('take it from tfhd before trex', () => {
    const fields = u32(256, 10, KEY);
    const first = threeFrames((at) =>
      moof(traf(tfhd(1, MOOF_BASE | 0x38, fields), fullBox('trun', 0, 0x1, u32(3, at)))),
    );
    const { sizes, ptsTicks, keyFrames } = frames(index(fragmented([[first, 60]])));
    expect([[...sizes], [...ptsTicks], [...keyFrames]]).toEqual([
      [10, 10, 10],
      [0, 1800, 3600],
      [0, 1, 2],
    ]);
  });

  it('take it from the rows of trun before both, with signed composition offsets', () => {
    const rows = u32(512, 5, KEY, 512, 256, 6, DELTA, 512, 256, 7, DELTA, -256);
    const first = threeFrames((at) => moof(traf(tfhd(1), fullBox('trun', 1, 0xf01, u32(3, at), rows))));
    const { sizes, ptsTicks, dtsUs, keyFrames } = frames(index(fragmented([[first, 60]])));
    expect([[...sizes], [...ptsTicks], [...keyFrames]]).toEqual([[5, 6, 7], [3600, 7200, 3600], [0]]);
    expect([...dtsUs]).toEqual([-20_000, 20_000, 40_000]);
  });

  it('go on at the time of tfdt, or where the track stands without one (§8.8.12)', () => {
    const run = (time?: number) =>
      threeFrames((at) =>
        moof(traf(tfhd(1), time === undefined ? '' : tfdt(time), fullBox('trun', 0, 0x1, u32(3, at)))),
      );
    const movie = index(
      fragmented([
        [run(0), 60],
        [run(), 60],
        [run(12800), 60],
      ]),
    );
    expect([...frames(movie).dtsUs].map((us) => us / 40_000)).toEqual([0, 1, 2, 3, 4, 5, 25, 26, 27]);
    expect(movie.durationUs).toBe(1_120_000);
  });

  it('lie behind each other without data offsets, traf after traf (§8.8.7.1)', () => {
    const first = moof(
      traf(tfhd(1, 0x1, u64(start + 500)), fullBox('trun', 0, 0, u32(2)), fullBox('trun', 0, 0, u32(1))),
      traf(tfhd(2, 0), fullBox('trun', 0, 0, u32(2))),
    );
    const movie = index(fragmented([[first, 900]]));
    expect([...frames(movie).offsets]).toEqual([500, 520, 540].map((at) => start + at));
    expect([...frames(movie, 1).offsets]).toEqual([560, 568].map((at) => start + at));
  });

  it('add to the samples of a moov (hybrid files)', () => {
    const movie: TestMovie = { tracks: [videoTrack()], moovTail: mvex };
    const run = threeFrames((at) => moof(traf(tfhd(1), fullBox('trun', 0, 0x1, u32(3, at)))));
    const indexed = frames(index(fragmented([[run, 60]], movie)));
    expect([indexed.length, indexed.ptsTicks[12], [...indexed.keyFrames]]).toEqual([13, 12 * 3600, [0, 5]]);
  });

  it('may be for tracks that are not played, or that nobody declared', () => {
    const first = threeFrames((at) =>
      moof(
        traf(tfhd(9), fullBox('trun', 0, 0, u32(0xfff))),
        traf(tfhd(1), fullBox('trun', 0, 0x1, u32(3, at))),
      ),
    );
    expect(frames(index(fragmented([[first, 60]]))).length).toBe(3);
  });

  it('of a live recording start at 0, all tracks moved by the same whole seconds', () => {
    const later = 1_700_000_000;
    const first = threeFrames((at) =>
      moof(
        traf(tfhd(1), tfdt(later * 12800 + 512), fullBox('trun', 0, 0x1, u32(3, at))),
        traf(tfhd(2), tfdt(later * 48000 + 4800), fullBox('trun', 0, 0x1, u32(3, at))),
      ),
    );
    const movie = index(fragmented([[first, 60]]));
    expect([frames(movie).ptsTicks[0], frames(movie, 1).ptsTicks[0]]).toEqual([3600, 4800]);
  });

  it('keep the media time of their edit list, whose end is not believed', () => {
    const tracks = [videoTrack({ samples: [], edts: editList([[1, 512]]) })];
    const run = threeFrames((at) => moof(traf(tfhd(1), tfdt(0), fullBox('trun', 0, 0x5, u32(3, at, KEY)))));
    expect([...frames(index(fragmented([[run, 60]], { tracks, moovTail: mvex }))).ptsTicks]).toEqual([
      -3600, 0, 3600,
    ]);
  });

  it('that go far back in time go on instead', () => {
    const run = (time: number) =>
      threeFrames((at) => moof(traf(tfhd(1), tfdt(time), fullBox('trun', 0, 0x1, u32(3, at)))));
    const { dtsUs } = frames(
      index(
        fragmented([
          [run(0), 60],
          [run(128_000), 60],
          [run(0), 60],
        ]),
      ),
    );
    expect(dtsUs[6]).toBe(10_120_000);
  });

  const good = threeFrames((at) => moof(traf(tfhd(1), tfdt(0), fullBox('trun', 0, 0x1, u32(3, at)))));
  it.each<[string, Buffer, string]>([
    [
      'a run of 2^32-1 rows',
      moof(traf(tfhd(1), fullBox('trun', 0, 0x200, u32(0xffffffff, 1)))),
      'trun claims 4294967295 samples, expected 1 at most',
    ],
    [
      'a run of 2^32-1 samples without rows',
      moof(traf(tfhd(1), fullBox('trun', 0, 0, u32(0xffffffff)))),
      'trun claims 4294967295 samples, expected ',
    ],
    [
      '2^32-1 samples without bytes',
      moof(traf(tfhd(1, 0x10, u32(0)), fullBox('trun', 0, 0, u32(0xffffffff)))),
      'trun claims 4294967295 samples, expected 1000000 at most',
    ],
    [
      'data before the file',
      moof(traf(tfhd(1), fullBox('trun', 0, 0x1, u32(1, 0x80000000)))),
      'trun has its data at byte -2147',
    ],
    [
      'a decode time of 2^64-1',
      moof(traf(tfhd(1), fullBox('tfdt', 1, 0, u64(-1)), fullBox('trun', 0, 0, u32(1)))),
      'tfdt has decode time 18446744073709552000, beyond 2^53',
    ],
    ['no tfhd', moof(traf(tfdt(0))), 'traf has no tfhd box'],
    ['a box that is too large', box('moof', u32(9999), 'traf'), 'traf in moof is 9999 bytes, expected 8..8'],
  ])('end at one with %s; what came before plays', (_, bad, reason) => {
    const movie = index(
      fragmented([
        [good, 60],
        [bad, 60],
        [good, 60],
      ]),
    );
    expect(frames(movie).length).toBe(3);
    const position = start + good.length + 68;
    expect(movie.warnings[0]).toContain(`fragment at byte ${position}: ${reason}`);
    expect(movie.warnings[0]).toContain('; the movie ends before it');
  });

  it('whose media is cut off play as far as they go', () => {
    const bytes = fragmented([
      [good, 60],
      [good, 60],
    ]);
    expect(frames(index(bytes.subarray(0, bytes.length - 30))).length).toBe(4);
  });

  it('that are missing make the file broken', () => {
    expect(() => index(writeMovie(declared))).toThrow('test.mp4: track 1: no frames; track 2: no frames');
  });

  it('without a moov make the file broken', () => {
    expect(() => index(join(good, box('mdat', zeros(60))))).toThrow('no moov box');
  });
});
