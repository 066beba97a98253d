/**
 * What all tests of players need: a folder of movies, a Finch that serves it, a folder for what players write. Made before the
 * tests of a file, gone after them. Used by test/clients.
 * Rule: players mostly wait, so all of a file play at once: they begin when the server does, and their tests wait until all
 * have played, so that nothing takes the processor from them meanwhile.
 */
import { readFileSync } from 'node:fs';
import type { FinchConfig } from '@finch/server';
import { type FinchUnderTest, startFinch, temporaryFolder } from './finch-under-test';
import { compareFrames, framesOfFile, type MovieFrames, picturesOfStream, sameFrames } from './media-frames';
import { soundBytesOfFile } from './media-gstreamer';
import { type MovieName, makeMovies } from './media-movies';

/** Of movies that are made on a busy machine. */
const START_TIMEOUT_MS = 120_000;

/** Says what is served. */
export interface ServedMovies {
  readonly names: readonly MovieName[];
  /** Of each of them. */
  readonly durationS: number;
  /** Puts more into the folder, beside or out of those. */
  readonly more?: (folder: string) => Promise<void>;
  /** Options of the server other than the defaults; asked when it starts. */
  readonly config?: () => Partial<FinchConfig>;
}

/** The server of a test file; see the head of this file. */
export class MovieServer {
  readonly #plays: (() => Promise<unknown>)[] = [];
  #played: Promise<unknown> = Promise.resolve();
  readonly #frames = new Map<MovieName, Promise<MovieFrames>>();
  readonly #sound = new Map<MovieName, Promise<Buffer>>();
  readonly #served: ServedMovies;
  #folders: ReturnType<typeof temporaryFolder>[] = [];
  #finch: FinchUnderTest | undefined;

  constructor(served: ServedMovies) {
    this.#served = served;
  }

  /** The folder that is served. */
  get media(): string {
    return this.#folders[0]!.path;
  }

  /** The folder that takes what players write. */
  get output(): string {
    return this.#folders[1]!.path;
  }

  get finch(): FinchUnderTest {
    return this.#finch!;
  }

  /** The frames of a movie of the folder, read once. */
  framesOf(name: MovieName): Promise<MovieFrames> {
    const known = this.#frames.get(name) ?? this.#played.then(() => framesOfFile(this.media, name));
    this.#frames.set(name, known);
    return known;
  }

  /** The bytes of sound of a movie of the folder, read once. */
  soundOf(name: MovieName): Promise<Buffer> {
    const known = this.#sound.get(name) ?? this.#played.then(() => soundBytesOfFile(this.media, name));
    this.#sound.set(name, known);
    return known;
  }

  /** Expects the pictures of the movie's first video, and no other, in a stream that a player wrote. */
  async expectEveryPicture(name: MovieName, stream: string): Promise<void> {
    const file = (await this.framesOf(name)).videos[0]!;
    expect(compareFrames(await picturesOfStream(stream), file)).toBe(sameFrames(file.length));
  }

  /** Expects the movie's first sound, every byte of it, in a file that a player wrote. */
  async expectAllSound(name: MovieName, soundFile: string): Promise<void> {
    const [file, sound] = [await this.soundOf(name), readFileSync(soundFile)];
    expect({ bytes: sound.length, isEqual: sound.equals(file) }).toEqual({
      bytes: file.length,
      isEqual: true,
    });
  }

  /** Has `play` begin when the server has started; the function gives what came of it when all have played. */
  begin<Result>(play: () => Promise<Result>): () => Promise<Result> {
    let playing: Promise<Result> | undefined;
    this.#plays.push(() => {
      playing = play();
      return playing;
    });
    return () => this.#played.then(() => playing!);
  }

  /** As begin(), once for each row of `cases`; the function takes a row. */
  beginEach<Row extends readonly unknown[], Result>(
    cases: readonly (readonly [...Row])[],
    play: (...row: Row) => Promise<Result>,
  ): (...row: Row) => Promise<Result> {
    const results = new Map(cases.map((row) => [row.join(' '), this.begin(() => play(...row))]));
    return (...row) => results.get(row.join(' '))!();
  }

  /** Makes the movies, starts the server and all that plays; resolves when they play. */
  async start(): Promise<void> {
    const { names, durationS, more, config } = this.#served;
    this.#folders = [temporaryFolder(), temporaryFolder()];
    await makeMovies(this.media, durationS, names);
    await more?.(this.media);
    this.#finch = await startFinch({ media: this.media, ...config?.() });
    this.#played = Promise.allSettled(this.#plays.map((play) => play()));
  }

  /** Waits for all that plays, then stops the server and removes the folders. */
  async stop(): Promise<void> {
    await this.#played; // no test awaited those that were filtered out
    await this.#finch?.stop();
    for (const { remove } of this.#folders) remove();
  }
}

/** Serves the movies to all tests of this file. */
export function serveMovies(served: ServedMovies): MovieServer {
  const server = new MovieServer(served);
  beforeAll(() => server.start(), START_TIMEOUT_MS);
  afterAll(() => server.stop(), START_TIMEOUT_MS);
  return server;
}
