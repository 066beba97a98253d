/**
 * What every packetizer is: a function that turns a run of frames into the units and packets of a plan.
 * Called by the plan job on a blocking thread. Rule: what a file says wrong never throws; it costs the frame
 * it stands in.
 */
import type { FrameTable } from '@finch/core/stream/frame-table';
import type { CodecConfig } from '@finch/core/stream/track';
import type { PacketPlanBuilder } from '../packet-plan-builder';
import { MAX_PAYLOAD_BYTES, MAX_PLAN_FILE_OFFSET_BYTES, MAX_PLAN_UNITS } from '../packet-plan-layout';
import type { FrameBytes } from '../windowed-reader';

/** The RTP payload that fits an Ethernet frame: 1500 less 20 (IPv4), 8 (UDP) and 12 (RTP) bytes. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 1460;
/** The smallest RTP payload a packetizer works with, in bytes; leaves room for payload headers. */
export const MIN_MAX_PAYLOAD_BYTES = 64;

/** How large packets may be. */
export interface PacketizerOptions {
  /** Bounds the RTP payload of a packet without the 12-byte header: 64..65495 bytes, usually 1460. */
  readonly maxPayloadBytes: number;
}

/** Maps a codec to its configuration, for tables that have one entry per codec. */
export type ConfigByCodec = {
  readonly [Codec in CodecConfig['codec']]: Extract<CodecConfig, { readonly codec: Codec }>;
};

/**
 * Adds the units of frames [firstFrame, firstFrame + frameCount) to `builder`, whose next frame is
 * `firstFrame`. What was left out is counted in the builder. RangeError for a run outside the table or
 * options outside their range.
 */
export type Packetizer<Config extends CodecConfig> = (
  config: Config,
  frames: FrameTable,
  firstFrame: number,
  frameCount: number,
  source: FrameBytes,
  options: PacketizerOptions,
  builder: PacketPlanBuilder,
) => void;

/** Throws a RangeError that names the argument when a run or an option is outside its range. */
export function checkRun(
  frames: FrameTable,
  firstFrame: number,
  frameCount: number,
  { maxPayloadBytes }: PacketizerOptions,
): void {
  if (!Number.isInteger(firstFrame) || firstFrame < 0 || firstFrame > frames.length)
    throw new RangeError(`firstFrame must be 0..${frames.length}: ${firstFrame}`);
  const most = Math.min(frames.length - firstFrame, MAX_PLAN_UNITS);
  if (!Number.isInteger(frameCount) || frameCount < 0 || frameCount > most)
    throw new RangeError(`frameCount must be 0..${most}: ${frameCount}`);
  const isPayloadSize = maxPayloadBytes >= MIN_MAX_PAYLOAD_BYTES && maxPayloadBytes <= MAX_PAYLOAD_BYTES;
  if (!Number.isInteger(maxPayloadBytes) || !isPayloadSize)
    throw new RangeError(
      `maxPayloadBytes must be ${MIN_MAX_PAYLOAD_BYTES}..${MAX_PAYLOAD_BYTES}: ${maxPayloadBytes}`,
    );
}

/** Says whether a frame has bytes and lies where a plan can name it. */
export function isPlannable(frames: FrameTable, frame: number): boolean {
  const offset = frames.offsets[frame]!;
  const size = frames.sizes[frame]!;
  return (
    size > 0 && Number.isSafeInteger(offset) && offset >= 0 && offset + size <= MAX_PLAN_FILE_OFFSET_BYTES
  );
}

/**
 * The size of the equal parts that `sizeBytes` is cut into so that each is at most `maxBytes`; the last may
 * be smaller.
 */
export function fragmentBytes(sizeBytes: number, maxBytes: number): number {
  return Math.ceil(sizeBytes / Math.ceil(sizeBytes / maxBytes));
}
