import type { H264Config } from '@finch/core/stream/track';
import { PacketPlan } from '@finch/rtp/packet-plan';
import { PacketPlanBuilder } from '@finch/rtp/packet-plan-builder';
import { packetizeH264Run } from '@finch/rtp/packetizers/h264-packetizer';
import fc from 'fast-check';
import { nalUnitsOf, receivedOf } from '../../../support/depacketize';
import { lengthPrefixed, type MadeUpMovie, movieOf, nalUnit } from '../made-up-movie';

const SPS = nalUnit(0x67, 24, 3);
const PPS = nalUnit(0x68, 5, 4);
const CONFIG: H264Config = { codec: 'h264', sps: [SPS], pps: [PPS], nalLengthSizeBytes: 4 };
const AUD = nalUnit(0x09, 2);
const SEI = nalUnit(0x06, 40);
const IDR = nalUnit(0x65, 5000);
const FRAME_TICKS = 3600;

function planOf(movie: MadeUpMovie, maxPayloadBytes = 1460, config = CONFIG) {
  const builder = new PacketPlanBuilder(0);
  packetizeH264Run(config, movie.frames, 0, movie.frames.length, movie.source, { maxPayloadBytes }, builder);
  const memory = builder.seal();
  expect(PacketPlan.validate(memory)).toBeUndefined();
  return { plan: new PacketPlan(memory), builder };
}

/** Packetizes access units given as NAL units; frame 0 is no key frame unless named. */
function packetsOf(nalUnits: readonly Uint8Array[], keyFrames: number[] = [1], maxPayloadBytes = 1460) {
  const frames = [{ bytes: lengthPrefixed(nalUnits) }, { bytes: lengthPrefixed([nalUnit(0x41, 9)]) }];
  const movie = movieOf(frames, FRAME_TICKS, keyFrames);
  const { plan, builder } = planOf(movie, maxPayloadBytes);
  return { packets: receivedOf(plan, 0, movie.file), plan, builder };
}

const typesOf = (nalUnits: readonly Uint8Array[]) => nalUnits.map((nal) => nal[0]! & 0x1f);
const hexOf = (parts: readonly Uint8Array[]) => parts.map((part) => Buffer.from(part).toString('hex'));

