import type { AacConfig } from '@finch/core/stream/track';
import { PacketPlan } from '@finch/rtp/packet-plan';
import { PacketPlanBuilder } from '@finch/rtp/packet-plan-builder';
import { MAX_AAC_ACCESS_UNIT_BYTES, packetizeAacRun } from '@finch/rtp/packetizers/aac-packetizer';
import fc from 'fast-check';
import { accessUnitsOf, receivedOf } from '../../../support/depacketize';
import { type MadeUpFrame, type MadeUpMovie, movieOf, nalUnit } from '../made-up-movie';

const CONFIG: AacConfig = {
  codec: 'aac',
  audioSpecificConfig: Uint8Array.of(0x11, 0x90),
  sampleRateHz: 48_000,
  channels: 2,
  samplesPerFrame: 1024,
};

function planOf(movie: MadeUpMovie, maxPayloadBytes = 1460, config = CONFIG) {
  const builder = new PacketPlanBuilder(0);
  packetizeAacRun(config, movie.frames, 0, movie.frames.length, movie.source, { maxPayloadBytes }, builder);
  const memory = builder.seal();
  expect(PacketPlan.validate(memory)).toBeUndefined();
  return { plan: new PacketPlan(memory), builder };
}

const accessUnit = (size: number, seed = 1): MadeUpFrame => ({ bytes: nalUnit(0xaa, size, seed) });
const unitSizesOf = (plan: PacketPlan) =>
  Array.from({ length: plan.unitCount }, (_, unit) => plan.frameCountOf(unit));
const packetSizesOf = (plan: PacketPlan) =>
  Array.from({ length: plan.packetCount }, (_, p) => plan.prefixBytesOf(p) + plan.sliceBytesOf(p));
const many = (count: number, size: number) =>
  Array.from({ length: count }, (_, seed) => accessUnit(size, seed));
const hexOf = (parts: readonly Uint8Array[]) => parts.map((part) => Buffer.from(part).toString('hex'));

describe('AAC packetizer', () => {
  it('writes the AU headers in front of access units that stay in the file (RFC 3640 §3.2.1, §3.3.6)', () => {
    const movie = movieOf([accessUnit(300), accessUnit(200)], 1024);
    const { plan } = planOf(movie);
    const [packet] = receivedOf(plan, 0, movie.file);
    expect([...packet!.payload.subarray(0, 6)]).toEqual([0, 32, 300 >> 5, (300 << 3) & 0xff, 6, 0x40]);
    expect([plan.prefixBytesOf(0), plan.sliceBytesOf(0)]).toEqual([6, 500]);
  });

  it.each([
    ['120 ms of media time', 12, 100, 48_000, [5, 5, 2]],
    ['8 access units', 20, 20, 96_000, [8, 8, 4]],
    ['one access unit where that alone lasts longer', 3, 20, 8_000, [1, 1, 1]],
    ['the payload', 5, 700, 48_000, [2, 2, 1]],
  ])('fills a packet up to %s', (_name, count, size, sampleRateHz, expected) => {
    const { plan } = planOf(movieOf(many(count, size), 1024), 1460, { ...CONFIG, sampleRateHz });
    expect(unitSizesOf(plan)).toEqual(expected);
  });

  it('copies access units that lie apart in the file and leaves the last ones there', () => {
    const parts = [accessUnit(50), { ...accessUnit(60), gapBytes: 900 }, accessUnit(70)];
    const movie = movieOf(parts, 1024);
    const { plan } = planOf(movie);
    expect([plan.prefixBytesOf(0), plan.sliceBytesOf(0)]).toEqual([8 + 50, 60 + 70]);
    expect(hexOf(accessUnitsOf(receivedOf(plan, 0, movie.file)))).toEqual(
      hexOf(parts.map(({ bytes }) => bytes)),
    );
  });

  it.each([
    ['half a frame late stays (rounded by a container´s clock)', 512, [2]],
    ['more than half a frame late begins a new unit', 513, [1, 1]],
    ['more than half a frame early begins a new unit', -513, [1, 1]],
  ])('%s', (_name, lateTicks, expected) => {
    const late = { ...accessUnit(50), ptsTicks: 1024 + lateTicks };
    expect(unitSizesOf(planOf(movieOf([accessUnit(50), late], 1024)).plan)).toEqual(expected);
  });

  it('cuts an access unit larger than a packet into equal fragments with one timestamp, marker last (§3.1)', () => {
    const movie = movieOf([accessUnit(100), accessUnit(3000), accessUnit(100)], 1024);
    const { plan } = planOf(movie);
    expect(unitSizesOf(plan)).toEqual([1, 1, 1]);
    expect(packetSizesOf(plan).slice(1, 4)).toEqual([1004, 1004, 1004]);
    expect(receivedOf(plan, 1, movie.file).map(({ marker }) => marker)).toEqual([false, false, true]);
    expect(plan.rtpTimestampOf(1)).toBe(1024);
  });

  it.each([
    ['0 bytes', 0],
    ['more bytes than AU-size can name', MAX_AAC_ACCESS_UNIT_BYTES + 1],
  ])('drops an access unit of %s; those around it keep their own timestamps', (_name, size) => {
    const { plan, builder } = planOf(movieOf([accessUnit(20), accessUnit(size), accessUnit(20)], 1024));
    expect(unitSizesOf(plan)).toEqual([1, 1, 1]);
    expect([plan.packetCountOf(0), plan.packetCountOf(1), plan.packetCountOf(2)]).toEqual([1, 0, 1]);
    expect([builder.droppedElements, builder.damagedFrames]).toEqual([1, 1]);
    expect(plan.rtpTimestampOf(2)).toBe(2048);
  });

  it('gives a packet up whose access units the file doesn´t hold', () => {
    const movie = movieOf([accessUnit(20), accessUnit(20)], 1024);
    movie.frames.offsets[0] = movie.file.length;
    const { plan, builder } = planOf(movie);
    expect([unitSizesOf(plan), plan.packetCount, builder.damagedFrames]).toEqual([[2], 0, 2]);
  });

  it('gives any access units back, within the limit of a packet', () => {
    const anyAccessUnit = fc.record({
      size: fc.integer({ min: 1, max: 2500 }),
      gapBytes: fc.constantFrom(0, 0, 0, 7),
    });
    const frames = fc.array(anyAccessUnit, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(frames, fc.integer({ min: 64, max: 1500 }), (list, maxBytes) => {
        const parts = list.map(({ size, gapBytes }, seed) => ({ ...accessUnit(size, seed), gapBytes }));
        const movie = movieOf(parts, 1024);
        const { plan } = planOf(movie, maxBytes);
        const units = Array.from({ length: plan.unitCount }, (_, unit) => unit);
        const received = units.flatMap((unit) => accessUnitsOf(receivedOf(plan, unit, movie.file)));
        expect(hexOf(received)).toEqual(hexOf(parts.map(({ bytes }) => bytes)));
        expect(Math.max(...packetSizesOf(plan))).toBeLessThanOrEqual(maxBytes);
        for (const unit of units) expect(plan.rtpTimestampOf(unit)).toBe(plan.firstFrameOf(unit) * 1024);
      }),
      { numRuns: 60 },
    );
  });
});
