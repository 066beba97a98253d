/**
 * Edit lists: which parts of a track are shown, and when. Read once per track by the demuxer.
 * Rule: a list that makes no sense is passed over with a warning; the track then plays as it lies in the file.
 * Spec: ISO/IEC 14496-12 §8.6.6 (elst).
 */

import { MediaError } from '@finch/core/stream/media-error';
import type { Box } from './box-reader';
import { MAX_EDITS, MAX_GAP_S, MAX_TIMELINE_S } from './limits';

/** One part of a track on the timeline. */
export interface Edit {
  /** Where it begins on the timeline, in the movie's timescale. */
  readonly start: bigint;
  /** Media times shown, `mediaStart` <= t < `mediaEnd`, in the track's timescale; `mediaEnd` may be Infinity. */
  readonly mediaStart: number;
  readonly mediaEnd: number;
}

/** What a track without an edit list shows: all, at once. */
export const WHOLE_TRACK: readonly Edit[] = [
  { start: 0n, mediaStart: 0, mediaEnd: Number.POSITIVE_INFINITY },
];

/** media_time of an empty edit: nothing is shown for its duration. */
const EMPTY_EDIT = -1n;

/**
 * Reads a track's edits; WHOLE_TRACK when it has none. MediaError `broken` when the list makes no sense.
 * `openEnd`: the last edit has no end, because fragments go on after the moov was written.
 */
export function readEditList(
  trak: Box,
  movieTimescale: number,
  mediaTimescale: number,
  openEnd: boolean,
): readonly Edit[] {
  const elst = trak.find('edts')?.find('elst');
  if (elst === undefined || elst.u32(4) === 0) return WHOLE_TRACK;
  if (movieTimescale === 0) throw new MediaError('broken', 'mvhd gives no timescale for the edit list');
  const { count } = elst.table(4, elst.version === 1 ? 20 : 12);
  if (count > MAX_EDITS) throw new MediaError('broken', `elst has ${count} entries, at most ${MAX_EDITS}`);
  const edits: Edit[] = [];
  const scale = { movie: BigInt(movieTimescale), media: BigInt(mediaTimescale) };
  let start = 0n;
  for (let i = 0; i < count; i++) {
    const { duration, mediaTime, dwells } = readEntry(elst, i);
    if (start > scale.movie * BigInt(MAX_TIMELINE_S))
      throw new MediaError(
        'broken',
        `elst entry ${i + 1} begins more than ${MAX_TIMELINE_S} s into the movie`,
      );
    if (mediaTime === EMPTY_EDIT || dwells) {
      if (duration > scale.movie * BigInt(MAX_GAP_S))
        throw new MediaError('broken', `elst entry ${i + 1} is a gap of more than ${MAX_GAP_S} s`);
    } else {
      const endless = duration === 0n || (openEnd && i === count - 1);
      edits.push(toEdit(start, mediaTime, endless ? undefined : duration, scale));
    }
    start += duration;
  }
  return edits;
}

interface Entry {
  readonly duration: bigint;
  readonly mediaTime: bigint;
  /** media_rate 0: one picture is held. Treated as nothing shown. */
  readonly dwells: boolean;
}

function readEntry(elst: Box, index: number): Entry {
  const wide = elst.version === 1;
  const at = 8 + index * (wide ? 20 : 12);
  const duration = wide ? BigInt.asUintN(64, elst.i64(at)) : BigInt(elst.u32(at));
  const mediaTime = wide ? elst.i64(at + 8) : BigInt(elst.i32(at + 4));
  if (mediaTime < EMPTY_EDIT || mediaTime > BigInt(Number.MAX_SAFE_INTEGER))
    throw new MediaError(
      'broken',
      `elst entry ${index + 1} has media time ${mediaTime}, expected -1 or more`,
    );
  return { duration, mediaTime, dwells: elst.u16(at + (wide ? 16 : 8)) === 0 };
}

function toEdit(
  start: bigint,
  mediaTime: bigint,
  duration: bigint | undefined,
  scale: { movie: bigint; media: bigint },
): Edit {
  const mediaStart = Number(mediaTime);
  if (duration === undefined) return { start, mediaStart, mediaEnd: Number.POSITIVE_INFINITY };
  // Rounded up, so that `pts < mediaEnd` says the same as with the fraction.
  const length = (duration * scale.media + scale.movie - 1n) / scale.movie;
  return { start, mediaStart, mediaEnd: mediaStart + Number(length) };
}
