/**
 * AAC access units to RTP packets in mode AAC-hbr. Called by the plan job on a blocking thread. Rule: several
 * access units share a packet (a lone audio packet costs as much as eight of video), but never so many that
 * losing it, or waiting for it, is heard. Spec: RFC 3640 §2.11, §3.1, §3.2, §3.3.6.
 *
 * ```
 *   |AU-headers-length, 16 bits, in bits| AU-header ... | access unit ... |
 *   AU-header   |AU-size, 13 bits|AU-Index or AU-Index-delta, 3 bits: 0|
 * ```
 */
import type { FrameTable } from '@finch/core/stream/frame-table';
import type { AacConfig } from '@finch/core/stream/track';
import type { PacketPlanBuilder } from '../packet-plan-builder';
import { UNIT_FLAG } from '../packet-plan-layout';
import type { FrameBytes } from '../windowed-reader';
import { checkRun, fragmentBytes, isPlannable, type PacketizerOptions } from './packetizer';

/** Bounds the media time in one packet, in microseconds; a single longer access unit is still sent. */
export const MAX_AAC_LATENCY_US = 120_000;
/** Bounds the access units in one packet. */
export const MAX_AAC_ACCESS_UNITS = 8;
/** The largest access unit that AU-size can name with 13 bits, in bytes. */
export const MAX_AAC_ACCESS_UNIT_BYTES = 8191;

const HEADERS_LENGTH_BYTES = 2;
const AU_HEADER_BYTES = 2;
const AU_HEADER_BITS = 16;
const AU_INDEX_BITS = 3;

/** Adds the units of a run of AAC frames to `builder`; the contract is Packetizer's. */
export function packetizeAacRun(
  config: AacConfig,
  frames: FrameTable,
  firstFrame: number,
  frameCount: number,
  source: FrameBytes,
  options: PacketizerOptions,
  builder: PacketPlanBuilder,
): void {
  checkRun(frames, firstFrame, frameCount, options);
  const run = new AacRun(config, frames, source, options, builder);
  for (let frame = firstFrame; frame < firstFrame + frameCount; frame += 1) run.add(frame);
  run.flush();
}

/** Gathers access units until a packet is full. */
class AacRun {
  readonly #frames: FrameTable;
  readonly #source: FrameBytes;
  readonly #builder: PacketPlanBuilder;
  readonly #maxPayloadBytes: number;
  readonly #frameTicks: number;
  readonly #maxCount: number;
  #first = 0;
  #count = 0;
  #bytes = 0;

  constructor(
    config: AacConfig,
    frames: FrameTable,
    source: FrameBytes,
    options: PacketizerOptions,
    builder: PacketPlanBuilder,
  ) {
    this.#frames = frames;
    this.#source = source;
    this.#builder = builder;
    this.#maxPayloadBytes = options.maxPayloadBytes;
    this.#frameTicks = config.samplesPerFrame;
    const frameUs = (config.samplesPerFrame * 1e6) / config.sampleRateHz;
    this.#maxCount = Math.min(MAX_AAC_ACCESS_UNITS, Math.floor(MAX_AAC_LATENCY_US / frameUs));
  }

  /** Takes the next frame of the run. */
  add(frame: number): void {
    const sizeBytes = this.#frames.sizes[frame]!;
    if (!isPlannable(this.#frames, frame) || sizeBytes > MAX_AAC_ACCESS_UNIT_BYTES) {
      this.flush();
      this.#builder.droppedElements += 1;
      this.#builder.damagedFrames += 1;
      this.#builder.addEmptyUnit(this.#frames.ptsTicks[frame]!, UNIT_FLAG.key);
      return;
    }
    if (!this.#canJoin(frame, sizeBytes)) this.flush();
    if (HEADERS_LENGTH_BYTES + AU_HEADER_BYTES + sizeBytes > this.#maxPayloadBytes) {
      this.#writeFragments(frame, sizeBytes);
      return;
    }
    if (this.#count === 0) this.#first = frame;
    this.#count += 1;
    this.#bytes += sizeBytes;
  }

  /** Writes the gathered access units as one packet. */
  flush(): void {
    if (this.#count === 0) return;
    const end = this.#first + this.#count;
    this.#builder.openUnit(this.#frames.ptsTicks[this.#first]!);
    this.#builder.appendUint16(this.#count * AU_HEADER_BITS);
    for (let frame = this.#first; frame < end; frame += 1)
      this.#builder.appendUint16(this.#frames.sizes[frame]! << AU_INDEX_BITS);
    const tail = this.#tailStart(end);
    for (let frame = this.#first; frame < tail; frame += 1) this.#copy(frame);
    const offset = this.#frames.offsets[tail]!;
    const tailEnd = this.#frames.offsets[end - 1]! + this.#frames.sizes[end - 1]!;
    this.#builder.endPacket(offset, tailEnd - offset, true);
    this.#builder.closeUnit(this.#count, UNIT_FLAG.key);
    this.#count = 0;
    this.#bytes = 0;
  }

  /** Access units of a packet follow each other in time (AU-Index-delta 0), so a gap ends it. */
  #canJoin(frame: number, sizeBytes: number): boolean {
    const count = this.#count;
    if (count === 0) return true;
    const payloadBytes = HEADERS_LENGTH_BYTES + (count + 1) * AU_HEADER_BYTES + this.#bytes + sizeBytes;
    const dueTicks = this.#frames.ptsTicks[this.#first]! + count * this.#frameTicks;
    const gapTicks = Math.abs(this.#frames.ptsTicks[frame]! - dueTicks);
    return (
      count < this.#maxCount && payloadBytes <= this.#maxPayloadBytes && gapTicks <= this.#frameTicks / 2
    );
  }

  /**
   * The first of the gathered frames from which on all lie side by side in the file: those needn't be copied.
   */
  #tailStart(end: number): number {
    const { offsets, sizes } = this.#frames;
    let tail = end - 1;
    while (tail > this.#first && offsets[tail - 1]! + sizes[tail - 1]! === offsets[tail]!) tail -= 1;
    return tail;
  }

  #copy(frame: number): void {
    const sizeBytes = this.#frames.sizes[frame]!;
    const bytes = this.#source.read(this.#frames.offsets[frame]!, sizeBytes);
    if (bytes.length === sizeBytes) this.#builder.append(bytes);
    else this.#builder.abandonUnit();
  }

  /**
   * Every fragment names the size of the whole access unit (RFC 3640 §3.2.1.1); the marker is on the last
   * (§3.1).
   */
  #writeFragments(frame: number, sizeBytes: number): void {
    const offset = this.#frames.offsets[frame]!;
    const maxBytes = this.#maxPayloadBytes - HEADERS_LENGTH_BYTES - AU_HEADER_BYTES;
    const step = fragmentBytes(sizeBytes, maxBytes);
    this.#builder.openUnit(this.#frames.ptsTicks[frame]!);
    for (let at = 0; at < sizeBytes; at += step) {
      const end = Math.min(at + step, sizeBytes);
      this.#builder.appendUint16(AU_HEADER_BITS);
      this.#builder.appendUint16(sizeBytes << AU_INDEX_BITS);
      this.#builder.endPacket(offset + at, end - at, end === sizeBytes);
    }
    this.#builder.closeUnit(1, UNIT_FLAG.key);
  }
}
