/**
 * Writes NAL units as RTP payloads: single NAL unit packets, STAP-A and FU-A. Called by the H.264 packetizer,
 * once per access unit. Rule: NAL units leave in decoding order (packetization mode 1), and what is large
 * stays in the file. Spec: RFC 6184 §5.6, §5.7.1, §5.8, §6.3.
 *
 * ```
 *   STAP-A   |F|NRI| 24 | size, 16 bits | NAL unit | size, 16 bits | NAL unit ...
 *   FU-A     |F|NRI| 28 | |S|E|R| Type | fragment of the NAL unit without its header
 * ```
 */
import type { PacketPlanBuilder } from '../packet-plan-builder';
import type { FrameBytes } from '../windowed-reader';
import { fragmentBytes } from './packetizer';

/**
 * The largest NAL unit that is copied into a plan to share a packet, in bytes: delimiters, parameter sets,
 * SEI, tiny slices.
 */
export const MAX_AGGREGATED_NAL_BYTES = 256;

const NRI_BITS = 0x60;
const TYPE_BITS = 0x1f;
const STAP_A_TYPE = 24;
const STAP_A_HEADER_BYTES = 1;
const STAP_A_SIZE_BYTES = 2;
const FU_A_TYPE = 28;
const FU_A_HEADER_BYTES = 2;
const FU_A_START = 0x80;
const FU_A_END = 0x40;
const IN_MEMORY = -1;

/** Turns the NAL units of one access unit after the other into packets of a plan. */
export class H264PayloadWriter {
  /** NAL units left out because the file ended within them. */
  droppedCount = 0;
  readonly #source: FrameBytes;
  readonly #builder: PacketPlanBuilder;
  readonly #maxPayloadBytes: number;
  /** Waiting NAL units in the form of a STAP-A, each behind its size. */
  readonly #waiting: Uint8Array;
  #waitingBytes = 0;
  #waitingCount = 0;
  #waitingNri = 0;
  #waitingOffset = IN_MEMORY;

  constructor(source: FrameBytes, builder: PacketPlanBuilder, maxPayloadBytes: number) {
    this.#source = source;
    this.#builder = builder;
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#waiting = new Uint8Array(maxPayloadBytes);
  }

  /** Adds a NAL unit that lies in the file; `header` is its first byte. */
  addFromFile(offset: number, nalBytes: number, header: number): void {
    if (nalBytes > this.#maxPayloadBytes) {
      this.flush();
      this.#writeFragments(header, nalBytes, offset, undefined);
      return;
    }
    if (!this.#hasRoomFor(nalBytes)) this.flush();
    const canWait = nalBytes <= MAX_AGGREGATED_NAL_BYTES && this.#hasRoomFor(nalBytes);
    if (canWait) this.#waitFor(this.#source.read(offset, nalBytes), nalBytes, offset);
    else if (this.#waitingCount > 0) this.#writeAggregate(offset, nalBytes, header);
    else this.#builder.endPacket(offset, nalBytes, false);
  }

  /**
   * Adds a NAL unit that the file holds elsewhere, such as a parameter set of the configuration; empty ones
   * are skipped.
   */
  addFromMemory(nalUnit: Uint8Array): void {
    if (nalUnit.length === 0) return;
    if (nalUnit.length > this.#maxPayloadBytes) {
      this.flush();
      this.#writeFragments(nalUnit[0]!, nalUnit.length, 0, nalUnit);
      return;
    }
    if (!this.#hasRoomFor(nalUnit.length)) this.flush();
    if (this.#hasRoomFor(nalUnit.length)) this.#waitFor(nalUnit, nalUnit.length, IN_MEMORY);
    else {
      this.#builder.append(nalUnit);
      this.#builder.endPacket(0, 0, false);
    }
  }

  /** Writes what still waits for company. Called at the end of an access unit. */
  flush(): void {
    if (this.#waitingCount > 1) {
      this.#writeAggregate(0, 0, 0);
      return;
    }
    if (this.#waitingCount === 1) this.#writeSingle();
    this.#clearWaiting();
  }

  #hasRoomFor(nalBytes: number): boolean {
    const needed = STAP_A_HEADER_BYTES + this.#waitingBytes + STAP_A_SIZE_BYTES + nalBytes;
    return needed <= this.#maxPayloadBytes;
  }

  #waitFor(nalUnit: Uint8Array, nalBytes: number, offset: number): void {
    if (nalUnit.length < nalBytes) {
      this.droppedCount += 1;
      return;
    }
    const at = this.#waitingBytes;
    this.#waiting[at] = nalBytes >>> 8;
    this.#waiting[at + 1] = nalBytes;
    this.#waiting.set(nalUnit, at + STAP_A_SIZE_BYTES);
    this.#waitingBytes = at + STAP_A_SIZE_BYTES + nalBytes;
    this.#waitingCount += 1;
    // RFC 6184 §5.7: the NRI of the packet is the highest of the NAL units in it.
    this.#waitingNri = Math.max(this.#waitingNri, nalUnit[0]! & NRI_BITS);
    this.#waitingOffset = offset;
  }

  /** One that found no company goes as it is. */
  #writeSingle(): void {
    const nalBytes = this.#waitingBytes - STAP_A_SIZE_BYTES;
    if (this.#waitingOffset !== IN_MEMORY) {
      this.#builder.endPacket(this.#waitingOffset, nalBytes, false);
      return;
    }
    this.#builder.append(this.#waiting.subarray(STAP_A_SIZE_BYTES, this.#waitingBytes));
    this.#builder.endPacket(0, 0, false);
  }

  /** The waiting ones and, when `tailBytes` > 0, one more that stays in the file. */
  #writeAggregate(tailOffset: number, tailBytes: number, tailHeader: number): void {
    this.#builder.appendUint8(Math.max(this.#waitingNri, tailHeader & NRI_BITS) | STAP_A_TYPE);
    this.#builder.append(this.#waiting.subarray(0, this.#waitingBytes));
    if (tailBytes > 0) this.#builder.appendUint16(tailBytes);
    this.#builder.endPacket(tailOffset, tailBytes, false);
    this.#clearWaiting();
  }

  #clearWaiting(): void {
    this.#waitingBytes = 0;
    this.#waitingCount = 0;
    this.#waitingNri = 0;
    this.#waitingOffset = IN_MEMORY;
  }

  /** Equal fragments, since segmentation offload sends equal packets as one. */
  #writeFragments(header: number, nalBytes: number, offset: number, memory: Uint8Array | undefined): void {
    const step = fragmentBytes(nalBytes - 1, this.#maxPayloadBytes - FU_A_HEADER_BYTES);
    for (let at = 1; at < nalBytes && !this.#builder.unitFailed; at += step) {
      const end = Math.min(at + step, nalBytes);
      const position = (at === 1 ? FU_A_START : 0) | (end === nalBytes ? FU_A_END : 0);
      this.#builder.appendUint8((header & NRI_BITS) | FU_A_TYPE);
      this.#builder.appendUint8(position | (header & TYPE_BITS));
      if (memory === undefined) this.#builder.endPacket(offset + at, end - at, false);
      else {
        this.#builder.append(memory.subarray(at, end));
        this.#builder.endPacket(0, 0, false);
      }
    }
  }
}
