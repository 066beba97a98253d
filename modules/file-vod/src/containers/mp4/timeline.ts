/**
 * Puts the selected rows of a track on the presentation's timeline: the frame table. Called by the demuxer per track.
 * Rule: 0 is the start of the movie after edit lists; decode times never go back. Spec: ISO/IEC 14496-12 §8.6.1, §8.6.6.
 */

import { FrameTable } from '@finch/core/stream/frame-table';
import { MediaError } from '@finch/core/stream/media-error';
import { endOfMedia, type Selection } from './edit-selection';
import { MAX_REORDER_S, MAX_TIMELINE_S } from './limits';
import type { SampleColumns } from './sample-columns';
import { TimeScaler } from './time-scaler';

/** The clocks of a track: its own, the movie's (of edit starts) and that of RTP, in ticks a second. */
export interface TrackClocks {
  readonly timescale: number;
  readonly movieTimescale: number;
  readonly clockRateHz: number;
}

/** Frames on the presentation's timeline, to be sealed as a FrameTable. */
export interface PlacedFrames {
  readonly frames: FrameTable;
  /** End of the track on the timeline. */
  readonly endUs: number;
}

const MICROSECONDS = 1_000_000;

/** Makes the frame table. MediaError `broken` when a time lies beyond the timeline. */
export function placeFrames(
  columns: SampleColumns,
  selections: readonly Selection[],
  clocks: TrackClocks,
): PlacedFrames {
  const frames = FrameTable.allocate(countRows(selections), Math.max(countKeys(columns, selections), 1));
  const decodeShift = decodeTimeShift(columns, clocks.timescale);
  const writer = new FrameWriter(columns, frames, decodeShift);
  const mediaEnd = endOfMedia(columns);
  let endUs = 0;
  for (const selection of selections) {
    const { edit } = selection;
    const movieTimescale = Math.max(clocks.movieTimescale, 1);
    const { timescale } = clocks;
    const toTicks = new TimeScaler(
      timescale,
      clocks.clockRateHz,
      edit.mediaStart,
      edit.start,
      movieTimescale,
    );
    const toUs = new TimeScaler(timescale, MICROSECONDS, edit.mediaStart, edit.start, movieTimescale);
    endUs = Math.max(endUs, toUs.at(Math.min(edit.mediaEnd, mediaEnd)));
    writer.write(selection, toTicks, toUs, selection !== selections[0]);
  }
  requireOnTimeline(frames, endUs, clocks.clockRateHz);
  return { frames, endUs };
}

/** Writes selections behind each other into a frame table. */
class FrameWriter {
  #frame = 0;
  #keyFrame = 0;
  #lastDtsUs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly columns: SampleColumns,
    readonly frames: FrameTable,
    readonly decodeShift: number,
  ) {}

  /** `hidePreroll`: frames before the edit's start come when others are being shown, so they get no time of their own. */
  write(selection: Selection, toTicks: TimeScaler, toUs: TimeScaler, hidePreroll: boolean): void {
    const { columns, frames } = this;
    const { edit, first, last } = selection;
    let hidden = hidePreroll ? countBefore(columns, selection) : 0;
    for (let row = first; row <= last; row++) {
      const frame = this.#frame++;
      const pts = columns.pts(row);
      frames.offsets[frame] = columns.offsets[row]!;
      frames.sizes[frame] = columns.sizes[row]!;
      // RTP time that jumps back a whole group of pictures is a lost stream to players: one tick each, just before.
      const isHidden = hidePreroll && pts < edit.mediaStart;
      frames.ptsTicks[frame] = isHidden ? toTicks.at(edit.mediaStart) - hidden-- : toTicks.at(pts);
      this.#lastDtsUs = Math.max(this.#lastDtsUs, toUs.at(columns.dts[row]! + this.decodeShift));
      frames.dtsUs[frame] = this.#lastDtsUs;
      if (columns.keys[row] === 1) frames.keyFrames[this.#keyFrame++] = frame;
    }
  }
}

function countRows(selections: readonly Selection[]): number {
  return selections.reduce((count, { first, last }) => count + last - first + 1, 0);
}

function countKeys(columns: SampleColumns, selections: readonly Selection[]): number {
  let count = 0;
  for (const { first, last } of selections) {
    for (let row = first; row <= last; row++) count += columns.keys[row]!;
  }
  return count;
}

function countBefore(columns: SampleColumns, { edit, first, last }: Selection): number {
  let count = 0;
  for (let row = first; row <= last; row++) {
    if (columns.pts(row) < edit.mediaStart) count++;
  }
  return count;
}

/** How far decode times move down so that none comes after its presentation time (negative composition offsets). */
function decodeTimeShift(columns: SampleColumns, timescale: number): number {
  let lowest = 0;
  for (let row = 0; row < columns.length; row++) lowest = Math.min(lowest, columns.cts[row]!);
  return Math.max(lowest, -MAX_REORDER_S * timescale);
}

function requireOnTimeline(frames: FrameTable, endUs: number, clockRateHz: number): void {
  const maxTicks = MAX_TIMELINE_S * clockRateHz;
  const maxUs = MAX_TIMELINE_S * MICROSECONDS;
  let fits = endUs <= maxUs;
  for (let frame = 0; frame < frames.length && fits; frame++)
    fits = Math.abs(frames.ptsTicks[frame]!) <= maxTicks && Math.abs(frames.dtsUs[frame]!) <= maxUs;
  if (!fits) throw new MediaError('broken', `its times reach beyond ${MAX_TIMELINE_S} s`);
}
