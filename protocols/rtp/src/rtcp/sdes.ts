/**
 * Source descriptions; of their items only CNAME, which ties the tracks of one presentation together.
 * Written by sender sessions, read in tests. Rule: an item is walked only within the packet's own length.
 * Spec: RFC 3550 §6.5, §6.5.1.
 *
 * ```
 *   |V=2|P|    SC   |  PT=SDES=202  |             length            |
 *   chunk, SC times:
 *   |                          SSRC/CSRC_1                          |
 *   |    CNAME=1    |     length    | user and domain name        ...
 *   ... null octet, then to the next 32-bit boundary
 * ```
 */
import { ENOBUFS } from '../errno';
import {
  RTCP_HEADER_BYTES,
  RTCP_TYPE,
  readUint32,
  rtcpBytesAt,
  rtcpCountAt,
  writeRtcpHeader,
  writeUint32,
} from './rtcp-header';

/** Bounds a canonical name, in bytes of UTF-8. */
export const MAX_CNAME_BYTES = 255;

const CNAME_ITEM = 1;
const ITEM_HEADER_BYTES = 2;
const SSRC_BYTES = 4;

/** The size of an SDES packet with one chunk of one CNAME of `cnameBytes`, in bytes. */
export function sourceDescriptionBytes(cnameBytes: number): number {
  // One null octet at least ends the items of a chunk, then zeros to the next word.
  return RTCP_HEADER_BYTES + SSRC_BYTES + (Math.floor((ITEM_HEADER_BYTES + cnameBytes) / 4) + 1) * 4;
}

/**
 * Writes the SDES of `ssrc` with `cname` (UTF-8) at `offset` and returns its bytes, or -ENOBUFS without room.
 * RangeError for a name over 255 bytes.
 */
export function writeSourceDescription(
  target: Uint8Array,
  offset: number,
  ssrc: number,
  cname: Uint8Array,
): number {
  if (cname.length > MAX_CNAME_BYTES)
    throw new RangeError(`cname must be at most ${MAX_CNAME_BYTES} bytes: ${cname.length}`);
  const packetBytes = sourceDescriptionBytes(cname.length);
  const end = offset + packetBytes;
  if (end > target.length) return -ENOBUFS;
  writeRtcpHeader(target, offset, 1, RTCP_TYPE.sourceDescription, packetBytes);
  writeUint32(target, offset + RTCP_HEADER_BYTES, ssrc);
  const item = offset + RTCP_HEADER_BYTES + SSRC_BYTES;
  target[item] = CNAME_ITEM;
  target[item + 1] = cname.length;
  target.set(cname, item + ITEM_HEADER_BYTES);
  target.fill(0, item + ITEM_HEADER_BYTES + cname.length, end);
  return packetBytes;
}

/**
 * The CNAME of `ssrc` in the SDES at `offset` of a valid compound; null when it isn't there or the packet is
 * malformed.
 */
export function readCname(bytes: Uint8Array, offset: number, ssrc: number): string | null {
  const end = Math.min(offset + rtcpBytesAt(bytes, offset), bytes.length);
  let at = offset + RTCP_HEADER_BYTES;
  for (let chunk = rtcpCountAt(bytes, offset); chunk > 0 && at + SSRC_BYTES <= end; chunk -= 1) {
    const isWanted = readUint32(bytes, at) === ssrc;
    at += SSRC_BYTES;
    while (at < end && bytes[at] !== 0) {
      const itemEnd = at + ITEM_HEADER_BYTES + (bytes[at + 1] ?? 0);
      if (itemEnd > end) return null;
      if (isWanted && bytes[at] === CNAME_ITEM)
        return Buffer.from(bytes.subarray(at + ITEM_HEADER_BYTES, itemEnd)).toString('utf8');
      at = itemEnd;
    }
    at = offset + (Math.floor((at - offset) / 4) + 1) * 4;
  }
  return null;
}
