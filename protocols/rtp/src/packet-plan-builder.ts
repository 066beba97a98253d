/**
 * Makes a packet plan unit by unit and packet by packet. Called by packetizers on a blocking thread. Rule: a
 * unit is kept whole or not at all, and every frame of the run ends up in exactly one unit; so a plan that
 * runs full, or a frame that turns out unreadable, leaves a unit without packets and the plan stays valid.
 * Layout: packet-plan-layout.
 */
import { ENOBUFS } from './errno';
import {
  MAX_PAYLOAD_BYTES,
  MAX_PLAN_FILE_OFFSET_BYTES,
  MAX_PLAN_PACKETS,
  MAX_PLAN_PREFIX_BYTES,
  MAX_PLAN_UNITS,
  PACKET_FLAG,
  PLAN_HEADER_WORDS,
  PLAN_MAGIC,
  PLAN_PACKET_WORDS,
  PLAN_UNIT_WORDS,
} from './packet-plan-layout';

const FIRST_UNITS = 64;
const FIRST_PACKETS = 512;
const FIRST_PREFIX_BYTES = 4096;

/** Collects units in frame order, then seals them into the shared memory of one plan. */
export class PacketPlanBuilder {
  /** Frames of which something had to be left out: cut short, too large for the plan, or unreadable. */
  damagedFrames = 0;
  /** NAL units or access units left out because the payload format can't carry them. */
  droppedElements = 0;

  readonly #firstFrame: number;
  #units = new Uint32Array(FIRST_UNITS * PLAN_UNIT_WORDS);
  #packets = new Uint32Array(FIRST_PACKETS * PLAN_PACKET_WORDS);
  #bytes = new Uint8Array(FIRST_PREFIX_BYTES);
  #unitCount = 0;
  #packetCount = 0;
  #bytesLength = 0;
  #nextFrame: number;

  #unitIsOpen = false;
  #unitFailed = false;
  #unitTimestamp = 0;
  #unitFirstPacket = 0;
  #unitFirstByte = 0;
  #unitPayloadBytes = 0;
  #prefixStart = 0;

  /** Begins a plan whose first unit begins with `firstFrame`, 0..2^32-1. RangeError otherwise. */
  constructor(firstFrame: number) {
    if (!Number.isInteger(firstFrame) || firstFrame < 0 || firstFrame > 0xffffffff)
      throw new RangeError(`firstFrame must be 0..2^32-1: ${firstFrame}`);
    this.#firstFrame = firstFrame;
    this.#nextFrame = firstFrame;
  }

  get unitCount(): number {
    return this.#unitCount;
  }

  get packetCount(): number {
    return this.#packetCount;
  }

  /** Says whether the open unit won't be kept, so that a packetizer can stop working on it. */
  get unitFailed(): boolean {
    return this.#unitFailed;
  }