describe('H.264 packetizer', () => {
  it('sends a NAL unit that fits as it is, out of the file (RFC 6184 §5.6)', () => {
    const slice = nalUnit(0x41, 1460);
    const { packets, plan } = packetsOf([slice]);
    expect(hexOf(packets.map((packet) => packet.payload))).toEqual(hexOf([slice]));
    expect(plan.prefixBytesOf(0)).toBe(0);
  });

  it('cuts a larger NAL unit into equal FU-As, with S on the first and E on the last (§5.8)', () => {
    const { packets } = packetsOf([nalUnit(0x41, 1461)]);
    expect(packets.map(({ payload }) => payload.length)).toEqual([732, 732]);
    expect(packets.map(({ payload }) => [payload[0], payload[1]])).toEqual([
      [0x5c, 0x81],
      [0x5c, 0x41],
    ]);
  });

  it('puts small NAL units into one STAP-A with the slice behind them (§5.7.1)', () => {
    const slice = nalUnit(0x61, 700);
    const { packets, plan } = packetsOf([AUD, SEI, slice]);
    expect(packets).toHaveLength(1);
    expect(packets[0]!.payload[0]).toBe(0x60 | 24);
    expect(plan.sliceBytesOf(0)).toBe(700);
    expect(hexOf(nalUnitsOf(packets))).toEqual(hexOf([AUD, SEI, slice]));
  });

  it('sends a small NAL unit without company as a single NAL unit packet, never as a STAP-A of one', () => {
    const { packets } = packetsOf([SEI, nalUnit(0x41, 3000)]);
    expect(typesOf(packets.map((packet) => packet.payload))).toEqual([6, 28, 28, 28]);
  });

  it('keeps a NAL unit apart that fits a packet but no STAP-A', () => {
    const nalUnits = [nalUnit(0x41, 63), nalUnit(0x41, 64), nalUnit(0x41, 61)];
    const { packets } = packetsOf(nalUnits, [1], 64);
    expect(hexOf(packets.map((packet) => packet.payload))).toEqual(hexOf(nalUnits));
  });

  it.each([
    ['an IDR picture', [IDR], [1], [7, 8, 5]],
    ['a frame listed as key', [nalUnit(0x41, 900)], [0], [7, 8, 1]],
    ['an IDR picture behind a delimiter', [AUD, SEI, IDR], [1], [9, 7, 8, 6, 5]],
    ['an IDR picture that has an SPS only', [SPS, IDR], [1], [7, 8, 7, 5]],
    ['an IDR picture that has both (nothing added)', [SPS, PPS, IDR], [1], [7, 8, 5]],
    ['another picture (nothing added)', [nalUnit(0x41, 900)], [1], [1]],
    ['a lone delimiter (nothing added)', [AUD], [0], [9]],
  ])('adds the parameter sets for %s', (_name, nalUnits, keyFrames, types) => {
    const { packets } = packetsOf(nalUnits, keyFrames);
    expect(typesOf(nalUnitsOf(packets))).toEqual(types);
    expect(packets.map((packet) => packet.marker)).toEqual(packets.map((_, i) => i === packets.length - 1));
  });

  it('fragments parameter sets that are larger than a packet', () => {
    const movie = movieOf([{ bytes: lengthPrefixed([IDR]) }], FRAME_TICKS);
    const config = { ...CONFIG, sps: [nalUnit(0x67, 200)], pps: [nalUnit(0x68, 64), new Uint8Array(0)] };
    const { plan } = planOf(movie, 64, config);
    const received = nalUnitsOf(receivedOf(plan, 0, movie.file));
    expect(hexOf(received)).toEqual(hexOf([config.sps[0]!, config.pps[0]!, IDR]));
  });

  it.each([
    ['type 0', 0x60],
    ['type 24, which is RTP´s STAP-A', 0x78],
    ['type 31', 0x7f],
    ['the forbidden bit', 0xe1],
  ])('drops and counts a NAL unit with %s', (_name, header) => {
    const slice = nalUnit(0x41, 30);
    const { packets, builder } = packetsOf([nalUnit(header, 20), slice]);
    expect(hexOf(nalUnitsOf(packets))).toEqual(hexOf([slice]));
    expect([builder.droppedElements, builder.damagedFrames]).toEqual([1, 0]);
  });

  it('skips NAL units of length 0', () => {
    const { packets, builder } = packetsOf([new Uint8Array(0), SEI, new Uint8Array(0)]);
    expect(hexOf(nalUnitsOf(packets))).toEqual(hexOf([SEI]));
    expect([builder.droppedElements, builder.damagedFrames]).toEqual([0, 0]);
  });

  it.each([
    ['a length beyond the frame', [...lengthPrefixed([SEI]), 0, 0, 1, 0, 0x41, 1], 1],
    ['a length one byte beyond its end', [...lengthPrefixed([SEI]), 0, 0, 0, 3, 0x41, 1], 1],
    ['half a length at its end', [...lengthPrefixed([SEI]), 0, 0], 1],
    ['Annex B start codes', [0, 0, 1, 0x67, 1, 2, 3, 0, 0, 1, 0x68, 9], 0],
  ])('keeps what is whole of a frame with %s, and counts the frame', (_name, bytes, packetCount) => {
    const behind = { bytes: lengthPrefixed([nalUnit(0x41, 30)]) };
    const { plan, builder } = planOf(movieOf([{ bytes: Uint8Array.from(bytes) }, behind], FRAME_TICKS, [5]));
    expect([plan.packetCountOf(0), plan.packetCountOf(1)]).toEqual([packetCount, 1]);
    expect(builder.damagedFrames).toBe(1);
  });

  it('gives a frame that lies outside the file a unit without packets', () => {
    const movie = movieOf([{ bytes: lengthPrefixed([SEI]) }, { bytes: lengthPrefixed([SEI]) }], FRAME_TICKS);
    movie.frames.offsets[0] = 2 ** 50;
    movie.frames.offsets[1] = movie.file.length + 10;
    const { plan, builder } = planOf(movie);
    expect([plan.unitCount, plan.packetCount, builder.damagedFrames]).toEqual([2, 0, 2]);
  });

  it('flags key frames, and pictures without reference slices as disposable (H.264 §7.4.1)', () => {
    const units = [
      [IDR],
      [nalUnit(0x01, 50), nalUnit(0x01, 50)],
      [nalUnit(0x41, 50), nalUnit(0x01, 50)],
      [SEI],
    ];
    const { plan } = planOf(
      movieOf(
        units.map((nals) => ({ bytes: lengthPrefixed(nals) })),
        FRAME_TICKS,
      ),
    );
    expect(units.map((_, unit) => plan.isKey(unit))).toEqual([true, false, false, false]);
    expect(units.map((_, unit) => plan.isDisposable(unit))).toEqual([false, true, false, false]);
  });

  it('takes the RTP timestamp from the pts, modulo 2^32 and below 0 as well (§5.1)', () => {
    const parts = [-1800, 2 ** 32 + 5, 2 ** 40].map((ptsTicks) => ({
      bytes: lengthPrefixed([SEI]),
      ptsTicks,
    }));
    const { plan } = planOf(movieOf(parts, FRAME_TICKS));
    expect(parts.map((_, unit) => plan.rtpTimestampOf(unit))).toEqual([2 ** 32 - 1800, 5, 0]);
  });

  it.each([
    ['firstFrame', [2, 0, 1460]],
    ['frameCount', [0, 2, 1460]],
    ['maxPayloadBytes', [0, 1, 63]],
    ['maxPayloadBytes', [0, 1, 65_496]],
  ] as const)('rejects %s outside its range: %j', (name, [first, count, maxPayloadBytes]) => {
    const { frames, source } = movieOf([{ bytes: lengthPrefixed([SEI]) }], FRAME_TICKS);
    const builder = new PacketPlanBuilder(0);
    const run = () => packetizeH264Run(CONFIG, frames, first, count, source, { maxPayloadBytes }, builder);
    expect(run).toThrow(new RegExp(`^${name} must be`));
  });
});

