/**
 * What the tests of this folder share: run a parser that must refuse, and feed every parser with damaged
 * input.
 */

import { RtspError } from '@finch/rtsp/errors';
import fc from 'fast-check';

/** Runs `action`, which must throw an RtspError, and returns that error. */
export function rtspErrorOf(action: () => unknown): RtspError {
  try {
    action();
  } catch (error) {
    if (error instanceof RtspError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/**
 * Runs `parse`, which may return or throw an RtspError whose detail is one line; any other error is let
 * through.
 */
export function toleratesOnlyRtspError(parse: (value: string) => unknown, value: string): void {
  try {
    parse(value);
  } catch (error) {
    if (!(error instanceof RtspError)) throw error;
    if (/[\r\n\0]/.test(error.message)) throw new Error(`message is not one line: ${error.message}`);
  }
}

/** Text that nearly fits a grammar: seeds with a piece replaced, pieces in any order, or anything at all. */
export function damaged(seeds: readonly string[]): fc.Arbitrary<string> {
  const pieces = [...new Set(seeds.flatMap((seed) => seed.split(/(?<=[;,=\-:/.% ])|(?=[;,=\-:/.% ])/)))];
  const noise = fc.oneof(fc.string({ maxLength: 4 }), fc.string({ unit: 'binary', maxLength: 3 }));
  const replaced = fc
    .tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat({ max: 4 }), noise)
    .map(([seed, at, length, text]) => {
      const start = at % (seed.length + 1);
      return seed.slice(0, start) + text + seed.slice(start + length);
    });
  const shuffled = fc
    .array(fc.oneof(fc.constantFrom(...pieces), noise), { maxLength: 20 })
    .map((parts) => parts.join(''));
  return fc.oneof(replaced, shuffled, fc.string({ unit: 'binary' }));
}
