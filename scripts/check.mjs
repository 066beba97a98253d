/**
 * `npm run check`: format, lint, types and docblocks of the whole checkout; what CI runs before the tests.
 * Rule: it changes no source, runs every check even when one fails, and names each with its result.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findUndocumented } from './docblocks.mjs';
import { listFiles, ROOT, setupOrExit, tscScript } from './setup.mjs';

await setupOrExit({ addon: false }); // includes tsc -b
const node = process.execPath;
const biome = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
const clangFormat = join(ROOT, 'node_modules', 'clang-format', 'index.js');

const results = [
  check('format and lint', () => run([node, biome, 'ci', '.'])),
  check('format of the addon', () => {
    const sources = listFiles('native/src', /\.(cc|h)$/);
    return sources.length === 0 || run([node, clangFormat, '--dry-run', '-Werror', ...sources]);
  }),
  check('types of the packages', () => run([node, tscScript(), '-b'])),
  check('types of the tests', () => run([node, tscScript(), '--noEmit', '-p', 'test/tsconfig.json'])),
  check('docblocks', checkDocblocks),
];
process.exitCode = results.every((isGood) => isGood) ? 0 : 1;

function check(title, body) {
  const isGood = body();
  console.log(`check: ${title}: ${isGood ? 'ok' : 'FAILED'}`);
  return isGood;
}

function run([command, ...args]) {
  return spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
}

function checkDocblocks() {
  const found = findUndocumented();
  for (const place of found) console.error(`${place}: an export without a docblock`);
  return found.length === 0;
}
