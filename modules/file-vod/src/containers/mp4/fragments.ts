/**
 * Fragments: the moof boxes of a file add rows to the tracks that the moov declared. Called once per file by the demuxer.
 * Rule: the first fragment that is wrong ends the movie; what came before it is kept.
 * Spec: ISO/IEC 14496-12 §8.8.4 (moof), §8.8.7 (tfhd), §8.8.8 (trun), §8.8.12 (tfdt).
 */

import { MediaError } from '@finch/core/stream/media-error';
import type { PositionedReader } from '../container';
import type { Box } from './box-reader';
import { type Extent, readBox } from './file-layout';
import { MAX_FRAGMENT_OVERLAP_S, MAX_UNIFORM_SAMPLES } from './limits';
import type { SampleColumns } from './sample-columns';
import type { SampleDefaults } from './track-header';

/** A track that fragments may add to. */
export interface FragmentedTrack {
  readonly timescale: number;
  readonly columns: SampleColumns;
  readonly defaults: SampleDefaults;
  /** Numbers of the sample descriptions in use. */
  readonly descriptions: Set<number>;
  /** Every sample is a sync sample. */
  readonly allKeys: boolean;
}

/** tfhd flags. */
const BASE_DATA_OFFSET = 0x1;
const DESCRIPTION_INDEX = 0x2;
const DEFAULT_DURATION = 0x8;
const DEFAULT_SIZE = 0x10;
const DEFAULT_FLAGS = 0x20;
const DEFAULT_BASE_IS_MOOF = 0x20000;
/** trun flags. */
const DATA_OFFSET = 0x1;
const FIRST_SAMPLE_FLAGS = 0x4;
const SAMPLE_DURATION = 0x100;
const SAMPLE_SIZE = 0x200;
const SAMPLE_FLAGS = 0x400;
const SAMPLE_CTS = 0x800;
/** Sample flags: sample_is_non_sync_sample, sample_depends_on = 1. Some writers only tell by the second. */
const NOT_A_KEY = 0x10000 | 0x1000000;

/** Reads the fragments in file order. Returns warnings; never throws MediaError. */
export function readFragments(
  reader: PositionedReader,
  moofs: readonly Extent[],
  tracks: ReadonlyMap<number, FragmentedTrack>,
): string[] {
  for (const moof of moofs) {
    try {
      readFragment(readBox(reader, moof), moof.position, tracks, reader.sizeBytes);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      return [`fragment at byte ${moof.position}: ${error.message}; the movie ends before it`];
    }
  }
  return [];
}

function readFragment(
  moof: Box,
  moofPosition: number,
  tracks: ReadonlyMap<number, FragmentedTrack>,
  fileBytes: number,
): void {
  let end = moofPosition;
  for (const traf of moof.boxes()) {
    if (traf.type !== 'traf') continue;
    const boxes = traf.boxes();
    const tfhd = boxes.find((box) => box.type === 'tfhd');
    if (tfhd === undefined) throw new MediaError('broken', 'traf has no tfhd box');
    const header = readTfhd(tfhd, tracks.get(tfhd.u32(4))?.defaults, moofPosition, end);
    const track = tracks.get(tfhd.u32(4));
    end = header.base;
    if (track !== undefined) startAt(track, boxes);
    for (const trun of boxes) {
      if (trun.type === 'trun') end = readRun(trun, header, track, end, fileBytes);
    }
  }
}

interface TrackFragmentHeader extends SampleDefaults {
  /** Byte that data offsets count from. */
  readonly base: number;
}

const NO_DEFAULTS: SampleDefaults = { descriptionIndex: 1, duration: 0, sizeBytes: 0, flags: 0 };

/** Where nothing else is said, a later traf's data follows the data of the one before (§8.8.7.1). */
function readTfhd(
  tfhd: Box,
  defaults = NO_DEFAULTS,
  moofPosition: number,
  previousEnd: number,
): TrackFragmentHeader {
  const { flags } = tfhd;
  let at = 8;
  const base =
    flags & BASE_DATA_OFFSET ? tfhd.u64(at) : flags & DEFAULT_BASE_IS_MOOF ? moofPosition : previousEnd;
  if (flags & BASE_DATA_OFFSET) at += 8;
  const field = (bit: number, otherwise: number): number => {
    if ((flags & bit) === 0) return otherwise;
    at += 4;
    return tfhd.u32(at - 4);
  };
  return {
    base,
    descriptionIndex: field(DESCRIPTION_INDEX, defaults.descriptionIndex),
    duration: field(DEFAULT_DURATION, defaults.duration),
    sizeBytes: field(DEFAULT_SIZE, defaults.sizeBytes),
    flags: field(DEFAULT_FLAGS, defaults.flags),
  };
}

