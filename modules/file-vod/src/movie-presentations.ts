/**
 * The movies that are open on one task thread. Called by the roles describe and open. Rule: one presentation a movie and
 * thread, so that its viewers share what is cached with it; and one hold of the blocking thread that opened it, given back with
 * the last viewer here. Whether the file has changed is looked at four times a second at most, however many viewers come.
 */
import { type BlockingCalls, FrameTable, type Opening, type Presentation } from '@finch/core';
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

/** For so long a movie that is open here is taken as it is, without a look at its file. */
const FRESH_MS = 250;

interface Held {
  readonly movie: SharedMovie;
  readonly key: string;
  readonly presentation: Presentation;
  readonly closers: (() => void)[];
  holders: number;
}

/** What a path led to, and when its file was looked at. */
interface Looked {
  readonly held: Held;
  readonly atMs: number;
}

/** The open movies of one task thread; see the head of this file. */
export class MoviePresentations {
  readonly #blocking: BlockingCalls;
  readonly #nowMs: () => number;
  readonly #held = new Map<number, Held>();
  readonly #looked = new Map<string, Looked>();

  /** `nowMs` is a monotonic clock. */
  constructor(blocking: BlockingCalls, nowMs = () => performance.now()) {
    this.#blocking = blocking;
    this.#nowMs = nowMs;
  }

  /** Movies that are open here. */
  get size(): number {
    return this.#held.size;
  }

  /** Opens a movie for one holder, who closes it: at once when it is open and was looked at just now. Rejects with MediaError. */
  open(path: readonly string[]): Opening {
    const key = path.join('/');
    const looked = this.#looked.get(key);
    const isFresh = looked !== undefined && this.#nowMs() - looked.atMs < FRESH_MS;
    if (!isFresh) return this.#look(key, path);
    looked.held.holders++;
    return looked.held.presentation;
  }

  async #look(key: string, path: readonly string[]): Promise<Presentation> {
    const argument: OpenArgument = { path };
    // The path is the key: its open, plan and close jobs all go to one blocking thread, in order.
    const movie = await this.#blocking.call<SharedMovie>(OPEN_JOB, key, argument);
    let held = this.#held.get(movie.movieId);
    if (held === undefined) {
      held = this.#hold(movie, key);
      this.#held.set(movie.movieId, held);
    } else this.#giveBack(held);
    held.holders++;
    this.#looked.set(key, { held, atMs: this.#nowMs() });
    return held.presentation;
  }

  #hold(movie: SharedMovie, key: string): Held {
    const closers: (() => void)[] = [];
    const presentation: Presentation = {
      name: movie.path.slice(movie.path.lastIndexOf('/') + 1),
      durationUs: movie.durationUs,
      modifiedMs: movie.modifiedMs,
      tracks: movie.tracks.map(({ track, frames }) => ({ track, frames: FrameTable.attach(frames) })),
      source: { fileId: movie.fileId, fd: movie.fd, path: movie.path },
      onClose: (closing) => closers.push(closing),
      close: () => this.#close(movie.movieId),
    };
    return { movie, key, presentation, closers, holders: 0 };
  }

  #close(movieId: number): void {
    const held = this.#held.get(movieId);
    if (held === undefined) return;
    held.holders--;
    if (held.holders > 0) return;
    this.#held.delete(movieId);
    // A movie may have been asked for by several paths: links lead to it.
    for (const [path, looked] of this.#looked) if (looked.held === held) this.#looked.delete(path);
    for (const closing of held.closers) closing();
    this.#giveBack(held);
  }

  #giveBack({ movie, key }: Held): void {
    const argument: CloseArgument = { movieId: movie.movieId };
    this.#blocking.call(CLOSE_JOB, key, argument).catch(() => {}); // refused only while the server stops
  }
}
