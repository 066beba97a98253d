import { indexMp4 } from '@finch/file-vod/containers/mp4/mp4-demuxer';
import {
  audioTrack,
  box,
  esds,
  fullBox,
  largeBox,
  MemoryReader,
  samples,
  soundEntry,
  type TestMovie,
  type TestTrack,
  tableBox,
  u8,
  u16,
  u32,
  u64,
  videoTrack,
  writeMovie,
  zeros,
} from '../../../../support/mp4-writer';
import { one } from './indexed';

/** Each frame as the number that its bytes are filled with. */
function contents(movie: TestMovie, track = 0): (number | undefined)[] {
  const bytes = writeMovie(movie);
  const { frames } = indexMp4(new MemoryReader(bytes)).tracks[track]!;
  return [...frames.offsets].map((offset, i) => {
    const frame = bytes.subarray(offset, offset + frames.sizes[i]!);
    return frame.every((byte) => byte === frame[0]) ? frame[0] : undefined;
  });
}

const counted = Array.from({ length: 10 }, (_, i) => i);

describe('where things lie', () => {
  const track = videoTrack();
  const rows = track.samples.map(({ size }) => size);
  const stsz2 = (bits: number, body: Uint8Array) => fullBox('stz2', 0, 0, u32(bits, rows.length), body);
  const table: [string, TestMovie][] = [
    ['moov first', { tracks: [track] }],
    ['moov last', { tracks: [track], moovLast: true }],
    ['a 64-bit mdat (§4.2)', { tracks: [track], mdat: 'large', moovLast: true }],
    ['an mdat of size 0, to the end (§4.2)', { tracks: [track], mdat: 'to-the-end' }],
    ['version 1 headers', { tracks: [videoTrack({ version: 1 })] }],
    [
      'free, wide, skip and uuid boxes',
      { tracks: [track], head: [box('wide'), box('free', zeros(3)), box('skip'), box('uuid', zeros(16))] },
    ],
    ['64-bit empty boxes', { tracks: [track], head: [box('ftyp', 'qt  '), largeBox('free')] }],
    ['a zero word at the end of moov (QuickTime)', { tracks: [track], moovTail: box('udta', zeros(4)) }],
    ['padding at the end of moov', { tracks: [track], moovTail: zeros(12) }],
    ['one chunk', { tracks: [videoTrack({ samplesPerChunk: 10 })] }],
    ['a sample per chunk', { tracks: [videoTrack({ samplesPerChunk: 1 })] }],
    [
      'co64 (§8.7.5)',
      { tracks: [videoTrack({ stbl: { stco: (o) => fullBox('co64', 0, 0, u32(o.length), u64(...o)) } })] },
    ],
    ['stz2 of 16 bits (§8.7.3.3)', { tracks: [videoTrack({ stbl: { stsz: stsz2(16, u16(...rows)) } })] }],
    ['stz2 of 8 bits (§8.7.3.3)', { tracks: [videoTrack({ stbl: { stsz: stsz2(8, u8(...rows)) } })] }],
    [
      'stz2 of 4 bits (§8.7.3.3)',
      {
        tracks: [
          videoTrack({
            samples: counted.map((i) => ({ size: i % 2 === 0 ? 9 : 5, duration: 512 })),
            stbl: { stsz: stsz2(4, u8(0x95, 0x95, 0x95, 0x95, 0x95)) },
          }),
        ],
      },
    ],
    [
      'one size for all (§8.7.3.2)',
      { tracks: [videoTrack({ stbl: { stsz: fullBox('stsz', 0, 0, u32(20, 10)) } })] },
    ],
    [
      'chunks of different lengths (§8.7.4)',
      {
        tracks: [
          videoTrack({
            stbl: {
              stsc: tableBox('stsc', [
                [1, 3, 1],
                [2, 6, 1],
                [3, 1, 1],
              ]),
              stco: ([first = 0]) => tableBox('stco', [[first], [first + 60], [first + 180]]),
            },
          }),
        ],
      },
    ],
    [
      'an empty run left behind in stsc',
      {
        tracks: [
          videoTrack({
            stbl: {
              stsc: tableBox('stsc', [
                [1, 0, 1],
                [1, 3, 1],
              ]),
            },
          }),
        ],
      },
    ],
  ];

  it.each(table)('finds every frame with %s', (_, movie) => {
    expect(contents(movie)).toEqual(counted);
  });

  it('finds the frames of each of several tracks', () => {
    const movie = { tracks: [track, audioTrack(), audioTrack({ id: 7 })], moovLast: true };
    expect([0, 1, 2].map((i) => contents(movie, i))).toEqual([counted, counted, counted]);
  });
});

describe('times and key frames', () => {
  it('adds composition offsets, also negative ones; no decode time is later than its presentation (§8.6.1.3)', () => {
    const order = [0, 512, -512, 0].map((cts) => ({ size: 4, duration: 512, cts }));
    const { frames } = one(videoTrack({ samples: order }));
    expect([...frames.ptsTicks]).toEqual([0, 7200, 3600, 10800]);
    expect([...frames.dtsUs]).toEqual([-40_000, 0, 40_000, 80_000]);
  });

  it('reads negative offsets out of version 0 too, where writers put them', () => {
    const stbl = {
      ctts: tableBox('ctts', [
        [9, 0],
        [1, 0xfffffe00],
      ]),
    };
    expect(one(videoTrack({ stbl })).frames.ptsTicks[9]).toBe(8 * 3600);
  });

  it.each<[string, TestTrack['stbl'], number[]]>([
    ['every frame without stss (§8.6.2)', { stss: '' }, counted],
    ['those in stss', { stss: tableBox('stss', [[1], [4], [10]]) }, [0, 3, 9]],
    ['frame 0 when stss is empty', { stss: tableBox('stss', []) }, [0]],
    ['none beyond the last', { stss: tableBox('stss', [[1], [999]]) }, [0]],
  ])('takes as key frames %s', (_, stbl, keys) => {
    expect([...one(videoTrack({ stbl: stbl! })).frames.keyFrames]).toEqual(keys);
  });

  it('repeats the last duration where stts ends early', () => {
    expect(one(videoTrack({ stbl: { stts: tableBox('stts', [[2, 512]]) } })).frames.dtsUs[9]).toBe(360_000);
  });

  it('never lets decode times go back', () => {
    const stts = tableBox('stts', [
      [5, 512],
      [1, -256],
      [4, 512],
    ]);
    const dts = [...one(videoTrack({ stbl: { stts } })).frames.dtsUs];
    expect(dts).toEqual([...dts].sort((a, b) => a - b));
  });

  it('counts ticks of 44.1 kHz audio exactly although its timescale is another', () => {
    const entry = soundEntry('mp4a', 0, '', esds(u8(0x12, 0x10)));
    const track = audioTrack({ entries: [entry], timescale: 90000, samples: samples(5, 8, 2090) });
    expect([...one(track).frames.ptsTicks]).toEqual(
      [0, 1, 2, 3, 4].map((i) => Math.round((i * 2090 * 44100) / 90000)),
    );
  });
});
