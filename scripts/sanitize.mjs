/**
 * `npm run sanitize -- [address|thread] <arguments of jest>`: builds the addon under AddressSanitizer and ThreadSanitizer
 * and runs test/native with each. Rule: the regular build stays as it is; any report fails the run.
 * Node itself is not instrumented: only what the addon does is looked at.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHeaders, ROOT, setupOrExit } from './setup.mjs';

const NATIVE = join(ROOT, 'native');

/** How each sanitizer is loaded in front of Node, and told. */
const SANITIZERS = {
  address: {
    library: 'libasan.so',
    // V8 keeps memory to its end, which is no leak of ours.
    options: { ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0:exitcode=66:halt_on_error=1' },
  },
  thread: {
    library: 'libtsan.so',
    options: {
      TSAN_OPTIONS: 'ignore_noninstrumented_modules=1:exitcode=66:halt_on_error=0:second_deadlock_stack=1',
    },
  },
};

await setupOrExit({ addon: false });
const [first, ...rest] = process.argv.slice(2);
const chosen = first in SANITIZERS ? [first] : Object.keys(SANITIZERS);
const jestArguments = first in SANITIZERS ? rest : process.argv.slice(2);
const results = chosen.map((sanitizer) => [sanitizer, check(sanitizer)]);
for (const [sanitizer, isClean] of results)
  console.log(`sanitize: ${sanitizer}: ${isClean ? 'clean' : 'FAILED'}`);
process.exitCode = results.every(([, isClean]) => isClean) ? 0 : 1;

function check(sanitizer) {
  const addon = buildAddon(sanitizer);
  return addon !== undefined && runTests(sanitizer, addon);
}

/** Builds in a folder of its own below native/build; returns the addon's path. */
function buildAddon(sanitizer) {
  const folder = join(NATIVE, 'build', sanitizer);
  mkdirSync(folder, { recursive: true });
  for (const name of ['src', 'binding.gyp', 'package.json'])
    cpSync(join(NATIVE, name), join(folder, name), { recursive: true });
  const gyp = join(ROOT, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  console.log(`sanitize: building the addon with -fsanitize=${sanitizer} …`);
  const command = [gyp, 'rebuild', ...nodeHeaders(), '--', `-Dsanitizer=${sanitizer}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8' });
  const addon = join(folder, 'build', 'Release', 'finch.node');
  if (status === 0 && existsSync(addon)) return addon;
  console.error(`${stdout}${stderr}`);
  return undefined;
}

/** Runs jest in one process; what a sanitizer has to say goes to files, because tests catch the output of children. */
function runTests(sanitizer, addon) {
  const { library, options } = SANITIZERS[sanitizer];
  const reports = mkdtempSync(join(tmpdir(), `finch-${sanitizer}-`));
  const [[variable, value]] = Object.entries(options);
  const env = {
    ...process.env,
    LD_PRELOAD: libraryPath(library),
    FINCH_ADDON: addon,
    [variable]: `${value}:log_path=${join(reports, 'report')}`,
  };
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  // Without a fixed layout of memory, ThreadSanitizer may find none for its shadow.
  const command = ['setarch', '-R', process.execPath, jest, '--runInBand', ...testPaths()];
  const { status } = spawnSync(command[0], command.slice(1), { cwd: ROOT, env, stdio: 'inherit' });
  const files = readdirSync(reports);
  for (const file of files) console.error(readFileSync(join(reports, file), 'utf8'));
  rmSync(reports, { recursive: true });
  return status === 0 && files.length === 0;
}

function testPaths() {
  return jestArguments.length > 0 ? jestArguments : ['test/native'];
}

function libraryPath(library) {
  const { stdout } = spawnSync(process.env.CXX ?? 'g++', [`-print-file-name=${library}`], {
    encoding: 'utf8',
  });
  return stdout.trim();
}
