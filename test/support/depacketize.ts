/**
 * Small depacketizers: RTP payloads back to NAL units and access units. Used by packetizer tests.
 * Rule: strict; what a receiver would have to guess about throws. Specs: RFC 6184 §5.6-§5.8, RFC 3640 §3.2, §3.3.6.
 */
import type { PacketPlan } from '@finch/rtp/packet-plan';

/** A packet as a receiver sees it, with its place in the plan's unit. */
export interface Received {
  readonly payload: Uint8Array;
  readonly marker: boolean;
}

/** Puts the packets of a unit together out of the plan and the file. */
export function receivedOf(plan: PacketPlan, unit: number, file: Uint8Array): Received[] {
  const first = plan.firstPacketOf(unit);
  return Array.from({ length: plan.packetCountOf(unit) }, (_, index) => {
    const packet = first + index;
    const prefix = new Uint8Array(plan.memory, plan.prefixOffsetOf(packet), plan.prefixBytesOf(packet));
    const offset = plan.fileOffsetOf(packet);
    const slice = file.subarray(offset, offset + plan.sliceBytesOf(packet));
    if (slice.length !== plan.sliceBytesOf(packet)) throw new Error(`packet ${packet} lies outside the file`);
    return { payload: Buffer.concat([prefix, slice]), marker: plan.hasMarker(packet) };
  });
}

/** The NAL units of the packets of one access unit. */
export function nalUnitsOf(packets: readonly Received[]): Buffer[] {
  const nalUnits: Buffer[] = [];
  let fragments: Uint8Array[] | undefined;
  for (const { payload } of packets) {
    const type = payload[0]! & 0x1f;
    if (fragments !== undefined && type !== 28) throw new Error(`type ${type} within an FU-A`);
    if (type === 24) nalUnits.push(...aggregatedIn(payload));
    else if (type === 28) fragments = joinFragment(payload, fragments, nalUnits);
    else if (type >= 1 && type <= 23) nalUnits.push(Buffer.from(payload));
    else throw new Error(`type ${type} is not for packetization mode 1`);
  }
  if (fragments !== undefined) throw new Error('the last FU-A has no end');
  return nalUnits;
}

function aggregatedIn(payload: Uint8Array): Buffer[] {
  const nalUnits: Buffer[] = [];
  let highestNri = 0;
  let at = 1;
  while (at < payload.length) {
    const size = (payload[at]! << 8) | payload[at + 1]!;
    if (!(size >= 1 && at + 2 + size <= payload.length)) throw new Error(`STAP-A size ${size} at ${at}`);
    highestNri = Math.max(highestNri, payload[at + 2]! & 0x60);
    nalUnits.push(Buffer.from(payload.subarray(at + 2, at + 2 + size)));
    at += 2 + size;
  }
  if (nalUnits.length < 2) throw new Error(`STAP-A of ${nalUnits.length} NAL units`);
  if ((payload[0]! & 0xe0) !== highestNri) throw new Error('STAP-A NRI is not the highest of its NAL units');
  return nalUnits;
}

function joinFragment(
  payload: Uint8Array,
  before: Uint8Array[] | undefined,
  nalUnits: Buffer[],
): Uint8Array[] | undefined {
  const isStart = (payload[1]! & 0x80) !== 0;
  const isEnd = (payload[1]! & 0x40) !== 0;
  if (payload.length < 3 || (isStart && isEnd) || isStart !== (before === undefined))
    throw new Error('bad FU-A');
  const header = Uint8Array.of((payload[0]! & 0xe0) | (payload[1]! & 0x1f));
  const fragments = [...(before ?? [header]), payload.subarray(2)];
  if (!isEnd) return fragments;
  nalUnits.push(Buffer.concat(fragments));
  return undefined;
}

/** The AAC access units of the packets of one unit (AAC-hbr). */
export function accessUnitsOf(packets: readonly Received[]): Buffer[] {
  const accessUnits: Buffer[] = [];
  let fragments: Uint8Array[] = [];
  for (const { payload, marker } of packets) {
    const { sizes, data } = headersOf(payload);
    const whole = sizes.reduce((sum, size) => sum + size, 0);
    if (whole === data.length && fragments.length === 0) {
      if (!marker) throw new Error('whole access units without marker');
      let at = 0;
      for (const size of sizes) {
        accessUnits.push(Buffer.from(data.subarray(at, at + size)));
        at += size;
      }
      continue;
    }
    if (sizes.length !== 1) throw new Error(`a fragment with ${sizes.length} AU-headers`);
    fragments.push(data);
    const joined = Buffer.concat(fragments);
    if (marker !== (joined.length === sizes[0])) throw new Error('marker is not on the last fragment');
    if (!marker) continue;
    accessUnits.push(joined);
    fragments = [];
  }
  if (fragments.length > 0) throw new Error('the last access unit has no end');
  return accessUnits;
}

function headersOf(payload: Uint8Array): { sizes: number[]; data: Uint8Array } {
  const bits = (payload[0]! << 8) | payload[1]!;
  if (bits === 0 || bits % 16 !== 0 || 2 + bits / 8 > payload.length)
    throw new Error(`AU-headers-length ${bits}`);
  const sizes = Array.from({ length: bits / 16 }, (_, index) => {
    const header = (payload[2 + index * 2]! << 8) | payload[3 + index * 2]!;
    if ((header & 7) !== 0) throw new Error(`AU-Index ${header & 7}, expected 0`);
    return header >>> 3;
  });
  return { sizes, data: payload.subarray(2 + bits / 8) };
}
