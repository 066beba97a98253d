/**
 * `npm test -- <arguments of jest>`: sets up what is stale, runs jest and closes with the line `N passed, N failed, N skipped`.
 * Rule: that line is the last one, and the exit code is not 0 when anything failed or nothing could be counted.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, setupOrExit } from './setup.mjs';

await setupOrExit();
const folder = mkdtempSync(join(tmpdir(), 'finch-test-'));
const summaryFile = join(folder, 'summary.json');
const exitCode = await runJest(['--json', `--outputFile=${summaryFile}`, ...process.argv.slice(2)]);
const counts = readCounts(summaryFile);
rmSync(folder, { recursive: true, force: true });
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = exitCode === 0 && counts.failed > 0 ? 1 : exitCode;

function runJest(args) {
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  const child = spawn(process.execPath, [jest, ...args], { cwd: ROOT, stdio: 'inherit' });
  // a terminal's Ctrl-C reaches jest by itself; we only stay alive to print the counts
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
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
