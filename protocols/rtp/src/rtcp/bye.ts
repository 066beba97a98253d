/**
 * Goodbyes: a source says that it sends no more. Written at the end of a stream, read from viewers that
 * leave. Rule: sources and reason are read only within the packet's own length. Spec: RFC 3550 §6.6.
 *
 * ```
 *   |V=2|P|    SC   |   PT=BYE=203  |             length            |
 *   |                           SSRC/CSRC, SC times                 |
 *   |     length    |               reason for leaving            ... (optional)
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

/** Size of a BYE of one source without a reason, in bytes. */
export const BYE_BYTES = 8;

/** Writes the BYE of one source at `offset` and returns its bytes, or -ENOBUFS without room. */
export function writeBye(target: Uint8Array, offset: number, ssrc: number): number {
  if (offset + BYE_BYTES > target.length) return -ENOBUFS;
  writeRtcpHeader(target, offset, 1, RTCP_TYPE.goodbye, BYE_BYTES);
  writeUint32(target, offset + RTCP_HEADER_BYTES, ssrc);
  return BYE_BYTES;
}

/** Says whether the BYE at `offset` of a valid compound names `ssrc`. */
export function byeNames(bytes: Uint8Array, offset: number, ssrc: number): boolean {
  const count = byeSourceCount(bytes, offset);
  for (let index = 0; index < count; index += 1)
    if (readUint32(bytes, offset + RTCP_HEADER_BYTES + index * 4) === ssrc) return true;
  return false;
}

/** The number of sources the BYE at `offset` names; -1 when its length has no room for those it counts. */
export function byeSourceCount(bytes: Uint8Array, offset: number): number {
  const count = rtcpCountAt(bytes, offset);
  return rtcpBytesAt(bytes, offset) < RTCP_HEADER_BYTES + count * 4 ? -1 : count;
}

/** The reason in the BYE at `offset` of a valid compound; null when there is none or it is malformed. */
export function readByeReason(bytes: Uint8Array, offset: number): string | null {
  const end = offset + rtcpBytesAt(bytes, offset);
  const at = offset + RTCP_HEADER_BYTES + rtcpCountAt(bytes, offset) * 4;
  if (at >= end || end > bytes.length) return null;
  const reasonEnd = at + 1 + bytes[at]!;
  return reasonEnd > end ? null : Buffer.from(bytes.subarray(at + 1, reasonEnd)).toString('utf8');
}
