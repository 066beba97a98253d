/** Mapped files for tests: bytes that tell their place, in a folder that is removed. Rule: who makes one removes it. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NativeFile, native } from '@finch/native';

// A global costs much in the context that jest runs tests in.
const { imul } = Math;

/** Bytes in which no two neighbourhoods look alike. */
export function patternBytes(sizeBytes: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let state = seed;
  for (let i = 0; i < sizeBytes; i++) {
    state = (imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A folder of the test's own, by its resolved path. */
export class Folder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'finch-native-')));

  /** Writes a file and returns its path. */
  write(name: string, bytes: Uint8Array | string): string {
    const path = join(this.path, name);
    writeFileSync(path, bytes);
    return path;
  }

  /** Writes, opens and maps a file. */
  map(name: string, bytes: Uint8Array): NativeFile {
    return opened(native.fileOpen(this.write(name, bytes)));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The file, or an Error when it was refused. */
export function opened(file: NativeFile | number): NativeFile {
  if (typeof file === 'number') throw new Error(`the file was refused: ${file}`);
  return file;
}
