/** The open movies of a task thread: one presentation a movie, every hold given back to the blocking thread. */
import { realpathSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { BlockingCalls, MediaError, MemoryBudget } from '@finch/core';
import {
  CLOSE_JOB,
  type CloseArgument,
  MoviePresentations,
  OPEN_JOB,
  type OpenArgument,
} from '@finch/file-vod/movie-presentations';
import { MovieStore } from '@finch/file-vod/movie-store';
import { eventually } from '../../support/deadline';
import { temporaryFolder } from '../../support/finch-under-test';
import { putMovie } from '../../support/movies';

const folder = temporaryFolder();
const root = realpathSync(folder.path);
const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

/** What a blocking thread does, on this one: it answers in order and counts. */
class BlockingSide {
  readonly store = new MovieStore(root, silent, new MemoryBudget(Number.POSITIVE_INFINITY));
  readonly #channel = new MessageChannel();
  readonly calls = new BlockingCalls([this.#channel.port1]);
  nowMs = 5000;
  readonly presentations = new MoviePresentations(this.calls, () => this.nowMs);
  opens = 0;
  closes = 0;

  constructor() {
    this.#channel.port2.on('message', (request: { id: number; job: string; argument: unknown }) => {
      try {
        this.#channel.port2.postMessage({ id: request.id, result: this.#answer(request) });
      } catch (error) {
        const { message, code } = error as MediaError;
        this.#channel.port2.postMessage({ id: request.id, error: { message, mediaCode: code } });
      }
    });
  }

  #answer({ job, argument }: { job: string; argument: unknown }): unknown {
    if (job === OPEN_JOB) {
      const movie = this.store.open((argument as OpenArgument).path);
      this.opens++;
      return movie;
    }
    expect(job).toBe(CLOSE_JOB);
    this.closes++;
    return this.store.close((argument as CloseArgument).movieId);
  }
}

let side: BlockingSide;

beforeAll(() => {
  putMovie(root, 'a.mp4', { frames: 10, framesPerSecond: 25 });
});
afterAll(() => folder.remove());
beforeEach(() => {
  side = new BlockingSide();
});
afterEach(async () => {
  await eventually(() => expect([side.closes, side.calls.pending]).toEqual([side.opens, 0]));
  side.calls.close();
  side.store.closeAll();
});

it('gives the same presentation to all who open a movie at once', async () => {
  const { presentations } = side;
  const all = await Promise.all([1, 2, 3].map(() => presentations.open(['a.mp4'])));
  expect(new Set(all).size).toBe(1);
  expect(presentations.size).toBe(1);
  expect(all[0]!.tracks.map(({ frames }) => frames.length)).toEqual([10, 18]);
  expect(all[0]!).toMatchObject({ name: 'a.mp4', durationUs: 400_000, source: { path: 'a.mp4' } });
  for (const presentation of all) presentation.close();
  expect(presentations.size).toBe(0);
});

it('has a movie at once that was looked at just now', async () => {
  const one = await side.presentations.open(['a.mp4']);
  const two = side.presentations.open(['a.mp4']);
  expect(two).toBe(one);
  one.close();
  one.close();
});

it('tells who cached something with a movie when its last holder has closed it, once', async () => {
  const closings: string[] = [];
  const [one, two] = [await side.presentations.open(['a.mp4']), await side.presentations.open(['a.mp4'])];
  one.onClose(() => closings.push('plans'));
  one.close();
  expect(closings).toEqual([]);
  two.close();
  expect(closings).toEqual(['plans']);
});

it('makes a new presentation for one who opens a movie after the last has closed it', async () => {
  const one = await side.presentations.open(['a.mp4']);
  one.close();
  const two = await side.presentations.open(['a.mp4']);
  expect(two).not.toBe(one);
  expect(two.source.fileId).toBe(one.source.fileId); // it lingered
  two.close();
});

it('looks at the file four times a second at most, and holds it once, however many come', async () => {
  const first = await side.presentations.open(['a.mp4']);
  const more = [await side.presentations.open(['a.mp4']), await side.presentations.open(['a.mp4'])];
  expect(side.opens).toBe(1);
  side.nowMs += 250;
  more.push(await side.presentations.open(['a.mp4']));
  expect(side.opens).toBe(2);
  expect(more).toEqual([first, first, first]);
  await eventually(() => expect(side.closes).toBe(1));
  for (const presentation of [first, ...more]) presentation.close();
  await eventually(() => expect(side.closes).toBe(2));
});

it('forgets every path that led to a movie with its last holder', async () => {
  symlinkSync('a.mp4', join(root, 'link.mp4'));
  const one = await side.presentations.open(['a.mp4']);
  const other = await side.presentations.open(['link.mp4']);
  expect(other).toBe(one);
  one.close();
  other.close();
  for (const path of ['a.mp4', 'link.mp4']) {
    const again = await side.presentations.open([path]);
    expect(again).not.toBe(one);
    again.close();
  }
});

it('shows a file that was replaced as the movie that it is now, and the old one to its viewers', async () => {
  putMovie(root, 'b.mp4', { frames: 10, framesPerSecond: 25 });
  const before = await side.presentations.open(['b.mp4']);
  rmSync(join(root, 'b.mp4'));
  putMovie(root, 'b.mp4', { frames: 20, framesPerSecond: 25 });
  side.nowMs += 250;
  const after = await side.presentations.open(['b.mp4']);
  expect([before.durationUs, after.durationUs]).toEqual([400_000, 800_000]);
  before.close();
  expect(await side.presentations.open(['b.mp4'])).toBe(after);
  after.close();
  after.close();
});

it('passes the error of the blocking thread on, and holds nothing', async () => {
  const opening = side.presentations.open(['no.mp4']);
  await expect(opening).rejects.toThrow(MediaError);
  await expect(opening).rejects.toMatchObject({ code: 'not-found' });
  expect(side.presentations.size).toBe(0);
});
