/**
 * The bit layout of a packet plan: one SharedArrayBuffer of 32-bit words, read by TypeScript (units) and by
 * the native sender (packets). Used by PacketPlanBuilder and PacketPlan. Rule: a number that both languages
 * must agree on stands here.
 *
 * ```
 *  header, 8 words    [0] magic        [1] unitCount     [2] packetCount   [3] unitsOffset, bytes
 *                     [4] packetsOffset, bytes           [5] bytesOffset, bytes
 *                     [6] bytesLength  [7] firstFrame
 *  unit, 8 words      [0] firstFrame   [1] frameCount    [2] firstPacket   [3] packetCount
 *                     [4] RTP timestamp                  [5] payload bytes of all its packets
 *                     [6] flags        [7] 0
 *  packet, 4 words    [0] file offset, low 32 bits
 *                     [1] 31      prefix length      16 15   file offset, high 16   0
 *                     [2] 31      flags              16 15   slice length           0
 *                     [3] prefix offset, relative to bytesOffset
 *  bytes              the prefixes, padded to a whole word
 * ```
 * Payload of a packet = bytes[prefixOffset, +prefixLength] ++ file[offset, +sliceLength]. Words are little
 * endian, which is the byte order of every machine Finch runs on, so both languages read them as native
 * integers.
 */

/** Identifies a plan; the bytes "PLAN" in memory. */
export const PLAN_MAGIC = 0x4e414c50;
/** Size of the header in words. */
export const PLAN_HEADER_WORDS = 8;
/** Size of a unit in words. */
export const PLAN_UNIT_WORDS = 8;
/** Size of a packet in words. */
export const PLAN_PACKET_WORDS = 4;

/** Bounds the units of one plan. */
export const MAX_PLAN_UNITS = 65_535;
/** Bounds the packets of one plan: packet numbers fit 16 bits. */
export const MAX_PLAN_PACKETS = 65_535;
/** Bounds the prefixes of one plan, in bytes. */
export const MAX_PLAN_PREFIX_BYTES = 8 * 1024 * 1024;
/** Bounds the end of a slice in the file: offsets have 48 bits. In bytes. */
export const MAX_PLAN_FILE_OFFSET_BYTES = 2 ** 48 - 1;
/** Bounds an RTP payload: 65,507 bytes of UDP payload less the 12-byte RTP header. */
export const MAX_PAYLOAD_BYTES = 65_495;

/** Flags of a unit; combined with `|`. */
export const UNIT_FLAG = {
  /** Decoding can start here. */
  key: 1,
  /** No other picture refers to it: nal_ref_idc is 0 in all of its slices (ITU-T H.264 §7.4.1). */
  disposable: 2,
} as const;

/** Flags of a packet. */
export const PACKET_FLAG = {
  /** The marker bit of its RTP header (RFC 3550 §5.1). */
  marker: 1,
} as const;