const anyNalUnit = fc
  .record({
    type: fc.integer({ min: 1, max: 23 }),
    nri: fc.integer({ min: 0, max: 3 }),
    size: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 4000 })),
    seed: fc.nat(255),
  })
  .map(({ type, nri, size, seed }) => nalUnit((nri << 5) | type, size, seed));
const anyLengthSize = fc.constantFrom(2 as const, 4 as const);

describe('H.264 packetizer, any frames', () => {
  it('gives packets within the limit that depacketize to the same NAL units', () => {
    const frames = fc.array(fc.array(anyNalUnit, { maxLength: 6 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        frames,
        anyLengthSize,
        fc.integer({ min: 64, max: 1500 }),
        (units, lengthSize, maxBytes) => {
          const parts = units.map((nals) => ({ bytes: lengthPrefixed(nals, lengthSize), gapBytes: 11 }));
          const movie = movieOf(parts, FRAME_TICKS, [9]);
          const { plan } = planOf(movie, maxBytes, { ...CONFIG, nalLengthSizeBytes: lengthSize });
          units.forEach((nals, unit) => {
            const packets = receivedOf(plan, unit, movie.file);
            checkPackets(packets, maxBytes);
            expect(hexOf(withoutAddedSets(nalUnitsOf(packets), nals))).toEqual(hexOf(nals));
            expect(plan.unitOfFrame(unit)).toBe(unit);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('never throws on damaged frames, and every frame has its unit', () => {
    const damaged = fc.tuple(
      fc.array(anyNalUnit, { maxLength: 4 }),
      fc.uint8Array({ maxLength: 30 }),
      fc.nat(),
    );
    fc.assert(
      fc.property(fc.array(damaged, { maxLength: 5 }), fc.constantFrom(1, 2, 4), (parts, lengthSize) => {
        const movie = movieOf(
          parts.map(([nals, noise, at]) => ({ bytes: overwritten(nals, noise, at) })),
          1,
        );
        const { plan } = planOf(movie, 100, { ...CONFIG, nalLengthSizeBytes: lengthSize as 1 | 2 | 4 });
        expect(plan.frameCount).toBe(parts.length);
        for (const unit of parts.keys()) nalUnitsOf(receivedOf(plan, unit, movie.file));
      }),
      { numRuns: 100 },
    );
  });
});

function checkPackets(packets: ReturnType<typeof receivedOf>, maxBytes: number): void {
  let fragmentBytes = 0;
  packets.forEach(({ payload, marker }, index) => {
    expect(payload.length).toBeLessThanOrEqual(maxBytes);
    expect(marker).toBe(index === packets.length - 1);
    if ((payload[0]! & 0x1f) !== 28) return;
    const isStart = (payload[1]! & 0x80) !== 0;
    const isEnd = (payload[1]! & 0x40) !== 0;
    if (isStart) fragmentBytes = payload.length;
    else if (isEnd) expect(payload.length).toBeLessThanOrEqual(fragmentBytes);
    else expect(payload.length).toBe(fragmentBytes);
  });
}

/** An IDR picture without parameter sets of its own got those of the configuration. */
function withoutAddedSets(received: Uint8Array[], sent: Uint8Array[]): Uint8Array[] {
  const types = typesOf(sent);
  if (!types.includes(5) || (types.includes(7) && types.includes(8))) return received;
  const at = types.findIndex((type) => type !== 9);
  expect(hexOf(received.slice(at, at + 2))).toEqual(hexOf([SPS, PPS]));
  return received.toSpliced(at, 2);
}

function overwritten(nals: readonly Uint8Array[], noise: Uint8Array, at: number): Uint8Array {
  const bytes = Uint8Array.from([...lengthPrefixed(nals), ...noise]);
  bytes.set(noise, at % (bytes.length - noise.length + 1));
  return bytes;
}
