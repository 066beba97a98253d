/**
 * The four bytes every RTCP packet begins with. Used by the files of this folder.
 * Rule: reading checks nothing; `validateCompound` does, before. Spec: RFC 3550 §6.4.1, §12.1.
 *
 * ```
 *    0                   1                   2                   3
 *   |V=2|P|  count  |  packet type  |   length in words less one    |
 * ```
 */

/** RTCP packet types (RFC 3550 §12.1). */
export const RTCP_TYPE = {
  senderReport: 200,
  receiverReport: 201,
  sourceDescription: 202,
  goodbye: 203,
  application: 204,
  /** RFC 4585 §6.2. */
  transportFeedback: 205,
} as const;

/** Size of the header in bytes. */
export const RTCP_HEADER_BYTES = 4;
/** The largest count in a header. */
export const MAX_RTCP_COUNT = 31;

const VERSION_BITS = 2 << 6;
const PADDING_BIT = 0x20;
const COUNT_BITS = 0x1f;

/** The version of the packet at `offset`; 2 is the only one. */
export function rtcpVersionAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! >>> 6;
}

/** Says whether the packet at `offset` ends with padding. */
export function rtcpHasPaddingAt(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset]! & PADDING_BIT) !== 0;
}

/** The count of the packet at `offset`: report blocks, chunks or sources, 0..31. */
export function rtcpCountAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! & COUNT_BITS;
}

/** The type of the packet at `offset`, 0..255. */
export function rtcpTypeAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset + 1]!;
}

/** The size of the packet at `offset` with its header, 4..262144 bytes. */
export function rtcpBytesAt(bytes: Uint8Array, offset: number): number {
  return (((bytes[offset + 2]! << 8) | bytes[offset + 3]!) + 1) * 4;
}

/** Writes a header; `packetBytes` counts the header and is a multiple of 4. */
export function writeRtcpHeader(
  target: Uint8Array,
  offset: number,
  count: number,
  type: number,
  packetBytes: number,
): void {
  const words = packetBytes / 4 - 1;
  target[offset] = VERSION_BITS | count;
  target[offset + 1] = type;
  target[offset + 2] = words >>> 8;
  target[offset + 3] = words;
}

/** Reads 32 bits in network order. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  const high = (bytes[offset]! << 8) | bytes[offset + 1]!;
  return ((high << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}

/** Writes 32 bits in network order; `value` is taken modulo 2^32. */
export function writeUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
}
