/**
 * The parameter sets of an H.264 track: from its avcC box, or from its first frame where the box has none (avc3).
 * Called by sample-description. Rule: a set is only believed when its NAL unit header says what it is.
 * Spec: ISO/IEC 14496-15 §5.3.3.1; ITU-T H.264 §7.3.1.
 * ```
 *   0        1        2        3        4           5            6
 *   | 1      | profile| compat | level  |111111| L-1|111| #SPS   | 16-bit length, SPS ... | #PPS | length, PPS ...
 * ```
 */

import { MediaError } from '@finch/core/stream/media-error';
import type { H264Config } from '@finch/core/stream/track';
import type { Box } from './box-reader';

/** An avcC box, whose sets may be missing. */
export interface AvcConfiguration {
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
  readonly nalLengthSizeBytes: 1 | 2 | 4;
}

const SPS_TYPE = 7;
const PPS_TYPE = 8;
/** An SPS has its NAL unit header, profile, constraints, level and one byte more; a PPS its header and one byte. */
const MIN_SPS_BYTES = 5;
const MIN_PPS_BYTES = 2;
const NAL_LENGTH_SIZES: readonly (1 | 2 | 4 | undefined)[] = [1, 2, undefined, 4];

/** Reads an avcC box; an empty one stands for "in band, 4-byte lengths". MediaError `broken`. */
export function readAvcConfiguration(avcC: Box): AvcConfiguration {
  if (avcC.sizeBytes === 0) return { sps: [], pps: [], nalLengthSizeBytes: 4 };
  if (avcC.u8(0) !== 1) throw new MediaError('broken', `avcC has version ${avcC.u8(0)}, expected 1`);
  const nalLengthSizeBytes = NAL_LENGTH_SIZES[avcC.u8(4) & 3];
  if (nalLengthSizeBytes === undefined)
    throw new MediaError('broken', 'avcC has NAL unit lengths of 3 bytes, expected 1, 2 or 4');
  const sps = readSets(avcC, 6, avcC.u8(5) & 31);
  const pps = readSets(avcC, sps.end + 1, avcC.u8(sps.end));
  sps.sets.forEach((set) => {
    requireSet(set, SPS_TYPE, MIN_SPS_BYTES);
  });
  pps.sets.forEach((set) => {
    requireSet(set, PPS_TYPE, MIN_PPS_BYTES);
  });
  return { sps: sps.sets, pps: pps.sets, nalLengthSizeBytes };
}

/** Makes the configuration, with sets from the first frame when the box has none. MediaError `broken`. */
export function completeAvcConfiguration(avc: AvcConfiguration, firstFrame: () => Uint8Array): H264Config {
  const { nalLengthSizeBytes } = avc;
  if (avc.sps.length > 0 && avc.pps.length > 0)
    return { codec: 'h264', sps: avc.sps, pps: avc.pps, nalLengthSizeBytes };
  const units = nalUnits(firstFrame(), nalLengthSizeBytes);
  const sps = units.filter((unit) => isSet(unit, SPS_TYPE, MIN_SPS_BYTES));
  const pps = units.filter((unit) => isSet(unit, PPS_TYPE, MIN_PPS_BYTES));
  if (sps.length === 0 || pps.length === 0)
    throw new MediaError('broken', 'neither avcC nor the first frame has an SPS and a PPS');
  return { codec: 'h264', sps, pps, nalLengthSizeBytes };
}

function readSets(avcC: Box, from: number, count: number): { sets: Uint8Array[]; end: number } {
  const sets: Uint8Array[] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    const length = avcC.u16(at);
    // A copy: the track outlives the moov.
    sets.push(avcC.bytes(at + 2, length).slice());
    at += 2 + length;
  }
  return { sets, end: at };
}

function requireSet(unit: Uint8Array, type: number, minBytes: number): void {
  if (!isSet(unit, type, minBytes))
    throw new MediaError(
      'broken',
      `avcC has ${unit.length} bytes of NAL unit type ${unit.length > 0 ? unit[0]! & 31 : 'none'}, ` +
        `expected ${minBytes} or more of type ${type}`,
    );
}

/** A NAL unit of that type with forbidden_zero_bit 0. */
function isSet(unit: Uint8Array, type: number, minBytes: number): boolean {
  return unit.length >= minBytes && (unit[0]! & 0x9f) === type;
}

/** The whole NAL units at the start of a frame; ends quietly at the first that is cut off. */
function nalUnits(frame: Uint8Array, lengthSizeBytes: number): Uint8Array[] {
  const units: Uint8Array[] = [];
  let at = 0;
  while (at + lengthSizeBytes <= frame.length) {
    let length = 0;
    for (let i = 0; i < lengthSizeBytes; i++) length = length * 256 + frame[at + i]!;
    at += lengthSizeBytes;
    if (length > frame.length - at) break;
    // Empty units would fill memory with nothing.
    if (length > 0 && isParameterSet(frame[at]!)) units.push(frame.slice(at, at + length));
    at += length;
  }
  return units;
}

function isParameterSet(header: number): boolean {
  return (header & 0x9f) === SPS_TYPE || (header & 0x9f) === PPS_TYPE;
}
