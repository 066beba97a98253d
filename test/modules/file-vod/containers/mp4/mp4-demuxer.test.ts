import { MediaError } from '@finch/core/stream/media-error';
import { indexMp4 } from '@finch/file-vod/containers/mp4/mp4-demuxer';
import {
  AAC_CONFIG,
  audioTrack,
  box,
  fullBox,
  join,
  MemoryReader,
  PPS,
  SPS,
  samples,
  soundEntry,
  u32,
  u64,
  videoTrack,
  visualEntry,
  writeMovie,
  zeros,
} from '../../../../support/mp4-writer';
import { index } from './indexed';

function refusal(bytes: Uint8Array): string {
  try {
    indexMp4(new MemoryReader(bytes));
  } catch (error) {
    if (error instanceof MediaError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'played';
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
