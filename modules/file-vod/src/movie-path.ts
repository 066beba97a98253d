/**
 * From a request's path to a file below the media root. Called on blocking threads. Rule: what is opened lies below the
 * root after every link has been followed; what does not looks the same as what is not there.
 */
import { realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { MediaError } from '@finch/core';

/** Whether a segment names an entry that people hide: it is served to nobody. */
export function isHidden(segment: string): boolean {
  return segment.startsWith('.');
}

/**
 * Finds the file that `path` names below `root` (itself a real path). `path` has no empty, "." or ".." segment.
 * MediaError `not-found` when there is none, or it lies elsewhere.
 */
export function resolveMoviePath(root: string, path: readonly string[]): string {
  const name = path.join('/');
  if (path.length === 0 || path.some(isHidden)) throw notFound(name);
  let real: string;
  try {
    real = realpathSync(join(root, ...path));
  } catch {
    throw notFound(name);
  }
  const below = root.endsWith(sep) ? root : root + sep;
  if (!real.startsWith(below)) throw notFound(name);
  return real;
}

function notFound(name: string): MediaError {
  return new MediaError('not-found', `${name}: no such file in the media folder`);
}
