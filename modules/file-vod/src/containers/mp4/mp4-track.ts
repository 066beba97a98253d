/**
 * One track while a movie is indexed: opened from its trak box, added to by fragments, finished into a frame table.
 * Used by mp4-demuxer. Rule: what is wrong with a track is thrown as MediaError and costs that track only.
 */

import { MediaError } from '@finch/core/stream/media-error';
import type { Track } from '@finch/core/stream/track';
import type { IndexedTrack, PositionedReader } from '../container';
import type { Box } from './box-reader';
import { type Edit, readEditList, WHOLE_TRACK } from './edit-list';
import { type Selection, selectRows } from './edit-selection';
import type { FragmentedTrack } from './fragments';
import { MAX_IN_BAND_BYTES, MAX_SAMPLES } from './limits';
import { type SampleBudget, SampleColumns } from './sample-columns';
import {
  dataReferenceIndex,
  isCoverArt,
  readSampleEntries,
  readSharedDescription,
  requireSupported,
  type SampleDescription,
} from './sample-description';
import { readSampleSizes, readSampleTables, type SampleSizes } from './sample-tables';
import { placeFrames } from './timeline';
import { readTrackHeader, requireOwnMedia, type SampleDefaults, type TrackHeader } from './track-header';

/** What all tracks of a movie share. */
export interface MovieContext {
  readonly reader: PositionedReader;
  /** 0 when the movie doesn't tell. */
  readonly timescale: number;
  readonly budget: SampleBudget;
  readonly hasFragments: boolean;
  readonly defaults: ReadonlyMap<number, SampleDefaults>;
  /** Takes a line for people. */
  readonly warn: (text: string) => void;
}

/** A finished track. */
export interface FinishedTrack {
  readonly indexed: IndexedTrack;
  readonly enabled: boolean;
  readonly alternateGroup: number;
  /** End on the timeline. */
  readonly endUs: number;
}

/** The boxes of a track that are read again when it is finished. */
interface TrackBoxes {
  readonly trak: Box;
  readonly minf: Box;
  readonly entries: readonly Box[];
}

const VIDEO_CLOCK_HZ = 90_000;
/** Where a file declares fragments without trex. */
const NO_DEFAULTS: SampleDefaults = { descriptionIndex: 1, duration: 0, sizeBytes: 0, flags: 0 };

/** A track as its boxes describe it, before its frames are placed on the timeline. */
export class Mp4Track implements FragmentedTrack {
  readonly columns: SampleColumns;
  readonly descriptions = new Set<number>();
  /** Samples that the moov itself names. */
  movieSampleCount = 0;
  readonly #context: MovieContext;
  readonly #header: TrackHeader;
  readonly #boxes: TrackBoxes;
  #edits: readonly Edit[] | undefined;

  /** Opens a track; undefined when it is none of ours (subtitles, hints, time codes, cover art). MediaError. */
  static open(trak: Box, context: MovieContext): Mp4Track | undefined {
    const mdia = trak.require('mdia');
    const header = readTrackHeader(trak, mdia);
    if (header === undefined) return undefined;
    const minf = mdia.require('minf');
    const stbl = minf.require('stbl');
    const entries = readSampleEntries(stbl.require('stsd'));
    const sizes = readSampleSizes(stbl, context.reader.sizeBytes);
    if (header.kind === 'video' && isCoverArt(entries, sizes.count)) return undefined;
    requireSupported(entries, header.kind);
    const track = new Mp4Track(context, header, { trak, minf, entries }, capacityFor(sizes));
    track.#readTables(stbl, sizes);
    return track;
  }

  private constructor(context: MovieContext, header: TrackHeader, boxes: TrackBoxes, capacity: number) {
    this.#context = context;
    this.#header = header;
    this.#boxes = boxes;
    this.columns = new SampleColumns(context.reader.sizeBytes, context.budget, capacity);
  }

  get id(): number {
    return this.#header.id;
  }

  get kind(): 'video' | 'audio' {
    return this.#header.kind;
  }

  get timescale(): number {
    return this.#header.timescale;
  }

  /** Every AAC frame decodes by itself (save for one frame of overlap), whatever the tables say. */
  get allKeys(): boolean {
    return this.#header.kind === 'audio';
  }

