/**
 * Makes the packet plan of one run of frames. Called on a blocking thread with a request that came from a
 * task thread. Rule: pure; the only thing it touches is the reader it is given, and the same request over the
 * same file gives the same plan.
 */
import { FrameTable, type SharedFrameTable } from '@finch/core/stream/frame-table';
import type { CodecConfig } from '@finch/core/stream/track';
import { PacketPlanBuilder } from './packet-plan-builder';
import { packetizeAacRun } from './packetizers/aac-packetizer';
import { packetizeH264Run } from './packetizers/h264-packetizer';
import type { ConfigByCodec, Packetizer } from './packetizers/packetizer';
import { type FrameBytes, type ReadAt, WindowedReader } from './windowed-reader';

/** Names a run of frames and how to cut it; plain data that crosses threads. */
export interface PlanRequest {
  readonly config: CodecConfig;
  readonly frames: SharedFrameTable;
  readonly firstFrame: number;
  readonly frameCount: number;
  /** Bounds the RTP payload without its header: 64..65495 bytes. */
  readonly maxPayloadBytes: number;
}

/** What had to be left out of a plan. */
export interface PlanDamage {
  /** Frames of which something is missing. */
  damagedFrames: number;
  /** NAL units or access units that the payload format can't carry. */
  droppedElements: number;
}

const PACKETIZERS: { readonly [Codec in keyof ConfigByCodec]: Packetizer<ConfigByCodec[Codec]> } = {
  h264: packetizeH264Run,
  aac: packetizeAacRun,
};

/**
 * Builds a plan and returns its memory, for PacketPlan. Adds what was left out to `damage`, when given.
 * RangeError for a run outside the table; what `read` throws passes through.
 */
export function buildPlan(request: PlanRequest, read: ReadAt, damage?: PlanDamage): SharedArrayBuffer {
  const frames = FrameTable.attach(request.frames);
  const builder = new PacketPlanBuilder(request.firstFrame);
  const source = new WindowedReader(read, endOfRun(frames, request.firstFrame, request.frameCount));
  packetize(request.config.codec, request.config, request, source, builder);
  if (damage !== undefined) {
    damage.damagedFrames += builder.damagedFrames;
    damage.droppedElements += builder.droppedElements;
  }
  return builder.seal();
}

/** Generic over the codec, so that the table's packetizer is known to take this very configuration. */
function packetize<Codec extends keyof ConfigByCodec>(
  codec: Codec,
  config: ConfigByCodec[Codec],
  request: PlanRequest,
  source: FrameBytes,
  builder: PacketPlanBuilder,
): void {
  const packetizer: Packetizer<ConfigByCodec[Codec]> = PACKETIZERS[codec];
  const frames = FrameTable.attach(request.frames);
  packetizer(config, frames, request.firstFrame, request.frameCount, source, request, builder);
}

/** Where the last byte of the run ends, so that nothing is read ahead for nobody. */
function endOfRun(frames: FrameTable, firstFrame: number, frameCount: number): number {
  let end = 0;
  const last = Math.min(firstFrame + frameCount, frames.length);
  for (let frame = firstFrame; frame < last; frame += 1)
    end = Math.max(end, frames.offsets[frame]! + frames.sizes[frame]!);
  return end;
}
