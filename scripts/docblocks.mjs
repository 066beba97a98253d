/**
 * Finds exported symbols without a docblock in the packages' sources. Called by check.mjs.
 * Rule: it reads lines, not syntax: an export starts its line, as biome formats it, and its docblock ends right above.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles, listPackages, ROOT } from './setup.mjs';

const EXPORT =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:class|interface|type|const|let|function\*?|enum) +(\w+)/;
const DOCBLOCK_END = /\*\/\s*$/;
const ASIDE = /^\s*(?:@\w+|\/\/ biome-ignore)/;

/** Lists `file:line name` of every exported symbol that has no docblock. */
export function findUndocumented(folders = listPackages()) {
  return folders
    .flatMap((folder) => listFiles(`${folder}/src`, /\.ts$/))
    .flatMap((file) =>
      undocumentedIn(readFileSync(join(ROOT, file), 'utf8')).map((place) => `${file}:${place}`),
    );
}

/** Lists `line name` for one source text; a second overload of a documented function needs no docblock of its own. */
export function undocumentedIn(text) {
  const lines = text.split('\n');
  const documented = new Set();
  const found = [];
  lines.forEach((line, index) => {
    const name = line.match(EXPORT)?.[1];
    if (name === undefined) return;
    let above = index - 1;
    while (above >= 0 && ASIDE.test(lines[above])) above -= 1;
    if (above >= 0 && DOCBLOCK_END.test(lines[above]) && opensAsDocblock(lines, above)) documented.add(name);
    if (!documented.has(name)) found.push(`${index + 1} ${name}`);
  });
  return found;
}

function opensAsDocblock(lines, end) {
  for (let index = end; index >= 0; index -= 1) {
    if (lines[index].includes('/*')) return lines[index].trimStart().startsWith('/**');
  }
  return false;
}
