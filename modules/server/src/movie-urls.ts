/**
 * Finds the movies below the media folder for the start banner. Called once by main, after the server is listening.
 * Rule: no file is opened and the search is bounded, so that a folder with millions of entries delays nothing.
 * Spec: percent-encoding per RFC 3986 §2.1, the rtsp scheme per RFC 2326 §3.2.
 */

import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';

/** Says where the URLs point and how far the search goes; the bounds are for tests, the defaults for everyone else. */
export interface MovieUrlOptions {
  /** The address listened on; a wildcard becomes `localhost`. */
  readonly host: string;
  /** The real TCP port, 1..65535, after binding. */
  readonly port: number;
  readonly maxUrls?: number;
  readonly maxEntries?: number;
  readonly maxSearchMs?: number;
}

/** Is what the search found. */
export interface MovieUrls {
  /** The first ones by path, percent-encoded. */
  readonly urls: readonly string[];
  /** How many movies were seen, those in `urls` included. */
  readonly movieCount: number;
  /** True when the search stopped at a bound: there may be more than `movieCount`. */
  readonly isPartial: boolean;
}

const MAX_URLS = 20;
const MAX_ENTRIES = 100_000;
const MAX_SEARCH_MS = 500;
/** Entries read from a folder at a time: few system calls, and the thread is left between two of them. */
const READ_AHEAD_ENTRIES = 256;
const MOVIE_NAME = /\.(mp4|mov|m4v|m4a|3gp)$/i;
const WILDCARD_HOSTS: readonly string[] = ['0.0.0.0', '::', ''];
/** What a name that is not UTF-8 turns into. Such a file can't be asked for: our URLs are UTF-8 (RFC 3986 §2.5). */
const REPLACEMENT_CHARACTER = '\ufffd';

/**
 * Lists the movies below `folder`, breadth first: hidden entries are left out, symbolic links to folders not followed,
 * folders that can't be read passed over. Never rejects: a banner is no reason not to serve.
 */
export async function listMovieUrls(folder: string, options: MovieUrlOptions): Promise<MovieUrls> {
  const search = new MovieSearch(options);
  await search.run(folder);
  const origin = `rtsp://${urlHost(options.host)}:${options.port}`;
  return {
    urls: search.firstPaths.map((path) => `${origin}/${encodePath(path)}`),
    movieCount: search.movieCount,
    isPartial: search.isPartial,
  };
}

/** Writes the banner's lines: a URL each, then how many more there are; one line when there is no movie. */
export function formatMovieUrls(found: MovieUrls, folder: string): string[] {
  const { urls, movieCount, isPartial } = found;
  if (movieCount === 0) {
    return [
      isPartial ? `no movie found yet in ${folder}` : `no movies (mp4, mov, m4v, m4a, 3gp) in ${folder}`,
    ];
  }
  const moreCount = movieCount - urls.length;
  if (isPartial) return [...urls, `and more than ${moreCount} more`];
  return moreCount === 0 ? [...urls] : [...urls, `and ${moreCount} more`];
}

class MovieSearch {
  readonly firstPaths: string[] = [];
  movieCount = 0;
  isPartial = false;
  #entryCount = 0;
  readonly #maxUrls: number;
  readonly #maxEntries: number;
  readonly #deadlineMs: number;

  constructor(options: MovieUrlOptions) {
    this.#maxUrls = options.maxUrls ?? MAX_URLS;
    this.#maxEntries = options.maxEntries ?? MAX_ENTRIES;
    this.#deadlineMs = performance.now() + (options.maxSearchMs ?? MAX_SEARCH_MS);
  }

  async run(root: string): Promise<void> {
    const folders = ['']; // relative to the root; grows while it is walked: breadth first
    for (const folder of folders) {
      try {
        await this.#readFolder(root, folder, folders);
      } catch {
        // unreadable, or removed meanwhile: the rest is worth listing
      }
      if (this.isPartial) return;
    }
  }

  async #readFolder(root: string, folder: string, folders: string[]): Promise<void> {
    const entries = await opendir(join(root, folder), { bufferSize: READ_AHEAD_ENTRIES });
    for await (const entry of entries) {
      if (this.#isBeyondBounds()) {
        this.isPartial = true;
        return; // leaving the loop closes the folder
      }
      if (entry.name.startsWith('.') || entry.name.includes(REPLACEMENT_CHARACTER)) continue;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else if (isMovie(entry)) this.#keep(path);
    }
  }

  #isBeyondBounds(): boolean {
    this.#entryCount += 1;
    return this.#entryCount > this.#maxEntries || performance.now() >= this.#deadlineMs;
  }

  /** Keeps the smallest paths in order; most of a large folder is turned away by one comparison. */
  #keep(path: string): void {
    this.movieCount += 1;
    const kept = this.firstPaths;
    const last = kept.at(-1);
    if (kept.length >= this.#maxUrls && (last === undefined || path >= last)) return;
    const index = kept.findIndex((other) => path < other);
    kept.splice(index === -1 ? kept.length : index, 0, path);
    if (kept.length > this.#maxUrls) kept.pop();
  }
}

/** A link named like a movie counts as one; whether it leads to a file is found out when it is asked for. */
function isMovie(entry: Dirent): boolean {
  return MOVIE_NAME.test(entry.name) && (entry.isFile() || entry.isSymbolicLink());
}

function urlHost(host: string): string {
  if (WILDCARD_HOSTS.includes(host)) return 'localhost';
  return isIPv6(host) ? `[${host}]` : host;
}

/** Encodes more than encodeURIComponent: with !'()* gone too, a URL can be pasted into any shell. */
function encodePath(path: string): string {
  const encodeRest = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  const encodeSegment = (segment: string) => encodeURIComponent(segment).replace(/[!'()*]/g, encodeRest);
  return path.split('/').map(encodeSegment).join('/');
}