  /**
   * Opens the unit of the next frames. `ptsTicks` is of its first frame; the RTP timestamp is that modulo
   * 2^32.
   */
  openUnit(ptsTicks: number): void {
    if (this.#unitIsOpen) throw new TypeError('the unit before is still open');
    if (this.#unitCount === MAX_PLAN_UNITS)
      throw new RangeError(`a plan has at most ${MAX_PLAN_UNITS} units`);
    this.#unitIsOpen = true;
    this.#unitFailed = false;
    this.#unitTimestamp = Math.floor(ptsTicks) >>> 0;
    this.#unitFirstPacket = this.#packetCount;
    this.#unitFirstByte = this.#bytesLength;
    this.#unitPayloadBytes = 0;
    this.#prefixStart = this.#bytesLength;
  }

  /** Appends one byte, 0..255, to the prefix of the coming packet. */
  appendUint8(value: number): void {
    if (!this.#reserveBytes(1)) return;
    this.#bytes[this.#bytesLength++] = value;
  }

  /** Appends 16 bits, 0..65535, in network order to the prefix of the coming packet. */
  appendUint16(value: number): void {
    if (!this.#reserveBytes(2)) return;
    this.#bytes[this.#bytesLength++] = value >>> 8;
    this.#bytes[this.#bytesLength++] = value;
  }

  /** Appends a copy of `bytes` to the prefix of the coming packet. */
  append(bytes: Uint8Array): void {
    if (!this.#reserveBytes(bytes.length)) return;
    this.#bytes.set(bytes, this.#bytesLength);
    this.#bytesLength += bytes.length;
  }

  /**
   * Ends a packet: what was appended since the packet before, followed by `sliceBytes` of the file from
   * `fileOffset` on. Returns 0, or -ENOBUFS when the plan is full; the unit is then lost. RangeError for a
   * slice that a plan can't name.
   */
  endPacket(fileOffset: number, sliceBytes: number, marker: boolean): number {
    this.#requireUnit();
    if (this.#packetCount === MAX_PLAN_PACKETS) this.#unitFailed = true;
    if (this.#unitFailed) return -ENOBUFS;
    const prefixBytes = this.#bytesLength - this.#prefixStart;
    checkPacket(fileOffset, prefixBytes, sliceBytes);
    const at = this.#packetCount * PLAN_PACKET_WORDS;
    this.#packets = grownWords(this.#packets, at + PLAN_PACKET_WORDS);
    this.#packets[at] = fileOffset % 2 ** 32;
    this.#packets[at + 1] = Math.floor(fileOffset / 2 ** 32) | (prefixBytes << 16);
    this.#packets[at + 2] = sliceBytes | ((marker ? PACKET_FLAG.marker : 0) << 16);
    this.#packets[at + 3] = this.#prefixStart;
    this.#packetCount += 1;
    this.#unitPayloadBytes += prefixBytes + sliceBytes;
    this.#prefixStart = this.#bytesLength;
    return 0;
  }

  /** Sets the marker bit on the last packet of the open unit; does nothing when it has none. */
  markLastPacket(): void {
    this.#requireUnit();
    if (this.#packetCount === this.#unitFirstPacket) return;
    this.#packets[(this.#packetCount - 1) * PLAN_PACKET_WORDS + 2]! |= PACKET_FLAG.marker << 16;
  }

  /** Gives the open unit up: closing it keeps its frames and none of its packets. */
  abandonUnit(): void {
    this.#requireUnit();
    this.#unitFailed = true;
  }

  /**
   * Closes the open unit, which holds the next `frameCount` frames (1 or more); `flags` are UNIT_FLAG bits.
   * Returns its packet count, or -ENOBUFS when it was abandoned or the plan ran full: then no packet of it is
   * kept and its frames count as damaged.
   */
  closeUnit(frameCount: number, flags: number): number {
    this.#requireUnit();
    if (!Number.isInteger(frameCount) || frameCount < 1)
      throw new RangeError(`frameCount must be 1 or more: ${frameCount}`);
    if (this.#unitFailed) this.#dropUnitPackets(frameCount);
    const packetCount = this.#packetCount - this.#unitFirstPacket;
    this.#writeUnit(frameCount, packetCount, flags);
    this.#nextFrame += frameCount;
    this.#unitCount += 1;
    this.#unitIsOpen = false;
    return this.#unitFailed ? -ENOBUFS : packetCount;
  }

  /** Adds a unit of one frame that yields no packet. */
  addEmptyUnit(ptsTicks: number, flags: number): void {
    this.openUnit(ptsTicks);
    this.closeUnit(1, flags);
  }

  /** Copies the plan into memory of its own, to be shared by all threads. TypeError while a unit is open. */
  seal(): SharedArrayBuffer {
    if (this.#unitIsOpen) throw new TypeError('the last unit is still open');
    const unitsOffset = PLAN_HEADER_WORDS * 4;
    const packetsOffset = unitsOffset + this.#unitCount * PLAN_UNIT_WORDS * 4;
    const bytesOffset = packetsOffset + this.#packetCount * PLAN_PACKET_WORDS * 4;
    const memory = new SharedArrayBuffer(bytesOffset + Math.ceil(this.#bytesLength / 4) * 4);
    const words = new Uint32Array(memory);
    const counts = [PLAN_MAGIC, this.#unitCount, this.#packetCount];
    words.set([...counts, unitsOffset, packetsOffset, bytesOffset, this.#bytesLength, this.#firstFrame]);
    words.set(this.#units.subarray(0, this.#unitCount * PLAN_UNIT_WORDS), unitsOffset / 4);
    words.set(this.#packets.subarray(0, this.#packetCount * PLAN_PACKET_WORDS), packetsOffset / 4);
    new Uint8Array(memory, bytesOffset).set(this.#bytes.subarray(0, this.#bytesLength));
    return memory;
  }

  #requireUnit(): void {
    if (!this.#unitIsOpen) throw new TypeError('no unit is open');
  }

  #dropUnitPackets(frameCount: number): void {
    this.damagedFrames += frameCount;
    this.#packetCount = this.#unitFirstPacket;
    this.#bytesLength = this.#unitFirstByte;
    this.#unitPayloadBytes = 0;
  }

  #writeUnit(frameCount: number, packetCount: number, flags: number): void {
    const at = this.#unitCount * PLAN_UNIT_WORDS;
    this.#units = grownWords(this.#units, at + PLAN_UNIT_WORDS);
    this.#units[at] = this.#nextFrame;
    this.#units[at + 1] = frameCount;
    this.#units[at + 2] = this.#unitFirstPacket;
    this.#units[at + 3] = packetCount;
    this.#units[at + 4] = this.#unitTimestamp;
    this.#units[at + 5] = this.#unitPayloadBytes;
    this.#units[at + 6] = flags;
    this.#units[at + 7] = 0;
  }

  #reserveBytes(count: number): boolean {
    this.#requireUnit();
    const needed = this.#bytesLength + count;
    if (needed > MAX_PLAN_PREFIX_BYTES) this.#unitFailed = true;
    if (this.#unitFailed) return false;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return true;
  }
}

function grownWords(words: Uint32Array<ArrayBuffer>, needed: number): Uint32Array<ArrayBuffer> {
  if (needed <= words.length) return words;
  const grown = new Uint32Array(Math.max(needed, words.length * 2));
  grown.set(words);
  return grown;
}

function checkPacket(fileOffset: number, prefixBytes: number, sliceBytes: number): void {
  if (!Number.isSafeInteger(sliceBytes) || sliceBytes < 0)
    throw new RangeError(`sliceBytes must be 0 or more: ${sliceBytes}`);
  if (
    !Number.isSafeInteger(fileOffset) ||
    fileOffset < 0 ||
    fileOffset + sliceBytes > MAX_PLAN_FILE_OFFSET_BYTES
  )
    throw new RangeError(`fileOffset must be 0..2^48-1 with its slice: ${fileOffset}`);
  const payloadBytes = prefixBytes + sliceBytes;
  if (payloadBytes < 1 || payloadBytes > MAX_PAYLOAD_BYTES)
    throw new RangeError(`a payload has 1..${MAX_PAYLOAD_BYTES} bytes: ${payloadBytes}`);
}
