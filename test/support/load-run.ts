/**
 * Runs the viewers of the load test in a process of their own. Used by test/load.
 * Rule: the server is in the test's process, so the load must not share its event loop.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformFileSync } from '@swc/core';
import { runClient } from './clients';
import type { LoadOrder, LoadReport } from './load-viewers';

/** The program's files; the first one is run. */
const FILES = ['load-viewers', 'load-viewer', 'load-track'];
/** Beyond the order's own limit, for starting Node and for the statistics. */
const EXTRA_MS = 10_000;

/**
 * Plays to all viewers of the order; `folder` takes the compiled program. They leave when `leave` resolves, if it is given.
 * Rejects with what the program printed when it failed.
 */
export async function runLoad(folder: string, order: LoadOrder, leave?: Promise<void>): Promise<LoadReport> {
  for (const name of FILES) {
    const { code } = transformFileSync(join(__dirname, `${name}.ts`), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
      swcrc: false,
    });
    writeFileSync(join(folder, `${name}.js`), code);
  }
  const args = [
    join(folder, `${FILES[0]}.js`),
    JSON.stringify({ ...order, leavesAtInputEnd: leave !== undefined }),
  ];
  const result = await runClient(process.execPath, args, {
    timeoutMs: order.limitMs + EXTRA_MS,
    ...(leave === undefined ? {} : { inputEnds: leave }),
  });
  if (result.exitCode !== 0)
    throw new Error(`the load failed: ${result.isTimedOut ? 'too slow' : result.stderr}`);
  return JSON.parse(result.stdout) as LoadReport;
}
