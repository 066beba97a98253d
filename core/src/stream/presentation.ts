/**
 * A movie that is open: its tracks, their indexes and the file behind them. Made by a module's `open` role, held by the
 * sessions that play it. Rule: it is closed once for each time it was opened, and its file lives until then. Thread: one.
 */
import type { FrameTable } from './frame-table';
import type { Track } from './track';

/** A track with its index. */
export interface StoredTrack {
  readonly track: Track;
  readonly frames: FrameTable;
}

/** The file that the frames' bytes lie in. */
export interface FileSource {
  /** The addon's id of the mapped file. */
  readonly fileId: number;
  /** For positioned reads on a blocking thread. */
  readonly fd: number;
  /** What log lines call it. */
  readonly path: string;
}

/** An open movie; see the head of this file. */
export interface Presentation {
  /** The title for people: the file's name. */
  readonly name: string;
  readonly durationUs: number;
  /** Milliseconds of the Unix epoch. */
  readonly modifiedMs: number;
  readonly tracks: readonly StoredTrack[];
  readonly source: FileSource;
  /** Calls `closing` when the last holder closes it; used for what is cached with it on this thread. */
  onClose(closing: () => void): void;
  /** Gives up one hold. */
  close(): void;
}
