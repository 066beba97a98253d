/**
 * Indexes MP4, MOV, M4V, M4A and 3GP files, whole or in fragments. Called through the table of sniff on a blocking thread.
 * Rule: a track that can't be played is left out with a warning; the file is refused when none is left.
 * Spec: ISO/IEC 14496-12, -14, -15; QuickTime File Format.
 */

import { MediaError, type MediaErrorCode } from '@finch/core/stream/media-error';
import type { IndexMovie, MovieIndex, PositionedReader } from '../container';
import type { Box } from './box-reader';
import { readFileLayout } from './file-layout';
import { readFragments } from './fragments';
import { MAX_TRACKS } from './limits';
import { type FinishedTrack, type MovieContext, Mp4Track } from './mp4-track';
import { SampleBudget } from './sample-columns';
import { readMovieTimescale, readSampleDefaults, readTrackId } from './track-header';

/**
 * Indexes one file of the MP4 family, by its box headers, its moov and its moofs; media bytes are read only where
 * parameter sets must be looked for in the first frame. Bounded in time and memory on any input (see limits).
 * Throws MediaError: `unsupported` with the reason of each track, `broken` when the structure is. Nothing else, save
 * what the reader throws.
 */
export const indexMp4: IndexMovie = (reader) => {
  try {
    return new MovieIndexer(reader).run();
  } catch (error) {
    if (error instanceof MediaError) throw new MediaError(error.code, `${reader.name}: ${error.message}`);
    throw error;
  }
};

/** The work on one movie. */
class MovieIndexer {
  readonly #reader: PositionedReader;
  readonly #warnings: string[] = [];
  /** What the refusal of the whole file is: `unsupported` as soon as one track is only that. */
  #refusal: MediaErrorCode = 'broken';

  constructor(reader: PositionedReader) {
    this.#reader = reader;
  }

  run(): MovieIndex {
    const { moov, moofs } = readFileLayout(this.#reader);
    const boxes = moov.boxes();
    if (boxes.some((box) => box.type === 'cmov'))
      throw new MediaError('unsupported', 'its moov is compressed (cmov), expected a plain one');
    const context: MovieContext = {
      reader: this.#reader,
      timescale: readMovieTimescale(moov),
      budget: new SampleBudget(),
      hasFragments: moofs.length > 0,
      defaults: readSampleDefaults(moov),
      warn: (text) => this.#warnings.push(text),
    };
    const tracks = this.#openTracks(boxes, context);
    this.#warnings.push(...readFragments(this.#reader, moofs, tracks));
    if (context.hasFragments) startAtFirstFragment([...tracks.values()]);
    return this.#assemble(this.#finishTracks(tracks));
  }

  #openTracks(boxes: readonly Box[], context: MovieContext): Map<number, Mp4Track> {
    const traks = boxes.filter((box) => box.type === 'trak');
    if (traks.length > MAX_TRACKS)
      throw new MediaError('broken', `moov has ${traks.length} tracks, expected ${MAX_TRACKS} at most`);
    const tracks = new Map<number, Mp4Track>();
    traks.forEach((trak, i) => {
      const label = trackLabel(trak, i);
      const track = this.#attempt(label, () => Mp4Track.open(trak, context));
      if (track === undefined) return;
      if (tracks.has(track.id)) this.#warnings.push(`${label}: a second track of that number is left out`);
      else tracks.set(track.id, track);
    });
    return tracks;
  }

  /** Empties the map as it goes, so that a finished track's columns don't wait for the others. */
  #finishTracks(tracks: Map<number, Mp4Track>): FinishedTrack[] {
    const finished: FinishedTrack[] = [];
    for (const [id, track] of tracks) {
      tracks.delete(id);
      const result = this.#attempt(`track ${track.id}`, () => track.finish());
      if (result !== undefined) finished.push(result);
    }
    return finished;
  }

  /**
   * A disabled track plays where no enabled one of its kind does, and where it is the alternative of one: muxers enable one
   * language and disable the others (ISO/IEC 14496-12 §8.3.2.3, track_enabled and alternate_group).
   */
  #assemble(finished: readonly FinishedTrack[]): MovieIndex {
    const enabledOnes = finished.filter(({ enabled }) => enabled);
    const played = finished.filter(({ enabled, alternateGroup, indexed }) => {
      const rivals = enabledOnes.filter((other) => other.indexed.track.kind === indexed.track.kind);
      if (enabled || rivals.length === 0) return true;
      if (alternateGroup > 0 && rivals.some((other) => other.alternateGroup === alternateGroup)) return true;
      this.#warnings.push(`track ${indexed.track.id}: disabled in the file`);
      return false;
    });
    if (played.length === 0)
      throw new MediaError(this.#refusal, this.#warnings.join('; ') || 'no video or audio track');
    const durationUs = Math.max(...played.map(({ endUs }) => endUs));
    return { durationUs, tracks: played.map(({ indexed }) => indexed), warnings: this.#warnings };
  }

  /** Does work on one track; its MediaError becomes a warning. */
  #attempt<T>(label: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      if (error.code === 'unsupported') this.#refusal = 'unsupported';
      this.#warnings.push(`${label}: ${error.message}`);
      return undefined;
    }
  }
}

function trackLabel(trak: Box, index: number): string {
  try {
    return `track ${readTrackId(trak) || `#${index + 1}`}`;
  } catch {
    return `track #${index + 1}`;
  }
}

/**
 * Recordings of live streams begin at the time of day, or of the broadcast. Moves all tracks by the same whole seconds, so
 * that nobody waits for hours; whole, because that is exact in every timescale.
 */
function startAtFirstFragment(tracks: readonly Mp4Track[]): void {
  const begun = tracks.filter((track) => track.columns.length > 0);
  if (begun.some((track) => track.movieSampleCount > 0)) return;
  const starts = begun.map(({ columns, edits, timescale }) => {
    const mediaStart = edits[0]?.mediaStart ?? 0;
    return Math.floor((columns.dts[0]! - mediaStart) / timescale);
  });
  const seconds = Math.min(...starts);
  if (seconds < 1 || !Number.isSafeInteger(seconds)) return;
  for (const track of begun) track.columns.shift(-seconds * track.timescale);
}
