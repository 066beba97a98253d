/**
 * Receiver reports, and the report blocks that sender reports hold too. Read by sender sessions, for every
 * report of every viewer. Rule: reads into an object of the caller's (hot path, no allocation); sizes are
 * checked before values. Spec: RFC 3550 §6.4.1, §6.4.2.
 *
 * ```
 *   |V=2|P|    RC   |   PT=RR=201   |             length            |
 *   |                     SSRC of packet sender                     |
 *   report block, RC times:
 *   |                 SSRC_n (SSRC of the source)                   |
 *   | fraction lost |       cumulative number of packets lost       |
 *   |           extended highest sequence number received           |
 *   |                      interarrival jitter                      |
 *   |                         last SR (LSR)                         |
 *   |                   delay since last SR (DLSR)                  |
 * ```
 */
import { ENOBUFS } from '../errno';
import {
  MAX_RTCP_COUNT,
  RTCP_HEADER_BYTES,
  RTCP_TYPE,
  readUint32,
  rtcpBytesAt,
  rtcpCountAt,
  writeRtcpHeader,
  writeUint32,
} from './rtcp-header';

/** Size of a report block in bytes. */
export const REPORT_BLOCK_BYTES = 24;

const BLOCKS_OFFSET = RTCP_HEADER_BYTES + 4;

/** What a receiver tells of one source. */
export interface ReportBlock {
  /** The source the block is about, 0..2^32-1. */
  ssrc: number;
  /** Packets lost since the report before, in 1/256, 0..255. */
  fractionLost: number;
  /** Packets lost in all; below 0 when duplicates arrived. -2^23..2^23-1. */
  cumulativeLost: number;
  /** Highest sequence number with its cycles in the upper 16 bits, 0..2^32-1. */
  highestSequence: number;
  /** In ticks of the payload's clock, 0..2^32-1. */
  jitterTicks: number;
  /** Middle 32 bits of the NTP time of the last sender report; 0 when there was none. */
  lastSr: number;
  /** Delay since then in 1/65536 s. */
  delaySinceLastSr: number;
}

/** Makes a block to read into. */
export function emptyReportBlock(): ReportBlock {
  return {
    ssrc: 0,
    fractionLost: 0,
    cumulativeLost: 0,
    highestSequence: 0,
    jitterTicks: 0,
    lastSr: 0,
    delaySinceLastSr: 0,
  };
}

/** The number of report blocks of the RR at `offset`; -1 when its length has no room for those it counts. */
export function receiverReportBlockCount(bytes: Uint8Array, offset: number): number {
  const count = rtcpCountAt(bytes, offset);
  return rtcpBytesAt(bytes, offset) < BLOCKS_OFFSET + count * REPORT_BLOCK_BYTES ? -1 : count;
}

/** Reads block `index` of the RR at `offset` into `block`; `index` is below the block count. */
export function readReceiverReportBlock(
  bytes: Uint8Array,
  offset: number,
  index: number,
  block: ReportBlock,
): void {
  readReportBlock(bytes, offset + BLOCKS_OFFSET + index * REPORT_BLOCK_BYTES, block);
}

/** Reads the report block that begins at `offset` into `block`. */
export function readReportBlock(bytes: Uint8Array, offset: number, block: ReportBlock): void {
  const lost = readUint32(bytes, offset + 4);
  block.ssrc = readUint32(bytes, offset);
  block.fractionLost = lost >>> 24;
  // 24 bits, signed (RFC 3550 §6.4.1): shift the sign up, then back.
  block.cumulativeLost = (lost << 8) >> 8;
  block.highestSequence = readUint32(bytes, offset + 8);
  block.jitterTicks = readUint32(bytes, offset + 12);
  block.lastSr = readUint32(bytes, offset + 16);
  block.delaySinceLastSr = readUint32(bytes, offset + 20);
}

/**
 * Writes an RR from `senderSsrc` with `blocks` (at most 31) at `offset` and returns its bytes, or -ENOBUFS
 * without room. RangeError for more blocks.
 */
export function writeReceiverReport(
  target: Uint8Array,
  offset: number,
  senderSsrc: number,
  blocks: readonly ReportBlock[],
): number {
  if (blocks.length > MAX_RTCP_COUNT)
    throw new RangeError(`blocks must be at most ${MAX_RTCP_COUNT}: ${blocks.length}`);
  const packetBytes = BLOCKS_OFFSET + blocks.length * REPORT_BLOCK_BYTES;
  if (offset + packetBytes > target.length) return -ENOBUFS;
  writeRtcpHeader(target, offset, blocks.length, RTCP_TYPE.receiverReport, packetBytes);
  writeUint32(target, offset + RTCP_HEADER_BYTES, senderSsrc);
  let at = offset + BLOCKS_OFFSET;
  for (const block of blocks) {
    writeReportBlock(target, at, block);
    at += REPORT_BLOCK_BYTES;
  }
  return packetBytes;
}

function writeReportBlock(target: Uint8Array, offset: number, block: ReportBlock): void {
  writeUint32(target, offset, block.ssrc);
  writeUint32(target, offset + 4, (block.fractionLost << 24) | (block.cumulativeLost & 0xffffff));
  writeUint32(target, offset + 8, block.highestSequence);
  writeUint32(target, offset + 12, block.jitterTicks);
  writeUint32(target, offset + 16, block.lastSr);
  writeUint32(target, offset + 20, block.delaySinceLastSr);
}
