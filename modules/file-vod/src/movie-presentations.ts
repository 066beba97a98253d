/**
 * The movies that are open on one task thread. Called by the roles describe and open. Rule: one presentation a movie and
 * thread, so that its viewers share what is cached with it; each hold is given back to the blocking thread that gave it.
 */
import { type BlockingCalls, FrameTable, type Presentation } from '@finch/core';
import type { SharedMovie } from './movie-store';

/** Name of the job that opens a movie. */
export const OPEN_JOB = 'file-vod.open';
/** Name of the job that gives a movie back. */
export const CLOSE_JOB = 'file-vod.close';

/** What OPEN_JOB takes. */
export interface OpenArgument {
  readonly path: readonly string[];
}
/** What CLOSE_JOB takes. */
export interface CloseArgument {
  readonly movieId: number;
}

interface Held {
  readonly presentation: Presentation;
  holders: number;
}

/** The open movies of one task thread; see the head of this file. */
export class MoviePresentations {
  readonly #blocking: BlockingCalls;
  readonly #held = new Map<number, Held>();

  constructor(blocking: BlockingCalls) {
    this.#blocking = blocking;
  }

  /** Movies that are open here. */
  get size(): number {
    return this.#held.size;
  }

  /** Opens a movie for one holder, who closes it. Rejects with MediaError. */
  async open(path: readonly string[]): Promise<Presentation> {
    const argument: OpenArgument = { path };
    // The path is the key: its open, plan and close jobs all go to one blocking thread, in order.
    const movie = await this.#blocking.call<SharedMovie>(OPEN_JOB, keyOf(path), argument);
    let held = this.#held.get(movie.movieId);
    if (held === undefined) {
      held = { presentation: this.#present(movie, keyOf(path)), holders: 0 };
      this.#held.set(movie.movieId, held);
    }
    held.holders++;
    return held.presentation;
  }

  #present(movie: SharedMovie, key: string): Presentation {
    const closers: (() => void)[] = [];
    return {
      name: movie.path.slice(movie.path.lastIndexOf('/') + 1),
      durationUs: movie.durationUs,
      modifiedMs: movie.modifiedMs,
      tracks: movie.tracks.map(({ track, frames }) => ({ track, frames: FrameTable.attach(frames) })),
      source: { fileId: movie.fileId, fd: movie.fd, path: movie.path },
      onClose: (closing) => closers.push(closing),
      close: () => this.#close(movie, key, closers),
    };
  }

  #close(movie: SharedMovie, key: string, closers: readonly (() => void)[]): void {
    const held = this.#held.get(movie.movieId);
    if (held === undefined) return;
    held.holders--;
    if (held.holders === 0) {
      this.#held.delete(movie.movieId);
      for (const closing of closers) closing();
    }
    const argument: CloseArgument = { movieId: movie.movieId };
    this.#blocking.call(CLOSE_JOB, key, argument).catch(() => {}); // refused only while the server stops
  }
}

function keyOf(path: readonly string[]): string {
  return path.join('/');
}
