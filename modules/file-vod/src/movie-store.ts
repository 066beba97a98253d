/**
 * The open movies of one blocking thread: files mapped, indexes made, both shared by every viewer on every task thread.
 * Called by the jobs "file-vod.open" and "file-vod.close". Rule: whoever opened a movie closes it, once; a movie that
 * nobody holds stays a little while, since DESCRIBE and SETUP are two requests.
 */
import { readSync, statSync } from 'node:fs';
import {
  Errno,
  errnoName,
  type Log,
  MediaError,
  type MemoryBudget,
  type SharedFrameTable,
  type Track,
} from '@finch/core';
import { type NativeFile, native } from '@finch/native';
import type { PositionedReader } from './containers/container';
import { indexMovie } from './containers/sniff';
import { resolveMoviePath } from './movie-path';

/** How long a movie stays open that nobody holds. */
const LINGER_MS = 30_000;
/** Movies that may linger at once; beyond it the one that has lingered longest goes. */
const MAX_LINGERING = 64;

/** What a movie costs beside its frame tables, in bytes. */
const MOVIE_BYTES = 8192;
/** Bytes that are held while a file is indexed for each one that is read of it: itself, and the rows that come of it. */
const INDEXING_FACTOR = 8;

/** A movie as it crosses threads. */
export interface SharedMovie {
  readonly movieId: number;
  readonly fileId: number;
  readonly fd: number;
  readonly path: string;
  readonly durationUs: number;
  readonly modifiedMs: number;
  readonly tracks: readonly { readonly track: Track; readonly frames: SharedFrameTable }[];
}

interface OpenMovie {
  readonly movie: SharedMovie;
  readonly file: NativeFile;
  /** Of the memory budget. */
  readonly sizeBytes: number;
  holders: number;
  lingering: NodeJS.Timeout | undefined;
}

/** The open movies of one blocking thread; see the head of this file. */
export class MovieStore {
  readonly #root: string;
  readonly #log: Log;
  readonly #memory: MemoryBudget;
  readonly #byPath = new Map<string, OpenMovie>();
  readonly #byId = new Map<number, OpenMovie>();

  /** `root` is a real path. */
  constructor(root: string, log: Log, memory: MemoryBudget) {
    this.#root = root;
    this.#log = log;
    this.#memory = memory;
  }

  /** Opens a movie for one holder; the same file is indexed once, until it changes on disk. Throws MediaError. */
  open(path: readonly string[]): SharedMovie {
    const real = resolveMoviePath(this.#root, path);
    let open = this.#byPath.get(real);
    if (open === undefined || hasChanged(open.file, real)) {
      open = this.#index(real, path.join('/'));
      this.#byPath.set(real, open);
      this.#byId.set(open.movie.movieId, open);
    }
    open.holders++;
    clearTimeout(open.lingering);
    open.lingering = undefined;
    return open.movie;
  }

  /** Ends what one open() began. */
  close(movieId: number): void {
    const open = this.#byId.get(movieId);
    if (open === undefined || open.holders === 0) return;
    open.holders--;
    if (open.holders > 0) return;
    open.lingering = setTimeout(() => this.#drop(open), LINGER_MS);
    // Moved to the end of the map: among those that linger, the front has done so for longest.
    this.#byId.delete(movieId);
    this.#byId.set(movieId, open);
    const lingering = this.#lingering();
    if (lingering.length > MAX_LINGERING) this.#drop(lingering[0]!);
  }

  /** Gives up every movie, whoever holds it: the thread ends. */
  closeAll(): void {
    for (const open of [...this.#byId.values()]) this.#drop(open);
  }

  #index(real: string, name: string): OpenMovie {
    const file = openFile(real, name);
    const pieces: number[] = []; // of the memory budget, for as long as this takes
    const take = (bytes: number): void => {
      if (!this.#take(bytes)) throw new MediaError('busy', `${name}: the memory budget is spent`);
      pieces.push(bytes);
    };
    try {
      const { durationUs, tracks, warnings } = indexMovie(readerOf(file, name, take));
      for (const warning of warnings) this.#log.warn(`${name}: ${warning}`);
      const movie: SharedMovie = {
        movieId: file.id,
        fileId: file.id,
        fd: file.fd,
        path: name,
        durationUs,
        modifiedMs: file.modifiedMs,
        tracks: tracks.map(({ track, frames }) => ({ track, frames: frames.share() })),
      };
      const sizeBytes = tracks.reduce((sum, { frames }) => sum + frames.memory.byteLength, MOVIE_BYTES);
      take(sizeBytes);
      pieces.pop(); // it stays
      return { movie, file, sizeBytes, holders: 0, lingering: undefined };
    } catch (error) {
      native.fileClose(file.id);
      throw error;
    } finally {
      for (const bytes of pieces) this.#memory.give('indexes', bytes);
    }
  }

  #lingering(): OpenMovie[] {
    return [...this.#byId.values()].filter(({ holders }) => holders === 0);
  }

  // Movies that nobody holds go first.
  #take(bytes: number): boolean {
    const lingering = this.#lingering();
    while (!this.#memory.tryTake('indexes', bytes)) {
      const longest = lingering.shift();
      if (longest === undefined) return false;
      this.#drop(longest);
    }
    return true;
  }

  #drop(open: OpenMovie): void {
    clearTimeout(open.lingering);
    native.fileClose(open.file.id);
    this.#memory.give('indexes', open.sizeBytes);
    this.#byId.delete(open.movie.movieId);
    for (const [path, other] of this.#byPath) if (other === open) this.#byPath.delete(path);
  }
}

function openFile(real: string, name: string): NativeFile {
  const file = native.fileOpen(real);
  if (typeof file !== 'number') return file;
  if (file === -Errno.EISDIR) throw new MediaError('not-found', `${name}: a folder, expected a movie file`);
  if (file === -Errno.EINVAL) throw new MediaError('unsupported', `${name}: not a regular file`);
  if (file === -Errno.EMFILE || file === -Errno.ENFILE || file === -Errno.ENOMEM)
    throw new MediaError('busy', `${name}: can't be opened now: ${errnoName(file)}`);
  throw new MediaError('not-found', `${name}: can't be opened: ${errnoName(file)}`);
}

function hasChanged(file: NativeFile, real: string): boolean {
  const status = statSync(real, { throwIfNoEntry: false });
  if (status === undefined) return true;
  return (
    status.ino !== file.inode ||
    status.dev !== file.device ||
    status.size !== file.sizeBytes ||
    Math.floor(status.mtimeMs) !== file.modifiedMs
  );
}

/** `take` hears how many bytes a read will cost, and throws when they can't be had. */
function readerOf(file: NativeFile, name: string, take: (bytes: number) => void): PositionedReader {
  return {
    name,
    sizeBytes: file.sizeBytes,
    read(position, length) {
      const wanted = Math.max(0, Math.min(length, file.sizeBytes - position));
      take(wanted * INDEXING_FACTOR);
      const bytes = Buffer.allocUnsafe(wanted);
      try {
        return bytes.subarray(0, readSync(file.fd, bytes, 0, wanted, position));
      } catch (error) {
        throw new MediaError(
          'broken',
          `${name}: can't be read at byte ${position}: ${(error as Error).message}`,
        );
      }
    },
  };
}
