/**
 * What a container format gives and what it is given. Implemented once per format beside this file; called by the file
 * module on a blocking thread. Rule: a format only reads the places it needs, through one reader, and never the media.
 */

import type { FrameTable } from '@finch/core/stream/frame-table';
import type { Track } from '@finch/core/stream/track';

/** Gives the bytes of one open file. Blocking; used by one thread. */
export interface PositionedReader {
  /** Size of the file when it was opened, in bytes. */
  readonly sizeBytes: number;
  /** What people call the file; it starts every error message. */
  readonly name: string;
  /**
   * Reads `length` bytes at `position`. The bytes are the caller's: no later read changes them.
   * Shorter than asked only where the file ends; empty at and beyond its end. Throws what the operating system says.
   */
  read(position: number, length: number): Uint8Array;
}

/** What a movie file holds. Plain data: the frame tables lie in shared memory, the rest can be cloned. */
export interface MovieIndex {
  /** End of the longest track on the timeline, in microseconds. */
  readonly durationUs: number;
  /** The tracks that can be played, in file order; at least one. */
  readonly tracks: readonly IndexedTrack[];
  /** One line each: tracks left out and why, defects that were passed over. */
  readonly warnings: readonly string[];
}

/** A track that can be played, with its frames. */
export interface IndexedTrack {
  readonly track: Track;
  readonly frames: FrameTable;
}

/** Indexes a movie. Throws MediaError (`unsupported` or `broken`) with the file's name, what was found and expected. */
export type IndexMovie = (reader: PositionedReader) => MovieIndex;
