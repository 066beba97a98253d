import { MediaError } from '@finch/core/stream/media-error';
import type { CodecConfig, Track } from '@finch/core/stream/track';
import { payloadFormatOf, payloadTypeOf } from '@finch/rtp/payload-format';

const SPS = Uint8Array.of(0x67, 0x64, 0x00, 0x1f, 0xac);
const PPS = Uint8Array.of(0x68, 0xeb, 0xec);
const H264: CodecConfig = { codec: 'h264', sps: [SPS], pps: [PPS], nalLengthSizeBytes: 4 };
const AAC: CodecConfig = {
  codec: 'aac',
  audioSpecificConfig: Uint8Array.of(0x12, 0x10),
  sampleRateHz: 44_100,
  channels: 2,
  samplesPerFrame: 1024,
};

function trackOf(config: CodecConfig): Track {
  const isVideo = config.codec === 'h264';
  const clockRateHz = isVideo ? 90_000 : 44_100;
  return { id: 1, kind: isVideo ? 'video' : 'audio', config, clockRateHz, language: 'und', bitRateBps: 0 };
}

describe('payload formats', () => {
  it('names H.264 with its true parameter sets (RFC 6184 §8.1)', () => {
    expect(payloadFormatOf(trackOf(H264))).toEqual({
      encodingName: 'H264',
      clockRateHz: 90_000,
      fmtp: 'packetization-mode=1;profile-level-id=64001F;sprop-parameter-sets=Z2QAH6w=,aOvs',
    });
  });

  it('names AAC in mode AAC-hbr (RFC 3640 §3.3.6)', () => {
    expect(payloadFormatOf(trackOf(AAC))).toEqual({
      encodingName: 'mpeg4-generic',
      clockRateHz: 44_100,
      channels: 2,
      fmtp: 'streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1210',
    });
  });

  it.each<[string, CodecConfig]>([
    ['no SPS', { ...H264, sps: [] }],
    ['an SPS without profile', { ...H264, sps: [SPS.subarray(0, 3)] }],
    ['no PPS', { ...H264, pps: [] }],
    ['no AudioSpecificConfig', { ...AAC, audioSpecificConfig: new Uint8Array(0) }],
  ])('refuses a track with %s', (_name, config) => {
    expect(() => payloadFormatOf(trackOf(config))).toThrow(MediaError);
  });

  it('numbers tracks with dynamic payload types 96..127 (RFC 3551 §6)', () => {
    expect([0, 1, 31].map(payloadTypeOf)).toEqual([96, 97, 127]);
    expect(() => payloadTypeOf(32)).toThrow(/^trackIndex/);
  });
});
