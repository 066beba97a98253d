import {
  AAC_CONFIG,
  audioTrack,
  avc1,
  avcC,
  box,
  esds,
  join,
  PPS,
  SPS,
  soundEntry,
  tableBox,
  u8,
  u16,
  u32,
  videoTrack,
  visualEntry,
  zeros,
} from '../../../../support/mp4-writer';
import { one } from './indexed';

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
