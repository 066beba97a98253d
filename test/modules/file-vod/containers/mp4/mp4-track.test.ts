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
  MemoryReader,
  PPS,
  SPS,
  soundEntry,
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
import { index, one } from './indexed';

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

  it('plays disabled tracks that are alternatives of an enabled one: other languages (§8.3.2.3)', () => {
    const movie = index({
      tracks: [
        videoTrack({ alternateGroup: 1 }),
        audioTrack({ alternateGroup: 1 }),
        audioTrack({ id: 3, alternateGroup: 1, flags: 0 }),
        audioTrack({ id: 4, alternateGroup: 2, flags: 0 }),
      ],
    });
    expect(movie.tracks.map(({ track }) => track.id)).toEqual([1, 2, 3]);
    expect(movie.warnings).toEqual(['track 4: disabled in the file']);
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
