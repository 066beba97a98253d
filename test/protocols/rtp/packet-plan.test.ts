import { ENOBUFS } from '@finch/rtp/errno';
import { PacketPlan } from '@finch/rtp/packet-plan';
import { PacketPlanBuilder } from '@finch/rtp/packet-plan-builder';
import { MAX_PLAN_PACKETS, MAX_PLAN_PREFIX_BYTES, UNIT_FLAG } from '@finch/rtp/packet-plan-layout';
import fc from 'fast-check';

const FAR = 0x1234_5678_9abc;

function builtPlan(): SharedArrayBuffer {
  const builder = new PacketPlanBuilder(7);
  builder.openUnit(-1);
  builder.appendUint8(1);
  builder.appendUint16(0x0203);
  builder.endPacket(FAR, 1400, false);
  builder.append(Uint8Array.of(9, 8));
  builder.endPacket(0, 0, false);
  builder.markLastPacket();
  builder.closeUnit(3, UNIT_FLAG.key);
  builder.addEmptyUnit(2 ** 32, 0);
  builder.openUnit(90);
  builder.endPacket(5, 6, true);
  builder.closeUnit(1, UNIT_FLAG.disposable);
  return builder.seal();
}

describe('PacketPlan', () => {
  it('lays its words out as the native sender reads them', () => {
    const memory = builtPlan();
    const words = new Uint32Array(memory);
    expect([...words.subarray(0, 8)]).toEqual([0x4e414c50, 3, 3, 32, 128, 176, 5, 7]);
    expect([...words.subarray(8, 16)]).toEqual([7, 3, 0, 2, 2 ** 32 - 1, 1405, 1, 0]);
    expect([...words.subarray(32, 40)]).toEqual([
      0x56789abc, 0x0003_1234, 1400, 0, 0, 0x0002_0000, 0x0001_0000, 3,
    ]);
    expect([...new Uint8Array(memory, 176)]).toEqual([1, 2, 3, 9, 8, 0, 0, 0]);
  });

  it('reads back what was built', () => {
    const plan = new PacketPlan(builtPlan());
    expect(PacketPlan.validate(plan.memory)).toBeUndefined();
    expect([plan.firstFrame, plan.frameCount, plan.unitCount, plan.packetCount]).toEqual([7, 5, 3, 3]);
    expect([0, 1, 2].map((unit) => plan.packetCountOf(unit))).toEqual([2, 0, 1]);
    expect([0, 1, 2].map((unit) => plan.rtpTimestampOf(unit))).toEqual([2 ** 32 - 1, 0, 90]);
    expect([0, 1, 2].map((unit) => plan.payloadBytesOf(unit))).toEqual([1405, 0, 6]);
    expect([0, 1, 2].map((unit) => [plan.isKey(unit), plan.isDisposable(unit)])).toEqual([
      [true, false],
      [false, false],
      [false, true],
    ]);
    expect([0, 1, 2].map((packet) => plan.fileOffsetOf(packet))).toEqual([FAR, 0, 5]);
    expect([0, 1, 2].map((packet) => plan.hasMarker(packet))).toEqual([false, true, true]);
    expect([0, 1, 2].map((packet) => plan.prefixOffsetOf(packet))).toEqual([176, 179, 181]);
  });

  it('finds the unit of every frame, and none outside', () => {
    const plan = new PacketPlan(builtPlan());
    expect([6, 7, 8, 9, 10, 11, 12, Number.NaN].map((frame) => plan.unitOfFrame(frame))).toEqual([
      -1, 0, 0, 0, 1, 2, -1, -1,
    ]);
  });

  it('may be empty', () => {
    const plan = new PacketPlan(new PacketPlanBuilder(3).seal());
    expect([plan.unitCount, plan.frameCount, plan.unitOfFrame(3)]).toEqual([0, 0, -1]);
  });

  it.each([
    ['magic', 0, 1],
    ['unit count', 1, 4],
    ['packet count', 2, 70_000],
    ['units offset', 3, 36],
    ['prefix bytes', 6, 500],
    ['first frame', 7, 8],
    ['first packet of a unit', 10, 1],
    ['packet count of a unit', 11, 9],
    ['payload bytes of a unit', 13, 1],
    ['prefix offset', 35, 200],
    ['slice length', 34, 0],
  ])('validate says what is wrong with a changed %s', (_name, word, value) => {
    const memory = builtPlan();
    new Uint32Array(memory)[word] = value;
    expect(PacketPlan.validate(memory)).toEqual(expect.any(String));
  });

  it('validate never throws on noise', () => {
    const changes = fc.array(fc.tuple(fc.nat(44), fc.integer({ min: 0, max: 2 ** 32 - 1 })), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(changes, (list) => {
        const memory = builtPlan();
        const words = new Uint32Array(memory);
        for (const [word, value] of list) words[word] = value;
        PacketPlan.validate(memory);
      }),
    );
    expect(PacketPlan.validate(new SharedArrayBuffer(3))).toMatch(/^3 bytes/);
    expect(() => new PacketPlan(new SharedArrayBuffer(32))).toThrow(TypeError);
  });
});

