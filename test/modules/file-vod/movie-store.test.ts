/** Open movies of a blocking thread: shared while they are the same, kept a while, closed whatever happens. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, realpathSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FrameTable, type Log, MediaError, MemoryBudget } from '@finch/core';
import { MovieStore } from '@finch/file-vod/movie-store';
import { native } from '@finch/native';
import { temporaryFolder } from '../../support/finch-under-test';
import { putMovie } from '../../support/movies';

const LINGER_MS = 30_000;
const MAX_LINGERING = 64;
const BUDGET_BYTES = 1 << 30;
const MOVIE = { frames: 10, framesPerSecond: 25 };

const folder = temporaryFolder();
const root = realpathSync(folder.path);
const silent: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
const descriptorCount = (): number => readdirSync('/proc/self/fd').length;

let memory: MemoryBudget;
let store: MovieStore;
let filesBefore: number;

beforeAll(() => {
  putMovie(root, 'a.mp4', MOVIE);
  putMovie(root, 'b.mp4', { ...MOVIE, isSilent: true });
});
afterAll(() => folder.remove());
beforeEach(() => {
  jest.useFakeTimers();
  memory = new MemoryBudget(BUDGET_BYTES);
  store = new MovieStore(root, silent, memory);
  filesBefore = native.fileCount();
});
afterEach(() => {
  jest.advanceTimersByTime(LINGER_MS);
  expect(native.fileCount()).toBe(filesBefore);
  expect(memory.use.indexes).toBe(0);
  jest.useRealTimers();
});

const openFiles = (): number => native.fileCount() - filesBefore;

describe('open()', () => {
  it('gives index and file of a movie', () => {
    const movie = store.open(['a.mp4']);
    expect(movie.path).toBe('a.mp4');
    expect(movie.tracks.map(({ track }) => track.kind)).toEqual(['video', 'audio']);
    expect(movie.tracks.map(({ frames }) => FrameTable.attach(frames).length)).toEqual([10, 18]);
    expect(movie.durationUs).toBe(400_000);
    expect(openFiles()).toBe(1);
    store.close(movie.movieId);
  });

  it('shares a movie among all who open it, until the last has closed it and a while has passed', () => {
    const [first, second] = [store.open(['a.mp4']), store.open(['a.mp4'])];
    expect(second).toBe(first);
    store.close(first.movieId);
    jest.advanceTimersByTime(LINGER_MS * 2);
    expect(openFiles()).toBe(1);
    store.close(first.movieId);
    jest.advanceTimersByTime(LINGER_MS - 1);
    expect(openFiles()).toBe(1);
    jest.advanceTimersByTime(1);
    expect(openFiles()).toBe(0);
  });

  it('finds a movie again that lingers, and begins the time anew', () => {
    const first = store.open(['a.mp4']);
    store.close(first.movieId);
    jest.advanceTimersByTime(LINGER_MS - 1);
    expect(store.open(['a.mp4'])).toBe(first);
    jest.advanceTimersByTime(LINGER_MS);
    expect(openFiles()).toBe(1);
    store.close(first.movieId);
  });

  it('opens a file anew that has been replaced; who has the old one keeps it', () => {
    putMovie(root, 'changing.mp4', MOVIE);
    const old = store.open(['changing.mp4']);
    putMovie(root, 'next.part', { ...MOVIE, frames: 20 });
    renameSync(join(root, 'next.part'), join(root, 'changing.mp4'));
    const next = store.open(['changing.mp4']);
    expect([old.durationUs, next.durationUs]).toEqual([400_000, 800_000]);
    expect(next.movieId).not.toBe(old.movieId);
    expect(openFiles()).toBe(2);
    store.close(old.movieId);
    jest.advanceTimersByTime(LINGER_MS);
    expect(openFiles()).toBe(1);
    expect(store.open(['changing.mp4'])).toBe(next);
    store.close(next.movieId);
    store.close(next.movieId);
  });

  it('opens a file anew whose time has changed, and only then', () => {
    putMovie(root, 'touched.mp4', MOVIE);
    const first = store.open(['touched.mp4']);
    utimesSync(join(root, 'touched.mp4'), 1, 1);
    const second = store.open(['touched.mp4']);
    expect(second.movieId).not.toBe(first.movieId);
    expect(second.modifiedMs).toBe(1000);
    store.close(first.movieId);
    store.close(second.movieId);
  });

  it('is not found once the file is gone, although somebody holds it', () => {
    putMovie(root, 'gone.mp4', MOVIE);
    const movie = store.open(['gone.mp4']);
    rmSync(join(root, 'gone.mp4'));
    expect(() => store.open(['gone.mp4'])).toThrow('gone.mp4: no such file in the media folder');
    store.close(movie.movieId);
  });

  it.each([
    ['text.mp4', (path: string) => writeFileSync(path, 'no movie'.repeat(100)), 'unsupported'],
    ['empty.mp4', (path: string) => writeFileSync(path, ''), 'unsupported'],
    ['folder.mp4', (path: string) => mkdirSync(path), 'not-found'],
    ['fifo.mp4', (path: string) => execFileSync('mkfifo', [path]), 'unsupported'],
    ['nothing.mp4', () => {}, 'not-found'],
  ])('of %s throws MediaError with its name and leaves no descriptor', (name, make, code) => {
    make(join(root, name));
    const before = descriptorCount();
    for (let i = 0; i < 3; i++) {
      const opening = () => store.open([name]);
      expect(opening).toThrow(MediaError);
      expect(opening).toThrow(expect.objectContaining({ code, message: expect.stringContaining(name) }));
    }
    expect(openFiles()).toBe(0);
    expect(descriptorCount()).toBe(before);
  });

  it('tells the log what is odd about a movie that it opens', () => {
    const warned: string[] = [];
    const told = new MovieStore(root, { ...silent, warn: (message) => warned.push(message) }, memory);
    putMovie(root, 'odd.mp4', MOVIE);
    const movie = told.open(['odd.mp4']);
    expect(warned.every((line) => line.startsWith('odd.mp4: '))).toBe(true);
    told.close(movie.movieId);
  });
});

describe('close()', () => {
  it('of what nobody holds does nothing', () => {
    const movie = store.open(['a.mp4']);
    store.close(movie.movieId);
    store.close(movie.movieId);
    store.close(4711);
    expect(store.open(['a.mp4'])).toBe(movie);
    store.close(movie.movieId);
  });

  it(`lets at most ${MAX_LINGERING} movies linger`, () => {
    for (let i = 0; i < MAX_LINGERING + 6; i++) {
      const movie = store.open([putMovie(root, `many-${i}.mp4`, MOVIE)]);
      store.close(movie.movieId);
    }
    expect(openFiles()).toBe(MAX_LINGERING);
  });

  it('lets the one go that has lingered longest, not the one that was opened first', () => {
    const first = store.open(['a.mp4']);
    const second = store.open(['b.mp4']);
    store.close(second.movieId);
    for (let i = 0; i < MAX_LINGERING - 1; i++) store.close(store.open([`many-${i}.mp4`]).movieId);
    store.close(first.movieId);
    expect(store.open(['a.mp4'])).toBe(first);
    const again = store.open(['b.mp4']);
    expect(again).not.toBe(second);
    store.close(first.movieId);
    store.close(again.movieId);
  });
});

describe('with a memory budget', () => {
  it('an open movie costs its tables, once for all holders, until it is dropped', () => {
    const first = store.open(['a.mp4']);
    const costBytes = memory.use.indexes;
    const tables = first.tracks.reduce((sum, { frames }) => sum + frames.memory.byteLength, 0);
    expect(costBytes).toBeGreaterThan(tables);
    store.open(['a.mp4']);
    expect(memory.use.indexes).toBe(costBytes);
    for (let holders = 2; holders > 0; holders--) store.close(first.movieId);
    expect(memory.use.indexes).toBe(costBytes);
    jest.advanceTimersByTime(LINGER_MS);
    expect(memory.use.indexes).toBe(0);
  });

  it('that is spent, no movie is opened: busy, and nothing is taken or left open', () => {
    const others = memory.limitBytes * 0.9 - 1024;
    expect(memory.tryTake('sessions', others)).toBe(true);
    expect(() => store.open(['a.mp4'])).toThrow(
      expect.objectContaining({ name: 'MediaError', code: 'busy' }),
    );
    expect([memory.use.indexes, openFiles()]).toEqual([0, 0]);
    memory.give('sessions', others);
    store.close(store.open(['a.mp4']).movieId);
  });

  it('a movie that nobody holds makes room for another', () => {
    store.close(store.open(['a.mp4']).movieId);
    expect(openFiles()).toBe(1); // it lingers
    // Others take all that is left, piece by piece.
    let takenBytes = 0;
    for (let pieceBytes = 1 << 29; pieceBytes >= 1024; pieceBytes /= 2)
      while (memory.tryTake('sessions', pieceBytes)) takenBytes += pieceBytes;
    expect(() => store.open(['b.mp4'])).toThrow(MediaError);
    expect(openFiles()).toBe(0); // what lingered was given up for it, in vain
    memory.give('sessions', takenBytes);
  });
});
