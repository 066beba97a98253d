/**
 * The fixed RTP header. Used by tests and wherever packets don't go through the native sender, which writes
 * its own. Rule: what came from the wire is checked against its length before it is believed; malformed gives
 * null, not a throw. Spec: RFC 3550 §5.1, §5.3.1.
 *
 * ```
 *    0                   1                   2                   3
 *   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   |                           timestamp                           |
 *   |           synchronization source (SSRC) identifier            |
 *   |            contributing source (CSRC) identifiers, CC times   |
 * ```
 */

/** Size of the header without contributing sources, in bytes. */
export const RTP_HEADER_BYTES = 12;
/** The version of RTP. */
export const RTP_VERSION = 2;

const PADDING_BIT = 0x20;
const EXTENSION_BIT = 0x10;
const CSRC_COUNT_BITS = 0x0f;
const MARKER_BIT = 0x80;
const PAYLOAD_TYPE_BITS = 0x7f;
const EXTENSION_HEADER_BYTES = 4;

/** The fields of the fixed header. */
export interface RtpHeader {
  readonly marker: boolean;
  /** 0..127. */
  readonly payloadType: number;
  /** 0..65535. */
  readonly sequenceNumber: number;
  /** 0..2^32-1, in ticks of the payload's clock. */
  readonly timestamp: number;
  /** 0..2^32-1. */
  readonly ssrc: number;
}

/** A header and where the payload lies, without padding. */
export interface RtpPacketView extends RtpHeader {
  /** In bytes from the start of the packet. */
  readonly payloadOffset: number;
  readonly payloadBytes: number;
}

/**
 * Writes 12 bytes at `offset` and returns that number. Values are taken modulo their width.
 * RangeError when `target` has no room.
 */
export function writeRtpHeader(target: Uint8Array, offset: number, header: RtpHeader): number {
  if (offset < 0 || offset + RTP_HEADER_BYTES > target.length)
    throw new RangeError(`target has no room for ${RTP_HEADER_BYTES} bytes at offset ${offset}`);
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  target[offset] = RTP_VERSION << 6;
  target[offset + 1] = (header.marker ? MARKER_BIT : 0) | (header.payloadType & PAYLOAD_TYPE_BITS);
  view.setUint16(offset + 2, header.sequenceNumber);
  view.setUint32(offset + 4, header.timestamp);
  view.setUint32(offset + 8, header.ssrc);
  return RTP_HEADER_BYTES;
}

/**
 * Parses one RTP packet. Returns null when it is too short, of another version, or its lengths contradict
 * each other.
 */
export function parseRtpPacket(packet: Uint8Array): RtpPacketView | null {
  if (packet.length < RTP_HEADER_BYTES || packet[0]! >>> 6 !== RTP_VERSION) return null;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const payloadOffset = payloadOffsetOf(packet, view);
  const paddingBytes = (packet[0]! & PADDING_BIT) === 0 ? 0 : packet[packet.length - 1]!;
  const payloadBytes = packet.length - payloadOffset - paddingBytes;
  // The last byte of padding counts itself (RFC 3550 §5.1), so 0 contradicts the padding bit.
  const isPaddingWrong = (packet[0]! & PADDING_BIT) !== 0 && paddingBytes === 0;
  if (payloadBytes < 0 || isPaddingWrong) return null;
  return {
    marker: (packet[1]! & MARKER_BIT) !== 0,
    payloadType: packet[1]! & PAYLOAD_TYPE_BITS,
    sequenceNumber: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    payloadOffset,
    payloadBytes,
  };
}

/**
 * Behind contributing sources and a header extension (RFC 3550 §5.3.1); beyond the packet when they don't fit
 * it.
 */
function payloadOffsetOf(packet: Uint8Array, view: DataView): number {
  const fixedBytes = RTP_HEADER_BYTES + (packet[0]! & CSRC_COUNT_BITS) * 4;
  if ((packet[0]! & EXTENSION_BIT) === 0) return fixedBytes;
  if (fixedBytes + EXTENSION_HEADER_BYTES > packet.length) return packet.length + 1;
  return fixedBytes + EXTENSION_HEADER_BYTES + view.getUint16(fixedBytes + 2) * 4;
}