describe('PacketPlanBuilder', () => {
  it('gives up a unit that makes it run full of packets and keeps those before', () => {
    const builder = new PacketPlanBuilder(0);
    builder.openUnit(0);
    for (let packet = 0; packet < MAX_PLAN_PACKETS - 1; packet += 1) builder.endPacket(packet, 1, false);
    expect(builder.closeUnit(1, 0)).toBe(MAX_PLAN_PACKETS - 1);
    builder.openUnit(1);
    expect(builder.endPacket(0, 1, false)).toBe(0);
    expect(builder.endPacket(0, 1, false)).toBe(-ENOBUFS);
    expect(builder.closeUnit(2, UNIT_FLAG.key)).toBe(-ENOBUFS);
    expect([builder.packetCount, builder.damagedFrames]).toEqual([MAX_PLAN_PACKETS - 1, 2]);
    const memory = builder.seal();
    expect(PacketPlan.validate(memory)).toBeUndefined();
    expect(new PacketPlan(memory).packetCountOf(1)).toBe(0);
  });

  it('keeps the prefixes before an abandoned unit and drops those within it', () => {
    const builder = new PacketPlanBuilder(0);
    for (const value of [1, 2, 3]) {
      builder.openUnit(0);
      builder.appendUint8(value);
      builder.endPacket(0, 0, true);
      if (value === 2) builder.abandonUnit();
      builder.closeUnit(1, 0);
    }
    const memory = builder.seal();
    const plan = new PacketPlan(memory);
    expect([0, 1].map((packet) => new Uint8Array(memory)[plan.prefixOffsetOf(packet)])).toEqual([1, 3]);
    expect(new Uint32Array(memory)[6]).toBe(2);
  });

  it('gives up a unit that makes it run full of prefix bytes', () => {
    const builder = new PacketPlanBuilder(0);
    builder.openUnit(0);
    builder.append(new Uint8Array(MAX_PLAN_PREFIX_BYTES + 1));
    expect(builder.endPacket(0, 1, true)).toBe(-ENOBUFS);
    expect(builder.closeUnit(1, 0)).toBe(-ENOBUFS);
    expect(PacketPlan.validate(builder.seal())).toBeUndefined();
  });

  it.each([
    ['an empty packet', (builder: PacketPlanBuilder) => builder.endPacket(0, 0, false), RangeError],
    [
      'a payload over 65,495 bytes',
      (builder: PacketPlanBuilder) => builder.endPacket(0, 65_496, false),
      RangeError,
    ],
    [
      'a slice beyond 48 bits',
      (builder: PacketPlanBuilder) => builder.endPacket(2 ** 48 - 1, 1, false),
      RangeError,
    ],
    ['a unit without frames', (builder: PacketPlanBuilder) => builder.closeUnit(0, 0), RangeError],
    ['a unit in a unit', (builder: PacketPlanBuilder) => builder.openUnit(0), TypeError],
    ['sealing an open unit', (builder: PacketPlanBuilder) => builder.seal(), TypeError],
  ])('rejects %s', (_name, mistake, kind) => {
    const builder = new PacketPlanBuilder(0);
    builder.openUnit(0);
    expect(() => mistake(builder)).toThrow(kind);
  });

  it('rejects packets outside a unit, and a first frame outside its range', () => {
    expect(() => new PacketPlanBuilder(0).endPacket(0, 1, false)).toThrow(TypeError);
    expect(() => new PacketPlanBuilder(-1)).toThrow(/^firstFrame/);
  });
});
