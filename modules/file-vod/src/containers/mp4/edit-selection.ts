/**
 * Chooses the rows of a track that an edit list shows, and those that decoding needs before them. Called by timeline.
 * Rule: a selection never asks for more work or more frames than the bounds, however many edits there are.
 * Spec: ISO/IEC 14496-12 §8.6.6.
 */

import { MediaError } from '@finch/core/stream/media-error';
import type { Edit } from './edit-list';
import { MAX_EDIT_REPEATS, MAX_EDIT_ROWS, MAX_SAMPLES } from './limits';
import type { SampleColumns } from './sample-columns';

/** Rows `first`..`last` of a track, shown by `edit`. */
export interface Selection {
  readonly edit: Edit;
  readonly first: number;
  readonly last: number;
}

/** Chooses the rows of every edit, in order. MediaError `broken` when there are none, or too many. */
export function selectRows(
  columns: SampleColumns,
  edits: readonly Edit[],
  kind: 'video' | 'audio',
): Selection[] {
  if (edits.length * columns.length > MAX_EDIT_ROWS)
    throw new MediaError('broken', `${edits.length} edits of ${columns.length} frames are too many`);
  const mediaEnd = endOfMedia(columns);
  const selections: Selection[] = [];
  let total = 0;
  for (const edit of edits) {
    const previous = selections.at(-1);
    const range =
      kind === 'video' ? videoRows(columns, edit) : audioRows(columns, edit, previous === undefined);
    // An edit that goes on where the one before ended needs no second start.
    const goesOn = previous !== undefined && edit.mediaStart >= previous.edit.mediaEnd;
    const first = goesOn ? Math.max(range.first, previous.last + 1) : range.first;
    if (edit.mediaStart >= mediaEnd || first > range.last) continue;
    selections.push({ edit, first, last: range.last });
    total += range.last - first + 1;
  }
  if (total === 0) throw new MediaError('broken', 'the edit list shows no frame');
  if (total > MAX_SAMPLES || total > columns.length * MAX_EDIT_REPEATS)
    throw new MediaError('broken', `the edit list shows ${total} frames of ${columns.length}`);
  return selections;
}

/** The time at which the last frame has been shown, in the track's timescale. */
export function endOfMedia(columns: SampleColumns): number {
  let end = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < columns.length; row++) end = Math.max(end, columns.pts(row));
  return end + Math.max(columns.lastDuration, 0);
}

/** From the key frame at or before the start to the last frame, in decode order, that is shown. */
function videoRows(columns: SampleColumns, edit: Edit): { first: number; last: number } {
  let first = 0;
  let last = -1;
  for (let row = 0; row < columns.length; row++) {
    const pts = columns.pts(row);
    if (pts <= edit.mediaStart && columns.keys[row] === 1) first = row;
    if (pts < edit.mediaEnd) last = row;
  }
  return { first, last };
}

/** The frames that sound in the edit, after one of preroll where the decoder starts there (ISO/IEC 14496-3 §4.5.2.1). */
function audioRows(columns: SampleColumns, edit: Edit, preroll: boolean): { first: number; last: number } {
  let first = columns.length;
  let last = -1;
  for (let row = 0; row < columns.length; row++) {
    const pts = columns.pts(row);
    const next = row + 1 < columns.length ? columns.pts(row + 1) : pts + columns.lastDuration;
    const prerollTicks = preroll ? next - pts : 0;
    if (first === columns.length && next > edit.mediaStart - prerollTicks) first = row;
    if (pts < edit.mediaEnd) last = row;
  }
  return { first, last };
}
