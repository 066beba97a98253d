/**
 * H.264 access units to RTP packets; one unit per frame. Called by the plan job on a blocking thread. Rule: a
 * player can join at every key frame, so each carries its parameter sets; the marker is on the last packet of
 * an access unit only. Spec: RFC 6184 §5.1 (marker, timestamp), §5.4, §5.6, §5.7.1, §5.8; packetization mode
 * 1 (§6.3).
 */
import type { FrameTable } from '@finch/core/stream/frame-table';
import type { H264Config } from '@finch/core/stream/track';
import type { PacketPlanBuilder } from '../packet-plan-builder';
import { UNIT_FLAG } from '../packet-plan-layout';
import type { FrameBytes } from '../windowed-reader';
import { H264PayloadWriter } from './h264-payload-writer';
import { NAL_TYPE, NalUnitList } from './nal-unit-list';
import { checkRun, isPlannable, type PacketizerOptions } from './packetizer';

/** Adds the units of a run of H.264 frames to `builder`; the contract is Packetizer's. */
export function packetizeH264Run(
  config: H264Config,
  frames: FrameTable,
  firstFrame: number,
  frameCount: number,
  source: FrameBytes,
  options: PacketizerOptions,
  builder: PacketPlanBuilder,
): void {
  checkRun(frames, firstFrame, frameCount, options);
  const nalUnits = new NalUnitList();
  const writer = new H264PayloadWriter(source, builder, options.maxPayloadBytes);
  for (let frame = firstFrame; frame < firstFrame + frameCount; frame += 1) {
    const isListedKey = frames.keyFrameAtOrBefore(frame) === frame;
    if (!isPlannable(frames, frame)) {
      builder.damagedFrames += 1;
      builder.addEmptyUnit(frames.ptsTicks[frame]!, isListedKey ? UNIT_FLAG.key : 0);
      continue;
    }
    nalUnits.scan(source, frames.offsets[frame]!, frames.sizes[frame]!, config.nalLengthSizeBytes);
    builder.openUnit(frames.ptsTicks[frame]!);
    const isKey = isListedKey || nalUnits.hasIdrSlice;
    writeAccessUnit(writer, nalUnits, isKey ? config : undefined, builder);
    closeAccessUnit(writer, nalUnits, isKey, builder);
  }
}

/**
 * Writes the NAL units in order; the parameter sets of `keyConfig` come after a delimiter (ITU-T H.264
 * §7.4.1.2.3).
 */
function writeAccessUnit(
  writer: H264PayloadWriter,
  nalUnits: NalUnitList,
  keyConfig: H264Config | undefined,
  builder: PacketPlanBuilder,
): void {
  let missing = nalUnits.hasSps && nalUnits.hasPps ? undefined : keyConfig;
  for (let index = 0; index < nalUnits.count && !builder.unitFailed; index += 1) {
    if (missing !== undefined && nalUnits.typeOf(index) !== NAL_TYPE.accessUnitDelimiter) {
      for (const parameterSet of missing.sps) writer.addFromMemory(parameterSet);
      for (const parameterSet of missing.pps) writer.addFromMemory(parameterSet);
      missing = undefined;
    }
    writer.addFromFile(nalUnits.offsets[index]!, nalUnits.sizes[index]!, nalUnits.headers[index]!);
  }
  writer.flush();
  builder.markLastPacket();
}

function closeAccessUnit(
  writer: H264PayloadWriter,
  nalUnits: NalUnitList,
  isKey: boolean,
  builder: PacketPlanBuilder,
): void {
  const isUnreadable = writer.droppedCount > 0;
  builder.droppedElements += nalUnits.droppedCount + writer.droppedCount;
  writer.droppedCount = 0;
  const flags = (isKey ? UNIT_FLAG.key : 0) | (nalUnits.isDisposable ? UNIT_FLAG.disposable : 0);
  const isKept = builder.closeUnit(1, flags) >= 0;
  // A unit that isn't kept has been counted by the builder.
  if (isKept && (nalUnits.isDamaged || isUnreadable)) builder.damagedFrames += 1;
}
