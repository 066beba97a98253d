/** From a request's path to a file below the media root, and nowhere else. */
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { MediaError } from '@finch/core';
import { isHidden, resolveMoviePath } from '@finch/file-vod/movie-path';
import fc from 'fast-check';
import { temporaryFolder } from '../../support/finch-under-test';

const folder = temporaryFolder();
const base = realpathSync(folder.path);
const root = join(base, 'root');

beforeAll(() => {
  mkdirSync(join(root, 'a', 'b'), { recursive: true });
  mkdirSync(join(base, 'root-of-another'));
  for (const path of [
    'root/x.mp4',
    'root/a/b/y.mp4',
    'root/.hidden.mp4',
    'secret.mp4',
    'root-of-another/z.mp4',
  ])
    writeFileSync(join(base, path), 'x');
  symlinkSync('a/b/y.mp4', join(root, 'in.mp4'));
  symlinkSync('.hidden.mp4', join(root, 'to-hidden.mp4'));
  symlinkSync('../secret.mp4', join(root, 'out.mp4'));
  symlinkSync(join(base, 'root-of-another'), join(root, 'another'));
  symlinkSync('..', join(root, 'up'));
  symlinkSync('loop', join(root, 'loop'));
});
afterAll(() => folder.remove());

/** The path, or the code of the error. */
function resolved(...path: string[]): string {
  try {
    return resolveMoviePath(root, path).slice(base.length + 1);
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
}

describe('resolveMoviePath', () => {
  it.each([
    [['x.mp4'], 'root/x.mp4'],
    [['a', 'b', 'y.mp4'], 'root/a/b/y.mp4'],
    [['in.mp4'], 'root/a/b/y.mp4'],
    [['a'], 'root/a'],
    [['out.mp4'], 'not-found'],
    [['another', 'z.mp4'], 'not-found'],
    [['up', 'secret.mp4'], 'not-found'],
    [['up', 'root', 'x.mp4'], 'root/x.mp4'],
    [['up'], 'not-found'],
    [['loop'], 'not-found'],
    [['x.mp4', 'y'], 'not-found'],
    [['nothing'], 'not-found'],
    [['.hidden.mp4'], 'not-found'],
    [['a', '.', 'x'], 'not-found'],
    [['..', 'secret.mp4'], 'not-found'],
    [[], 'not-found'],
    [['x'.repeat(5000)], 'not-found'],
    [['\0'], 'not-found'],
  ])('%j is %s', (path, expected) => {
    expect(resolved(...path)).toBe(expected);
  });

  it('names the path as the client wrote it, not where the folder lies', () => {
    expect(() => resolveMoviePath(root, ['a', 'out.mp4'])).toThrow(
      'a/out.mp4: no such file in the media folder',
    );
  });

  it('serves from the root of the file system, too', () => {
    expect(resolveMoviePath('/', root.split(sep).slice(1).concat('x.mp4'))).toBe(join(root, 'x.mp4'));
  });

  it('gives a path below the root or not-found, whatever is asked for (any path)', () => {
    const parts = [
      '..',
      '.',
      '',
      'a',
      'b',
      'up',
      'another',
      'in.mp4',
      'out.mp4',
      'secret.mp4',
      '/',
      '\\',
      '\0',
    ];
    const segment = fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), (path) => {
        const answer = resolved(...path);
        expect(answer === 'not-found' || answer.startsWith(`root${sep}`)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

it.each([
  ['.x', true],
  ['..', true],
  ['x.', false],
  ['x', false],
])('isHidden(%s) is %s', (segment, expected) => {
  expect(isHidden(segment)).toBe(expected);
});
