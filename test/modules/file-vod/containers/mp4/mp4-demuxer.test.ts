import { MediaError } from '@finch/core/stream/media-error';
import type { IndexedTrack, MovieIndex } from '@finch/file-vod/containers/container';
import { indexMp4 } from '@finch/file-vod/containers/mp4/mp4-demuxer';
import {
  AAC_CONFIG,
  audioTrack,
  avc1,
  avcC,
  box,
  esds,
  fullBox,
  join,
  largeBox,
  MemoryReader,
  PPS,
  SPS,
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
  visualEntry,
  writeMovie,
  zeros,
} from '../../../../support/mp4-writer';

const index = (movie: TestMovie): MovieIndex => indexMp4(new MemoryReader(writeMovie(movie)));
const one = (track: TestTrack): IndexedTrack => index({ tracks: [track] }).tracks[0]!;

function refusal(bytes: Uint8Array): string {
  try {
    indexMp4(new MemoryReader(bytes));
  } catch (error) {
    if (error instanceof MediaError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'played';
}

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

describe('a plain movie', () => {
  const movie = index({ tracks: [videoTrack(), audioTrack({ language: 'deu' })] });

  it('describes the video track (ISO/IEC 14496-15 §5.3.3)', () => {
    expect(movie.tracks[0]!.track).toEqual({
      id: 1,
      kind: 'video',
      config: {
        codec: 'h264',
        sps: [new Uint8Array(SPS)],
        pps: [new Uint8Array(PPS)],
        nalLengthSizeBytes: 4,
      },
      clockRateHz: 90000,
      language: 'eng',
      bitRateBps: 4000,
      width: 640,
      height: 360,
    });
  });

  it('describes the audio track (ISO/IEC 14496-3 §1.6.2.1)', () => {
    expect(movie.tracks[1]!.track).toEqual({
      id: 2,
      kind: 'audio',
      config: {
        codec: 'aac',
        audioSpecificConfig: new Uint8Array(AAC_CONFIG),
        sampleRateHz: 48000,
        channels: 2,
        samplesPerFrame: 1024,
      },
      clockRateHz: 48000,
      language: 'deu',
      bitRateBps: 3000,
    });
  });

  it('times every frame in microseconds and RTP ticks, and names the key frames', () => {
    const { frames } = movie.tracks[0]!;
    expect([...frames.dtsUs]).toEqual(counted.map((i) => i * 40_000));
    expect([...frames.ptsTicks]).toEqual(counted.map((i) => i * 3600));
    expect([...frames.keyFrames]).toEqual([0, 5]);
    expect([...movie.tracks[1]!.frames.ptsTicks]).toEqual(counted.map((i) => i * 1024));
    expect(movie.tracks[1]!.frames.keyFrames).toHaveLength(10);
    expect(movie.durationUs).toBe(400_000);
    expect(movie.warnings).toEqual([]);
  });

  it('never reads media', () => {
    const bytes = writeMovie({ tracks: [videoTrack({ samples: samples(10, 5000, 512, 5) })] });
    const reader = new MemoryReader(bytes);
    indexMp4(reader);
    const mediaAt = bytes.length - 50_000;
    for (const { position, length } of reader.reads)
      expect(position + length).toBeLessThanOrEqual(mediaAt + 8);
  });

  it('keeps no part of the file in memory', () => {
    const config = movie.tracks[0]!.track.config;
    expect(config.codec === 'h264' && config.sps[0]!.buffer.byteLength).toBe(SPS.length);
  });
});

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

describe('codec configurations', () => {
  const heAac = u8(0x2b, 0x09, 0x88, 0x00);
  const escaped = u8(0x17, 0x80, 0x5d, 0xc0, 0x08);
  it.each<[string, Buffer, object]>([
    [
      'QuickTime version 1, esds in wave',
      soundEntry(
        'mp4a',
        1,
        zeros(16),
        box('wave', box('frma', 'mp4a'), box('mp4a', zeros(4)), esds(AAC_CONFIG), box('\0\0\0\0')),
      ),
      { sampleRateHz: 48000 },
    ],
    ['QuickTime version 2', soundEntry('mp4a', 2, zeros(36), esds(AAC_CONFIG)), { sampleRateHz: 48000 }],
    [
      'ISO version 1, without QuickTime fields',
      soundEntry('mp4a', 1, '', esds(AAC_CONFIG)),
      { sampleRateHz: 48000 },
    ],
    [
      'HE-AAC, by its core rate',
      soundEntry('mp4a', 0, '', esds(heAac)),
      { sampleRateHz: 24000, channels: 1 },
    ],
    ['an explicit rate', soundEntry('mp4a', 0, '', esds(escaped)), { sampleRateHz: 48000, channels: 1 }],
    ['frames of 960 samples', soundEntry('mp4a', 0, '', esds(u8(0x11, 0x94))), { samplesPerFrame: 960 }],
    ['7.1 channels', soundEntry('mp4a', 0, '', esds(u8(0x11, 0xb8))), { channels: 8 }],
    ['channels told by the entry', soundEntry('mp4a', 0, '', esds(u8(0x11, 0x80))), { channels: 2 }],
    ['MPEG-2 AAC LC', soundEntry('mp4a', 0, '', esds(AAC_CONFIG, 0x67)), { channels: 2 }],
  ])('reads AAC with %s', (_, entry, expected) => {
    expect(one(audioTrack({ entries: [entry] })).track.config).toMatchObject(expected);
  });

  const withSets = (sizeBytes: number) => {
    const length = (n: number) => (sizeBytes === 4 ? u32(n) : u16(n));
    return join(
      length(2),
      u8(9, 0xf0),
      length(SPS.length),
      SPS,
      length(PPS.length),
      PPS,
      length(2),
      u8(0x65, 0x88),
    );
  };
  it.each([
    ['avc3 with an avcC without sets', 'avc3', avcC([], [], 2), 2],
    ['avc1 with an empty avcC box', 'avc1', box('avcC'), 4],
  ])('finds parameter sets in the first frame: %s', (_, type, avc, sizeBytes) => {
    const media = withSets(sizeBytes);
    const entries = [visualEntry(type, avc)];
    const track = videoTrack({ entries, media, samples: [{ size: media.length, duration: 512 }] });
    expect(one(track).track.config).toMatchObject({ sps: [new Uint8Array(SPS)], pps: [new Uint8Array(PPS)] });
  });

  it('plays two sample descriptions that are the same, and two of which one is used', () => {
    const stsc = tableBox('stsc', [
      [1, 3, 1],
      [2, 3, 2],
    ]);
    expect(one(videoTrack({ entries: [avc1, avc1], stbl: { stsc } })).frames.length).toBe(10);
    expect(one(videoTrack({ entries: [avc1, visualEntry('hvc1')] })).frames.length).toBe(10);
  });
});

describe('which tracks', () => {
  const others = ['text', 'tmcd', 'hint', 'sbtl', 'subt', 'meta', 'clcp'].map((handler, i) =>
    videoTrack({ id: 10 + i, handler, entries: [] }),
  );

  it('passes over text, time code, hint, subtitle and metadata tracks and cover art in silence', () => {
    const cover = videoTrack({
      id: 20,
      entries: [visualEntry('png ')],
      samples: [{ size: 90, duration: 1 }],
    });
    const movie = index({ tracks: [...others, cover, audioTrack()] });
    expect(movie).toMatchObject({ tracks: [{ track: { id: 2 } }], warnings: [] });
  });

  it('leaves disabled tracks out where an enabled one of the kind plays (§8.3.2.3)', () => {
    const movie = index({
      tracks: [videoTrack({ flags: 0 }), videoTrack({ id: 3 }), audioTrack({ flags: 0 })],
    });
    expect(movie.tracks.map(({ track }) => track.id)).toEqual([3, 2]);
    expect(movie.warnings).toEqual(['track 1: disabled in the file']);
  });

  const other = visualEntry('avc1', avcC([u8(0x67, 0x64, 0, 0x1e, 1)]));
  const dref = (type: string, flags: number) =>
    box('dinf', fullBox('dref', 0, 0, u32(1), fullBox(type, 0, flags, flags === 0 ? 'file:///x\0' : '')));
  const audioOnly: [string, Partial<TestTrack>, string][] = [
    ['another codec', { entries: [visualEntry('hvc1')] }, 'codec hvc1 is not supported yet'],
    ['encryption', { entries: [visualEntry('encv', avcC())] }, 'encrypted (encv)'],
    [
      'media in another file (§8.7.2)',
      { dinf: dref('url ', 0) },
      'its media lies in another file (dref), which is never opened',
    ],
    [
      'media in another file by alias',
      { dinf: dref('alis', 0) },
      'its media lies in another file (dref), which is never opened',
    ],
    [
      'a configuration that changes',
      {
        entries: [avc1, other],
        stbl: {
          stsc: tableBox('stsc', [
            [1, 3, 1],
            [2, 3, 2],
          ]),
        },
      },
      '2 different sample descriptions are not supported yet',
    ],
    ['no samples', { samples: [] }, 'no frames'],
    ['a number that is taken', { id: 2 }, ''],
    ['number 0', { id: 0 }, 'tkhd has track number 0, expected 1..2147483647'],
    ['timescale 0', { timescale: 0 }, 'mdhd has timescale 0, expected 1 or more'],
    ['no avcC', { entries: [visualEntry('avc1')] }, 'avc1 has no avcC box'],
    [
      'NAL unit lengths of 3 bytes',
      { entries: [visualEntry('avc1', avcC([SPS], [PPS], 3))] },
      'avcC has NAL unit lengths of 3 bytes, expected 1, 2 or 4',
    ],
    [
      'an SPS that is none',
      { entries: [visualEntry('avc1', avcC([PPS, PPS]))] },
      'avcC has 4 bytes of NAL unit type 8, expected 5 or more of type 7',
    ],
    [
      'an SPS beyond its box',
      { entries: [visualEntry('avc1', box('avcC', u8(1, 66, 0, 30, 255, 225), u16(0xffff)))] },
      'avcC is 8 bytes, expected 65543 or more',
    ],
    [
      'parameter sets nowhere',
      { entries: [visualEntry('avc3', avcC([], []))] },
      'neither avcC nor the first frame has an SPS and a PPS',
    ],
    [
      'a missing description',
      { stbl: { stsc: tableBox('stsc', [[1, 3, 77]]) } },
      'sample description 77 of 1 is used',
    ],
    ['no stsd', { stbl: { stsd: '' } }, 'stbl has no stsd box'],
    ['no stts', { stbl: { stts: '' } }, 'stbl has no stts box'],
    ['no stsc', { stbl: { stsc: '' } }, 'stbl has no stsc box'],
    ['no stco', { stbl: { stco: '' } }, 'stbl has no stco box'],
    ['no stsz', { stbl: { stsz: '' } }, 'no frames'],
    ['stsd without entries', { entries: [] }, 'stsd claims 0 entries and has 0, expected 1..64'],
    [
      'stts without entries',
      { stbl: { stts: tableBox('stts', []) } },
      'stts is empty, expected a time for each sample',
    ],
    [
      'frames all at once',
      { stbl: { stts: tableBox('stts', [[10, 0]]) } },
      'stts gives 10 frames no time to be shown',
    ],
    [
      'stts that claims too much',
      { stbl: { stts: fullBox('stts', 0, 0, u32(0xffffffff, 1, 1)) } },
      'stts claims 4294967295 entries, the box has room for 1',
    ],
    [
      'ctts that claims too much',
      { stbl: { ctts: fullBox('ctts', 0, 0, u32(0xffffffff)) } },
      'ctts claims 4294967295 entries, the box has room for 0',
    ],
    [
      'stss that claims too much',
      { stbl: { stss: fullBox('stss', 0, 0, u32(10_000_000)) } },
      'stss claims 10000000 entries, the box has room for 0',
    ],
    [
      'stco that claims too much',
      { stbl: { stco: fullBox('stco', 0, 0, u32(9, 1)) } },
      'stco claims 9 entries, the box has room for 1',
    ],
    [
      'stsc that claims too much',
      { stbl: { stsc: fullBox('stsc', 0, 0, u32(2, 1, 1, 1)) } },
      'stsc claims 2 entries, the box has room for 1',
    ],
    [
      'stsz that claims too much',
      { stbl: { stsz: fullBox('stsz', 0, 0, u32(0, 0xffffffff)) } },
      'stsz claims 4294967295 entries, the box has room for 0',
    ],
    [
      'stz2 that claims too much',
      { stbl: { stsz: fullBox('stz2', 0, 0, u32(4, 1000, 0)) } },
      'stz2 claims 1000 samples, the box has room for 8',
    ],
    [
      'stz2 of 5 bits',
      { stbl: { stsz: fullBox('stz2', 0, 0, u32(5, 1, 0)) } },
      'stz2 has fields of 5 bits, expected 4, 8 or 16',
    ],
    [
      'stsc that starts at chunk 0',
      { stbl: { stsc: tableBox('stsc', [[0, 3, 1]]) } },
      'stsc entry 1 starts at chunk 0, expected 1 or more',
    ],
    [
      'stsc that goes back',
      {
        stbl: {
          stsc: tableBox('stsc', [
            [1, 3, 1],
            [3, 3, 1],
            [2, 3, 1],
          ]),
        },
      },
      'stsc entry 3 starts at chunk 2, expected 3 or more',
    ],
    [
      'frames beyond the end of the file',
      { stbl: { stco: tableBox('stco', [[0x7fffffff]]) } },
      'all frames lie beyond the end of the file',
    ],
    [
      'offsets near 2^64',
      { stbl: { stco: fullBox('co64', 0, 0, u32(1), u64(-8)) } },
      'all frames lie beyond the end of the file',
    ],
    [
      'times beyond a year',
      { stbl: { stts: tableBox('stts', [[10, 0x7fffffff]]) }, timescale: 1 },
      'its times reach beyond 31622400 s',
    ],
    ['a child box beyond its parent', { dinf: join(u32(5000), 'dinf') }, ''],
  ];

  it.each(audioOnly)('plays only the sound beside video with %s', (_, video, reason) => {
    const movie = index({ tracks: [audioTrack(), videoTrack(video)] });
    expect(movie.tracks.map(({ track }) => track.id)).toEqual([2]);
    expect(movie.warnings.join('; ')).toContain(reason);
  });

  const videoOnly: [string, Buffer, string][] = [
    [
      'MP3',
      soundEntry('mp4a', 0, '', esds(u8(0), 0x6b)),
      'codec mp4a with object type 0x6b is not supported yet',
    ],
    [
      'AAC Main',
      soundEntry('mp4a', 0, '', esds(u8(0x09, 0x90))),
      'AAC of object type 1 is not supported yet, only LC and HE',
    ],
    ['no esds', soundEntry('mp4a', 0, ''), 'mp4a version 0 has no whole esds box'],
    [
      'a reserved rate',
      soundEntry('mp4a', 0, '', esds(u8(0x16, 0x90))),
      'AAC sampling rate index 13, expected 7350..96000 Hz',
    ],
    ['an empty configuration', soundEntry('mp4a', 0, '', esds(u8())), 'AAC configuration ends after 0 bytes'],
    [
      'a descriptor beyond its box',
      soundEntry('mp4a', 0, '', fullBox('esds', 0, 0, u8(3, 0x7f))),
      'esds descriptor 3 is 127 bytes, expected 0 at most',
    ],
    ['an entry that is too short', box('mp4a', zeros(9)), 'mp4a version 0 has no whole esds box'],
    ['encryption', soundEntry('enca', 0, '', esds(AAC_CONFIG)), 'encrypted (enca)'],
    ['a video codec', avc1, 'codec avc1 is not supported yet'],
  ];

  it.each(videoOnly)('plays only the video beside sound with %s', (_, entry, reason) => {
    const movie = index({ tracks: [videoTrack(), audioTrack({ entries: [entry] })] });
    expect(movie).toMatchObject({ tracks: [{ track: { id: 1 } }], warnings: [`track 2: ${reason}`] });
  });

  it('leaves frames without bytes out and keeps the times of the rest', () => {
    const stsz = fullBox('stsz', 0, 0, u32(0, 10, 20, 0, ...Array(8).fill(20)));
    const { frames } = one(videoTrack({ stbl: { stsz } }));
    expect([frames.length, frames.ptsTicks[1]]).toEqual([9, 7200]);
  });

  it('serves the intact part of a file that is cut off', () => {
    const bytes = writeMovie({ tracks: [videoTrack()] });
    const movie = indexMp4(new MemoryReader(bytes.subarray(0, bytes.length - 30)));
    expect(movie.tracks[0]!.frames.length).toBe(8);
    expect(movie.warnings).toEqual(['track 1: 2 frames beyond the end of the file are left out']);
    expect(movie.durationUs).toBe(320_000);
  });
});

describe('files that are refused', () => {
  const ftyp = box('ftyp', 'isom', u32(0));
  const moov = (...parts: Buffer[]) => join(ftyp, box('moov', ...parts));
  const hvc1 = writeMovie({
    tracks: [
      videoTrack({ entries: [visualEntry('hvc1')] }),
      audioTrack({ entries: [soundEntry('Opus', 0, '')] }),
    ],
  });
  const bomb = (size: number, count: number) =>
    writeMovie({ tracks: [videoTrack({ stbl: { stsz: fullBox('stsz', 0, 0, u32(size, count)) } })] });
  it.each<[string, Uint8Array, string]>([
    [
      'with the reason of each track',
      hvc1,
      'unsupported: test.mp4: track 1: codec hvc1 is not supported yet; track 2: codec Opus is not supported yet',
    ],
    [
      'without moov',
      join(ftyp, box('mdat', zeros(99))),
      'broken: test.mp4: no moov box; the file is cut off or was never finished',
    ],
    ['with an empty moov', moov(), 'broken: test.mp4: no video or audio track'],
    [
      'with a compressed moov',
      moov(box('cmov', zeros(20))),
      'unsupported: test.mp4: its moov is compressed (cmov), expected a plain one',
    ],
    [
      'with a moov that is cut off',
      moov(zeros(8)).subarray(0, 25),
      'broken: test.mp4: moov at byte 16 is 16 bytes, expected 8..9',
    ],
    [
      'with a box of 4 bytes',
      join(ftyp, u32(4), 'free', zeros(9)),
      'broken: test.mp4: free at byte 16 is 4 bytes, expected 8..17',
    ],
    [
      'with a largesize of 0',
      join(ftyp, u32(1), 'free', u64(0)),
      'broken: test.mp4: free at byte 16 is 0 bytes, expected 16..16',
    ],
    [
      'with a largesize of 2^63',
      join(ftyp, u32(1), 'free', u64(2n ** 63n)),
      'broken: test.mp4: free at byte 16 is 9223372036854776000 bytes, expected 16..16',
    ],
    [
      'with a largesize that is cut off',
      join(ftyp, u32(1), 'free'),
      'broken: test.mp4: free at byte 16 ends inside its header',
    ],
    [
      'with a box of size 0 inside moov',
      moov(join(u32(0), 'trak', zeros(9))),
      'broken: test.mp4: trak in moov is 0 bytes, expected 8..17',
    ],
    [
      'with 65 tracks',
      moov(...Array<Buffer>(65).fill(box('trak'))),
      'broken: test.mp4: moov has 65 tracks, expected 64 at most',
    ],
    [
      'with 100 001 boxes',
      join(ftyp, Buffer.concat(Array<Buffer>(100_001).fill(box('free')))),
      'broken: test.mp4: more than 100000 boxes',
    ],
    [
      'with 100 001 boxes in moov',
      moov(Buffer.concat(Array<Buffer>(100_001).fill(box('free')))),
      'broken: test.mp4: more than 100000 boxes',
    ],
    [
      'with 4 294 967 295 samples of a byte',
      bomb(1, 0xffffffff),
      'broken: test.mp4: track 1: stsz claims 4294967295 samples of 1 bytes, expected ',
    ],
  ])('refuses a file %s', (_, bytes, reason) => {
    expect(refusal(bytes)).toContain(reason);
  });

  it('refuses a moov beyond the bound without reading it', () => {
    const head = join(u32(1), 'moov', u64(300 * 1024 * 1024));
    const reader = {
      name: 'big.mp4',
      sizeBytes: 2 ** 40,
      read: (position: number, length: number) => {
        if (length > 100) throw new Error('read too much');
        return position === 0 ? head : join(u32(0), 'mdat', u64(0));
      },
    };
    expect(() => indexMp4(reader)).toThrow('moov is 314572800 bytes, at most 268435456 are read');
  });

  it('walks no nest of boxes, however deep', () => {
    let nest = box('udta');
    for (let i = 0; i < 2000; i++) nest = box('trak', nest);
    expect(refusal(moov(nest))).toBe('broken: test.mp4: track #1: trak has no mdia box');
  });

  it("lets the reader's own errors pass", () => {
    const failure = new Error('EIO');
    const reader = {
      name: 'x',
      sizeBytes: 100,
      read: () => {
        throw failure;
      },
    };
    expect(() => indexMp4(reader)).toThrow(failure);
  });
});