/** Moves a track to the fragment's decode time, unless that lies well before what it already has. */
function startAt(track: FragmentedTrack, boxes: readonly Box[]): void {
  const tfdt = boxes.find((box) => box.type === 'tfdt');
  if (tfdt === undefined) return;
  const dts = tfdt.version === 1 ? tfdt.u64(4) : tfdt.u32(4);
  if (!Number.isSafeInteger(dts)) throw new MediaError('broken', `tfdt has decode time ${dts}, beyond 2^53`);
  const { columns, timescale } = track;
  if (columns.length === 0 || dts >= columns.nextDts - MAX_FRAGMENT_OVERLAP_S * timescale)
    columns.nextDts = dts;
}

/** Adds the samples of a run; those of a track that isn't played are only passed. Returns where its data ends. */
function readRun(
  trun: Box,
  header: TrackFragmentHeader,
  track: FragmentedTrack | undefined,
  previousEnd: number,
  fileBytes: number,
): number {
  const { flags } = trun;
  const count = trun.u32(4);
  let offset = flags & DATA_OFFSET ? header.base + trun.i32(8) : previousEnd;
  const firstFlagsAt = flags & DATA_OFFSET ? 12 : 8;
  const row = new RunRow(trun, flags & FIRST_SAMPLE_FLAGS ? firstFlagsAt + 4 : firstFlagsAt, header);
  const firstFlags = flags & FIRST_SAMPLE_FLAGS ? trun.u32(firstFlagsAt) : undefined;
  requireRoom(trun, row, count, header, offset, fileBytes);
  // Nobody's samples with sizes take a row each, but without they would be free to claim again and again.
  if (track === undefined && (flags & SAMPLE_SIZE) === 0) return offset + count * header.sizeBytes;
  if (row.rowBytes === 0) track?.columns.budget.spendUniform(count);
  if (count > 0) track?.descriptions.add(header.descriptionIndex);
  for (let i = 0; i < count; i++) {
    row.next();
    const sampleFlags = i === 0 && firstFlags !== undefined ? firstFlags : row.sampleFlags;
    const key = track?.allKeys === true || (sampleFlags & NOT_A_KEY) === 0;
    track?.columns.add(offset, row.sizeBytes, row.duration, row.cts, key);
    offset += row.sizeBytes;
  }
  return offset;
}

/** Holds a run's claim against its box, or against the file where a sample takes no byte of the box. */
function requireRoom(
  trun: Box,
  row: RunRow,
  count: number,
  header: SampleDefaults,
  offset: number,
  fileBytes: number,
): void {
  let room = row.rowBytes > 0 ? Math.floor(row.roomBytes / row.rowBytes) : MAX_UNIFORM_SAMPLES;
  if ((trun.flags & SAMPLE_SIZE) === 0 && header.sizeBytes > 0)
    room = Math.min(room, Math.floor(fileBytes / header.sizeBytes));
  if (count > room) throw new MediaError('broken', `trun claims ${count} samples, expected ${room} at most`);
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new MediaError('broken', `trun has its data at byte ${offset}, expected 0..${fileBytes}`);
}

/** The fields of a run's current sample, from its row or from the defaults. */
class RunRow {
  readonly rowBytes: number;
  readonly roomBytes: number;
  duration: number;
  sizeBytes: number;
  sampleFlags: number;
  cts = 0;
  readonly #view: DataView;
  readonly #fields: number;
  #at: number;

  constructor(trun: Box, rowsAt: number, defaults: SampleDefaults) {
    this.#view = trun.view;
    this.#fields = trun.flags;
    this.#at = trun.start + rowsAt;
    this.roomBytes = trun.sizeBytes - rowsAt;
    this.rowBytes =
      4 * [SAMPLE_DURATION, SAMPLE_SIZE, SAMPLE_FLAGS, SAMPLE_CTS].filter((bit) => trun.flags & bit).length;
    this.duration = defaults.duration;
    this.sizeBytes = defaults.sizeBytes;
    this.sampleFlags = defaults.flags;
  }

  /** Steps to the next row; the caller has held the count against `roomBytes`. */
  next(): void {
    if (this.#fields & SAMPLE_DURATION) this.duration = this.#take();
    if (this.#fields & SAMPLE_SIZE) this.sizeBytes = this.#take();
    if (this.#fields & SAMPLE_FLAGS) this.sampleFlags = this.#take();
    // Signed also in version 0: writers store negative offsets there.
    if (this.#fields & SAMPLE_CTS) this.cts = this.#take() | 0;
  }

  #take(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }
}
