/**
 * Compound RTCP packets: what one datagram (or interleaved frame) of RTCP holds. Read and written by sender
 * sessions. Rule: the whole is validated before any part is read; malformed gives -1 or false, never a throw,
 * and nothing is allocated (hot path). Spec: RFC 3550 §6.1, appendix A.2. Reduced-size RTCP (RFC 5506) is not
 * negotiated, so not taken.
 */
import { ENOBUFS } from '../errno';
import { writeBye } from './bye';
import { writeReceiverReport } from './receiver-report';
import {
  RTCP_HEADER_BYTES,
  RTCP_TYPE,
  rtcpBytesAt,
  rtcpCountAt,
  rtcpHasPaddingAt,
  rtcpTypeAt,
  rtcpVersionAt,
} from './rtcp-header';
import { writeSourceDescription } from './sdes';
import { type SenderReport, writeSenderReport } from './sender-report';

const RTCP_VERSION = 2;
const NO_BLOCKS: readonly never[] = [];

/**
 * Checks [offset, offset + length) of `bytes` (RFC 3550 A.2): version 2 throughout, a report first and
 * without padding, padding in the last packet only, lengths that add up. Returns the number of packets, or -1
 * when malformed.
 */
export function validateCompound(bytes: Uint8Array, offset: number, length: number): number {
  const end = offset + length;
  if (length < RTCP_HEADER_BYTES || end > bytes.length || !isFirstPacketValid(bytes, offset)) return -1;
  let count = 0;
  let at = offset;
  while (at < end) {
    if (end - at < RTCP_HEADER_BYTES || rtcpVersionAt(bytes, at) !== RTCP_VERSION) return -1;
    const next = at + rtcpBytesAt(bytes, at);
    if (next > end) return -1;
    if (rtcpHasPaddingAt(bytes, at) && !isPaddingValid(bytes, at, next, end)) return -1;
    at = next;
    count += 1;
  }
  return count;
}

function isFirstPacketValid(bytes: Uint8Array, offset: number): boolean {
  const type = rtcpTypeAt(bytes, offset);
  const isReport = type === RTCP_TYPE.senderReport || type === RTCP_TYPE.receiverReport;
  return isReport && !rtcpHasPaddingAt(bytes, offset);
}

/** The last octet counts the padding, itself included; a multiple of four (RFC 3550 §6.4.1). */
function isPaddingValid(bytes: Uint8Array, at: number, next: number, end: number): boolean {
  const paddingBytes = bytes[next - 1]!;
  const isWhole = paddingBytes > 0 && paddingBytes % 4 === 0;
  return next === end && isWhole && paddingBytes <= next - at - RTCP_HEADER_BYTES;
}

/** Walks the packets of a compound; one is reused for all. */
export class CompoundCursor {
  /** Where the packet it stands on begins, in bytes. */
  offset = 0;
  /** Its type, see RTCP_TYPE. */
  type = 0;
  /** Its count of blocks, chunks or sources. */
  count = 0;
  #next = 0;
  #end = 0;

  /**
   * Validates a compound and stands before its first packet. False when it is malformed; `next` is then false
   * too.
   */
  start(bytes: Uint8Array, offset: number, length: number): boolean {
    const isValid = validateCompound(bytes, offset, length) > 0;
    this.#next = offset;
    this.#end = isValid ? offset + length : offset;
    return isValid;
  }

  /** Moves to the next packet; false behind the last. `bytes` are those of `start`. */
  next(bytes: Uint8Array): boolean {
    if (this.#next >= this.#end) return false;
    this.offset = this.#next;
    this.type = rtcpTypeAt(bytes, this.offset);
    this.count = rtcpCountAt(bytes, this.offset);
    this.#next = this.offset + rtcpBytesAt(bytes, this.offset);
    return true;
  }
}

/**
 * Writes SR + SDES (CNAME) at `offset` and returns their bytes, or -ENOBUFS without room. RangeError for a
 * name over 255 bytes.
 */
export function writeReportCompound(
  target: Uint8Array,
  offset: number,
  report: SenderReport,
  cname: Uint8Array,
): number {
  const reportBytes = writeSenderReport(target, offset, report);
  if (reportBytes < 0) return -ENOBUFS;
  const sdesBytes = writeSourceDescription(target, offset + reportBytes, report.ssrc, cname);
  return sdesBytes < 0 ? -ENOBUFS : reportBytes + sdesBytes;
}

/**
 * Writes SR + SDES + BYE at `offset` and returns their bytes, or -ENOBUFS without room. A source that has
 * sent nothing (`report.packetCount` 0) writes an empty RR in place of the SR (RFC 3550 §6.4).
 */
export function writeByeCompound(
  target: Uint8Array,
  offset: number,
  report: SenderReport,
  cname: Uint8Array,
): number {
  const headBytes =
    report.packetCount === 0
      ? writeEmptyReportCompound(target, offset, report.ssrc, cname)
      : writeReportCompound(target, offset, report, cname);
  if (headBytes < 0) return -ENOBUFS;
  const byeBytes = writeBye(target, offset + headBytes, report.ssrc);
  return byeBytes < 0 ? -ENOBUFS : headBytes + byeBytes;
}

function writeEmptyReportCompound(
  target: Uint8Array,
  offset: number,
  ssrc: number,
  cname: Uint8Array,
): number {
  const reportBytes = writeReceiverReport(target, offset, ssrc, NO_BLOCKS);
  if (reportBytes < 0) return -ENOBUFS;
  const sdesBytes = writeSourceDescription(target, offset + reportBytes, ssrc, cname);
  return sdesBytes < 0 ? -ENOBUFS : reportBytes + sdesBytes;
}
