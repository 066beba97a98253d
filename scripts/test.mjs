/**
 * `npm test -- <arguments of jest>`: sets up what is stale, runs jest, twice, and closes with the line `N passed, N failed, N skipped`.
 * Rule: that line is the last one, and the exit code is not 0 when anything failed or nothing could be counted.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, setupOrExit } from './setup.mjs';

/** Files that mostly wait run side by side; those that others could spoil follow, one by one (jest.config.mjs). */
const RUNS = [
  ['--selectProjects', 'together', `--maxWorkers=${Math.max(2, availableParallelism())}`],
  ['--selectProjects', 'alone', '--runInBand'],
];

await setupOrExit();
let isStopped = false;
let running;
// a terminal's Ctrl-C reaches jest by itself; we only stay alive to print the counts
process.on('SIGINT', () => {
  isStopped = true;
});
process.on('SIGTERM', () => {
  isStopped = true;
  running?.kill('SIGTERM');
});
const folder = mkdtempSync(join(tmpdir(), 'finch-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
let exitCode = 0;
for (const [place, run] of RUNS.entries()) {
  const summaryFile = join(folder, `summary-${place}.json`);
  const args = ['--passWithNoTests', '--json', `--outputFile=${summaryFile}`, ...process.argv.slice(2)];
  exitCode = (await runJest([...run, ...args])) || exitCode;
  for (const [what, count] of Object.entries(readCounts(summaryFile))) total[what] += count;
  if (isStopped) break;
}
rmSync(folder, { recursive: true, force: true });
if (total.passed + total.failed + total.skipped === 0) console.log('no test was found');
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = exitCode || (total.failed > 0 || total.passed + total.skipped === 0 ? 1 : 0);

function runJest(args) {
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  running = spawn(process.execPath, [jest, ...args], { cwd: ROOT, stdio: 'inherit' });
  return new Promise((resolve) => {
    running.on('error', () => resolve(1));
    running.on('close', (code) => resolve(code ?? 1));
  });
}

/** A file that could not even be run has no tests to count: it counts as one failure. */
function readCounts(file) {
  try {
    const summary = JSON.parse(readFileSync(file, 'utf8'));
    return {
      passed: summary.numPassedTests,
      failed: summary.numFailedTests + summary.numRuntimeErrorTestSuites,
      skipped: summary.numPendingTests + summary.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