  get defaults(): SampleDefaults {
    return this.#context.defaults.get(this.id) ?? NO_DEFAULTS;
  }

  /** What is shown when; all at once where the file doesn't say or its list makes no sense. */
  get edits(): readonly Edit[] {
    this.#edits ??= this.#readEdits();
    return this.#edits;
  }

  /** Makes the frame table. MediaError `unsupported` or `broken` with what is wrong with this track. */
  finish(): FinishedTrack {
    this.#requireFrames();
    const description = this.#readDescription();
    const clockRateHz = description.config.codec === 'aac' ? description.config.sampleRateHz : VIDEO_CLOCK_HZ;
    const clocks = { timescale: this.timescale, movieTimescale: this.#context.timescale, clockRateHz };
    const { frames, endUs } = placeFrames(this.columns, this.#select(), clocks);
    const track = this.#describe(description, clockRateHz);
    const { enabled, alternateGroup } = this.#header;
    return { indexed: { track, frames }, enabled, alternateGroup, endUs };
  }

  #readTables(stbl: Box, sizes: SampleSizes): void {
    this.movieSampleCount = sizes.count;
    if (sizes.count === 0) return;
    const warning = readSampleTables(stbl, sizes, this.columns, this.descriptions, this.allKeys);
    if (warning !== '') this.#warn(warning);
  }

  #requireFrames(): void {
    const { length, beyondEndCount } = this.columns;
    if (length === 0)
      throw new MediaError(
        'broken',
        beyondEndCount > 0 ? 'all frames lie beyond the end of the file' : 'no frames',
      );
    if (beyondEndCount > 0)
      this.#context.warn(
        `track ${this.id}: ${beyondEndCount} frames beyond the end of the file are left out`,
      );
  }

  #readDescription(): SampleDescription {
    for (const index of this.descriptions) {
      const entry = this.#boxes.entries[index - 1];
      if (entry !== undefined) requireOwnMedia(this.#boxes.minf, dataReferenceIndex(entry));
    }
    return readSharedDescription(this.#boxes.entries, this.descriptions, this.kind, () => {
      const length = Math.min(this.columns.sizes[0]!, MAX_IN_BAND_BYTES);
      return this.#context.reader.read(this.columns.offsets[0]!, length);
    });
  }

  /** The rows to play: by the edit list where it makes sense. */
  #select(): Selection[] {
    try {
      return selectRows(this.columns, this.edits, this.kind);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#warn(`edit list passed over: ${error.message}`);
      return wholeTrack(this.columns);
    }
  }

  #readEdits(): readonly Edit[] {
    const { timescale, hasFragments } = this.#context;
    try {
      return readEditList(this.#boxes.trak, timescale, this.timescale, hasFragments);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#warn(`edit list passed over: ${error.message}`);
      return WHOLE_TRACK;
    }
  }

  #warn(text: string): void {
    this.#context.warn(`track ${this.id}: ${text}`);
  }

  #describe(description: SampleDescription, clockRateHz: number): Track {
    const { width, height } = description;
    return {
      id: this.id,
      kind: this.kind,
      config: description.config,
      clockRateHz,
      language: this.#header.language,
      bitRateBps: this.#bitRateBps(),
      ...(width > 0 && height > 0 ? { width, height } : {}),
    };
  }

  #bitRateBps(): number {
    const { columns, timescale } = this;
    const ticks = columns.dts[columns.length - 1]! + columns.lastDuration - columns.dts[0]!;
    if (ticks <= 0) return 0;
    let sizeBytes = 0;
    for (let row = 0; row < columns.length; row++) sizeBytes += columns.sizes[row]!;
    return Math.round((sizeBytes * 8 * timescale) / ticks);
  }
}

/** One size for all can be claimed by a small file, so only a table is taken at its word. */
function capacityFor(sizes: SampleSizes): number {
  return sizes.bits === 0 ? 0 : Math.min(sizes.count, MAX_SAMPLES);
}

function wholeTrack(columns: SampleColumns): Selection[] {
  return [{ edit: WHOLE_TRACK[0]!, first: 0, last: columns.length - 1 }];
}
