/**
 * Sender reports: what ties RTP timestamps to wall-clock time, so that players keep audio and video together.
 * Written by sender sessions every few seconds. Rule: ours carry no report blocks, as we receive no media.
 * Spec: RFC 3550 §6.4.1.
 *
 * ```
 *   |V=2|P|    RC   |   PT=SR=200   |             length            |
 *   |                         SSRC of sender                        |
 *   |              NTP timestamp, most significant word             |
 *   |             NTP timestamp, least significant word             |
 *   |                         RTP timestamp                         |
 *   |                     sender's packet count                     |
 *   |                      sender's octet count                     |
 *   report blocks, RC times (see receiver-report)
 * ```
 */
import { ENOBUFS } from '../errno';
import { REPORT_BLOCK_BYTES } from './receiver-report';
import { RTCP_TYPE, readUint32, rtcpBytesAt, rtcpCountAt, writeRtcpHeader, writeUint32 } from './rtcp-header';

/** Size of a sender report without report blocks, in bytes. */
export const SENDER_REPORT_BYTES = 28;

/** What a sender says of itself; all 0..2^32-1. */
export interface SenderReport {
  ssrc: number;
  ntpSeconds: number;
  /** In units of 2^-32 s. */
  ntpFraction: number;
  /** The RTP timestamp of the same instant, in ticks of the payload's clock. */
  rtpTimestamp: number;
  packetCount: number;
  /** Payload octets, without headers and padding. */
  octetCount: number;
}

/** Makes a report to be filled in or read into. */
export function emptySenderReport(): SenderReport {
  return { ssrc: 0, ntpSeconds: 0, ntpFraction: 0, rtpTimestamp: 0, packetCount: 0, octetCount: 0 };
}

/**
 * Writes an SR without report blocks at `offset` and returns its bytes, or -ENOBUFS without room. Values wrap
 * at 2^32.
 */
export function writeSenderReport(target: Uint8Array, offset: number, report: SenderReport): number {
  if (offset + SENDER_REPORT_BYTES > target.length) return -ENOBUFS;
  writeRtcpHeader(target, offset, 0, RTCP_TYPE.senderReport, SENDER_REPORT_BYTES);
  writeUint32(target, offset + 4, report.ssrc);
  writeUint32(target, offset + 8, report.ntpSeconds);
  writeUint32(target, offset + 12, report.ntpFraction);
  writeUint32(target, offset + 16, report.rtpTimestamp);
  writeUint32(target, offset + 20, report.packetCount);
  writeUint32(target, offset + 24, report.octetCount);
  return SENDER_REPORT_BYTES;
}

/**
 * Reads the SR at `offset` of a valid compound into `report`. Returns the number of its report blocks, which
 * begin SENDER_REPORT_BYTES further on, or -1 when its length has no room for what it counts.
 */
export function readSenderReport(bytes: Uint8Array, offset: number, report: SenderReport): number {
  const count = rtcpCountAt(bytes, offset);
  if (rtcpBytesAt(bytes, offset) < SENDER_REPORT_BYTES + count * REPORT_BLOCK_BYTES) return -1;
  report.ssrc = readUint32(bytes, offset + 4);
  report.ntpSeconds = readUint32(bytes, offset + 8);
  report.ntpFraction = readUint32(bytes, offset + 12);
  report.rtpTimestamp = readUint32(bytes, offset + 16);
  report.packetCount = readUint32(bytes, offset + 20);
  report.octetCount = readUint32(bytes, offset + 24);
  return count;
}
