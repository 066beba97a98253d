/**
 * Generic NACKs: the packets that a receiver misses and wants again. Read by senders, written in tests. Rule: reading
 * allocates nothing; sizes are checked before values. Spec: RFC 4585 §6.1, §6.2.1.
 *
 * ```
 *   |V=2|P| FMT=1   | PT=RTPFB=205  |             length            |
 *   |                  SSRC of packet sender                        |
 *   |                  SSRC of media source                         |
 *   |      PID: sequence number     |  BLP: bit i: PID + i + 1, too |   once or more
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

const GENERIC_NACK = 1;
const ITEMS_OFFSET = RTCP_HEADER_BYTES + 8;
const ITEM_BYTES = 4;
const MASK_BITS = 16;

/** Hears of packets that did not arrive. */
export interface NackListener {
  /** The packet with this sequence number, 0..65535, is wanted again. */
  missed(sequence: number): void;
}

/** Whether the packet at `offset`, which is of the type transportFeedback, is a generic NACK about `ssrc`. */
export function isNackOf(bytes: Uint8Array, offset: number, ssrc: number): boolean {
  const isWhole = rtcpBytesAt(bytes, offset) >= ITEMS_OFFSET + ITEM_BYTES;
  return isWhole && rtcpCountAt(bytes, offset) === GENERIC_NACK && readUint32(bytes, offset + 8) === ssrc;
}

/** Tells the sequence numbers of the generic NACK at `offset`, in its order. */
export function readNack(bytes: Uint8Array, offset: number, listener: NackListener): void {
  const end = offset + rtcpBytesAt(bytes, offset);
  for (let at = offset + ITEMS_OFFSET; at + ITEM_BYTES <= end; at += ITEM_BYTES) {
    const item = readUint32(bytes, at);
    const first = item >>> MASK_BITS;
    listener.missed(first);
    for (let bit = 0; bit < MASK_BITS; bit++)
      if (item & (1 << bit)) listener.missed((first + bit + 1) & 0xffff);
  }
}

/**
 * Writes a generic NACK about `mediaSsrc` at `offset`, one item a sequence number, and returns its bytes, or -ENOBUFS without
 * room.
 */
export function writeNack(
  target: Uint8Array,
  offset: number,
  senderSsrc: number,
  mediaSsrc: number,
  sequences: readonly number[],
): number {
  const packetBytes = ITEMS_OFFSET + sequences.length * ITEM_BYTES;
  if (offset + packetBytes > target.length) return -ENOBUFS;
  writeRtcpHeader(target, offset, GENERIC_NACK, RTCP_TYPE.transportFeedback, packetBytes);
  writeUint32(target, offset + 4, senderSsrc);
  writeUint32(target, offset + 8, mediaSsrc);
  sequences.forEach((sequence, i) => {
    writeUint32(target, offset + ITEMS_OFFSET + i * ITEM_BYTES, (sequence << MASK_BITS) >>> 0);
  });
  return packetBytes;
}
