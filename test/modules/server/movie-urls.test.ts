import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatMovieUrls, listMovieUrls } from '@finch/server/movie-urls';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function folderWith(...paths: (string | Buffer)[]): string {
  const root = mkdtempSync(join(tmpdir(), 'finch-movies-'));
  folders.push(root);
  for (const path of paths) {
    const whole = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path)]);
    mkdirSync(dirname(`${root}/${path}`), { recursive: true });
    writeFileSync(whole, '');
  }
  return root;
}

const target = { host: '192.0.2.1', port: 8554 };

async function pathsOf(folder: string): Promise<string[]> {
  const { urls } = await listMovieUrls(folder, target);
  return urls.map((url) => url.replace('rtsp://192.0.2.1:8554/', ''));
}

describe('listMovieUrls', () => {
  it('lists movies by extension in any case, sorted by path', async () => {
    const root = folderWith('b.MP4', 'a.mov', 'c/d.m4v', 'c/e.M4a', 'f.3gp', 'g.txt', 'mp4', 'h.mp4.part');
    expect(await pathsOf(root)).toEqual(['a.mov', 'b.MP4', 'c/d.m4v', 'c/e.M4a', 'f.3gp']);
  });

  it('skips hidden entries', async () => {
    expect(await pathsOf(folderWith('.a.mp4', '.trash/b.mp4', 'c.mp4'))).toEqual(['c.mp4']);
  });

  it('follows no link to a folder, lists a link that is named like a movie', async () => {
    const root = folderWith('movies/a.mp4');
    symlinkSync('..', join(root, 'movies', 'loop'));
    symlinkSync('movies/a.mp4', join(root, 'link.mp4'));
    expect(await pathsOf(root)).toEqual(['link.mp4', 'movies/a.mp4']);
  });

  it('takes a folder that is named like a movie for a folder', async () => {
    expect(await pathsOf(folderWith('a.mp4/b.mp4'))).toEqual(['a.mp4/b.mp4']);
  });

  it.each([
    ['two words/50%.mp4', 'two%20words/50%25.mp4'],
    ['Füße?.mp4', 'F%C3%BC%C3%9Fe%3F.mp4'],
    ['a#b\\c.mp4', 'a%23b%5Cc.mp4'],
    ["it's (1)!*.mp4", 'it%27s%20%281%29%21%2A.mp4'],
    ['line\nfeed.mp4', 'line%0Afeed.mp4'],
  ])('encodes %j as %j (RFC 3986 §2.1)', async (path, expected) => {
    expect(await pathsOf(folderWith(path))).toEqual([expected]);
  });

  it('leaves out a name that is not UTF-8, as no URL could ask for it', async () => {
    const root = folderWith('a.mp4', Buffer.from([0xff, ...Buffer.from('.mp4')]));
    expect(await pathsOf(root)).toEqual(['a.mp4']);
  });

  it.each([
    ['0.0.0.0', 'rtsp://localhost:1/a.mp4'],
    ['::', 'rtsp://localhost:1/a.mp4'],
    ['::1', 'rtsp://[::1]:1/a.mp4'],
    ['127.0.0.1', 'rtsp://127.0.0.1:1/a.mp4'],
  ])('for host %s gives %s', async (host, expected) => {
    const { urls } = await listMovieUrls(folderWith('a.mp4'), { host, port: 1 });
    expect(urls).toEqual([expected]);
  });

  it('gives the first 20 of all, and counts the rest', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `${String(index).padStart(2, '0')}.mp4`);
    const root = folderWith(...names.toReversed());
    const found = await listMovieUrls(root, target);
    expect(found.urls.map((url) => url.slice(-6))).toEqual(names.slice(0, 20));
    expect([found.movieCount, found.isPartial]).toEqual([50, false]);
    expect(formatMovieUrls(found, root).at(-1)).toBe('and 30 more');
  });

  it('stops at the bound of entries, whatever they are', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `${index}.txt`);
    const found = await listMovieUrls(folderWith(...names), { ...target, maxEntries: 10 });
    expect(found).toEqual({ urls: [], movieCount: 0, isPartial: true });
  });

  it('stops at the bound of time', async () => {
    const found = await listMovieUrls(folderWith('a.mp4'), { ...target, maxSearchMs: 0 });
    expect(found.isPartial).toBe(true);
  });

  it('looks at the upper folders first', async () => {
    const root = folderWith('a/b/deep.mp4', 'z.mp4', 'a/y.mp4');
    const found = await listMovieUrls(root, { ...target, maxEntries: 4 });
    expect(found.urls.map((url) => url.slice(21))).toEqual(['/a/y.mp4', '/z.mp4']);
  });

  it('finds nothing in a folder that is not there', async () => {
    expect(await listMovieUrls('/nowhere/at/all', target)).toEqual({
      urls: [],
      movieCount: 0,
      isPartial: false,
    });
  });
});

describe('formatMovieUrls', () => {
  it.each<[string[], number, boolean, string[]]>([
    [[], 0, false, ['no movies (mp4, mov, m4v, m4a, 3gp) in /m']],
    [[], 0, true, ['no movie found yet in /m']],
    [['a'], 1, false, ['a']],
    [['a'], 3, false, ['a', 'and 2 more']],
    [['a'], 3, true, ['a', 'and more than 2 more']],
  ])('%j of %d, partial %j', (urls, movieCount, isPartial, expected) => {
    expect(formatMovieUrls({ urls, movieCount, isPartial }, '/m')).toEqual(expected);
  });
});
