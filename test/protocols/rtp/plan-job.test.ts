import type { CodecConfig } from '@finch/core/stream/track';
import { PacketPlan } from '@finch/rtp/packet-plan';
import { buildPlan } from '@finch/rtp/plan-job';
import { accessUnitsOf, nalUnitsOf, receivedOf } from '../../support/depacketize';
import { lengthPrefixed, movieOf, nalUnit, readerOf } from './made-up-movie';

const H264: CodecConfig = {
  codec: 'h264',
  sps: [nalUnit(0x67, 9)],
  pps: [nalUnit(0x68, 4)],
  nalLengthSizeBytes: 4,
};
const AAC: CodecConfig = {
  codec: 'aac',
  audioSpecificConfig: Uint8Array.of(0x12, 0x10),
  sampleRateHz: 44_100,
  channels: 2,
  samplesPerFrame: 1024,
};

describe('plan job', () => {
  it('plans a run of H.264 frames in the middle of a track', () => {
    const slices = [3, 4, 5, 6].map((seed) => nalUnit(0x41, 2000, seed));
    const movie = movieOf(
      slices.map((slice) => ({ bytes: lengthPrefixed([slice]) })),
      3600,
    );
    const request = {
      config: H264,
      frames: movie.frames.share(),
      firstFrame: 1,
      frameCount: 2,
      maxPayloadBytes: 1460,
    };
    const plan = new PacketPlan(buildPlan(request, readerOf(movie.file)));
    expect([plan.firstFrame, plan.frameCount, plan.unitOfFrame(2)]).toEqual([1, 2, 1]);
    expect(nalUnitsOf(receivedOf(plan, 1, movie.file))[0]!.equals(slices[2]!)).toBe(true);
  });

  it('plans a run of AAC frames without touching the file where they lie side by side', () => {
    const parts = [1, 2, 3].map((seed) => ({ bytes: nalUnit(0, 200, seed) }));
    const movie = movieOf(parts, 1024);
    const request = {
      config: AAC,
      frames: movie.frames.share(),
      firstFrame: 0,
      frameCount: 3,
      maxPayloadBytes: 1460,
    };
    const read = () => {
      throw new Error('the file was read');
    };
    const plan = new PacketPlan(buildPlan(request, read));
    expect(accessUnitsOf(receivedOf(plan, 0, movie.file))).toHaveLength(3);
  });

  it('adds what was left out to the damage it is given', () => {
    const movie = movieOf([{ bytes: nalUnit(0, 9000) }, { bytes: nalUnit(0, 10) }], 1024);
    const request = {
      config: AAC,
      frames: movie.frames.share(),
      firstFrame: 0,
      frameCount: 2,
      maxPayloadBytes: 1460,
    };
    const damage = { damagedFrames: 1, droppedElements: 0 };
    buildPlan(request, readerOf(movie.file), damage);
    expect(damage).toEqual({ damagedFrames: 2, droppedElements: 1 });
  });

  it('lets errors of the file through, and rejects a run outside the table', () => {
    const { frames } = movieOf([{ bytes: lengthPrefixed([nalUnit(0x41, 20)]) }], 3600);
    const request = {
      config: H264,
      frames: frames.share(),
      firstFrame: 0,
      frameCount: 1,
      maxPayloadBytes: 1460,
    };
    const broken = () => {
      throw new Error('EIO');
    };
    expect(() => buildPlan(request, broken)).toThrow('EIO');
    expect(() => buildPlan({ ...request, frameCount: 2 }, broken)).toThrow(RangeError);
  });
});
