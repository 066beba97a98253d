/**
 * The NAL units of one access unit as MP4 stores it: each behind its length. Used by the H.264 packetizer.
 * Rule: reads lengths and header bytes only, and never beyond the frame. Specs: ISO/IEC 14496-15 §5.3.4.2;
 * ITU-T H.264 §7.3.1, §7.4.1; RFC 6184 §5.2 (types 24-31 belong to RTP).
 *
 * ```
 *   NAL unit header       0 1 2 3 4 5 6 7
 *                        |F|NRI|  Type   |
 * ```
 */
import type { FrameBytes } from '../windowed-reader';

/** Types of NAL units that packetizing depends on (ITU-T H.264 table 7-1). */
export const NAL_TYPE = { slice: 1, idrSlice: 5, sps: 7, pps: 8, accessUnitDelimiter: 9 } as const;

/** Bounds the NAL units of one frame; what follows is dropped as damage. */
export const MAX_NAL_UNITS_PER_FRAME = 16_384;

const FORBIDDEN_BIT = 0x80;
const NRI_BITS = 0x60;
const TYPE_BITS = 0x1f;
const FIRST_RTP_TYPE = 24;
const FIRST_CAPACITY = 64;

/** Holds the usable NAL units of the frame scanned last; reused from frame to frame. */
export class NalUnitList {
  /** Number of usable NAL units. */
  count = 0;
  /** Where each lies in the file, in bytes, without its length. */
  offsets = new Float64Array(FIRST_CAPACITY);
  /** Bytes of each, 1 or more. */
  sizes = new Uint32Array(FIRST_CAPACITY);
  /** The first byte of each. */
  headers = new Uint8Array(FIRST_CAPACITY);
  /** NAL units left out: forbidden bit set, or of a type that RTP uses itself. */
  droppedCount = 0;
  /** Says that the frame ends in the midst of a NAL unit, or can't be read. */
  isDamaged = false;
  hasIdrSlice = false;
  hasSps = false;
  hasPps = false;
  #hasSlice = false;
  #hasReferenceSlice = false;

  /** Says whether no other picture refers to this one: it has slices, all of them with nal_ref_idc 0. */
  get isDisposable(): boolean {
    return this.#hasSlice && !this.#hasReferenceSlice;
  }

  /** Type of a NAL unit, 1..23. */
  typeOf(index: number): number {
    return this.headers[index]! & TYPE_BITS;
  }

  /** Scans the frame of `sizeBytes` at `offset`. Faults in it end up in `droppedCount` and `isDamaged`. */
  scan(source: FrameBytes, offset: number, sizeBytes: number, nalLengthSizeBytes: 1 | 2 | 4): void {
    this.#clear();
    const end = offset + sizeBytes;
    let at = offset;
    for (let seen = 0; at < end; seen += 1) {
      const head = source.read(at, Math.min(nalLengthSizeBytes + 1, end - at));
      if (seen === MAX_NAL_UNITS_PER_FRAME || head.length < nalLengthSizeBytes) {
        this.isDamaged = true;
        return;
      }
      const nalBytes = bigEndian(head, nalLengthSizeBytes);
      at += nalLengthSizeBytes;
      if (nalBytes > end - at || (nalBytes > 0 && head.length === nalLengthSizeBytes)) {
        this.isDamaged = true;
        return;
      }
      if (nalBytes > 0) this.#add(at, nalBytes, head[nalLengthSizeBytes]!);
      at += nalBytes;
    }
  }

  #clear(): void {
    this.count = 0;
    this.droppedCount = 0;
    this.isDamaged = false;
    this.hasIdrSlice = false;
    this.hasSps = false;
    this.hasPps = false;
    this.#hasSlice = false;
    this.#hasReferenceSlice = false;
  }

  #add(offset: number, nalBytes: number, header: number): void {
    const type = header & TYPE_BITS;
    if ((header & FORBIDDEN_BIT) !== 0 || type === 0 || type >= FIRST_RTP_TYPE) {
      this.droppedCount += 1;
      return;
    }
    if (this.count === this.offsets.length) this.#grow();
    this.offsets[this.count] = offset;
    this.sizes[this.count] = nalBytes;
    this.headers[this.count] = header;
    this.count += 1;
    this.#note(type, (header & NRI_BITS) !== 0);
  }

  #note(type: number, isReference: boolean): void {
    if (type >= NAL_TYPE.slice && type <= NAL_TYPE.idrSlice) {
      this.#hasSlice = true;
      if (isReference) this.#hasReferenceSlice = true;
    }
    if (type === NAL_TYPE.idrSlice) this.hasIdrSlice = true;
    else if (type === NAL_TYPE.sps) this.hasSps = true;
    else if (type === NAL_TYPE.pps) this.hasPps = true;
  }

  #grow(): void {
    const capacity = this.offsets.length * 2;
    const { offsets, sizes, headers } = this;
    this.offsets = new Float64Array(capacity);
    this.sizes = new Uint32Array(capacity);
    this.headers = new Uint8Array(capacity);
    this.offsets.set(offsets);
    this.sizes.set(sizes);
    this.headers.set(headers);
  }
}

function bigEndian(bytes: Uint8Array, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index += 1) value = value * 256 + bytes[index]!;
  return value;
}
