/**
 * Makes the checkout runnable: dependencies, addon, compiled TypeScript. Called by start, test and check, and by itself
 * as `npm run build`.
 * Rule: a step runs only when its inputs changed; when nothing is stale no process is started.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasCommand, nodeProblem, platformProblem, toolProblems } from './requirements.mjs';

/** The checkout's folder. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const STAMPS = join(ROOT, '.setup');
const ADDON = join(ROOT, 'native', 'build', 'Release', 'finch.node');

/** Says in one line per problem what is missing and how to get it; `message` may have several lines. */
export class SetupError extends Error {}

/**
 * Brings everything up to date, in order: node_modules, the addon, the packages' dist folders.
 * Options: `addon: false` leaves the addon alone (check needs none). Errors: SetupError.
 */
export async function setup({ addon = true } = {}) {
  failOn([nodeProblem(), addon ? platformProblem() : undefined]);
  await installDependencies();
  if (addon) await buildAddon();
  await compile();
}

/** Runs setup for a script: on failure prints why and exits with 1. */
export async function setupOrExit(options) {
  try {
    await setup(options);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message.replace(/^/gm, 'setup: '));
    process.exit(1);
  }
}

/** The lock file npm leaves in node_modules says what is installed; it is written last, so a broken install has none. */
async function installDependencies() {
  if (isInstalled()) return;
  const npm = npmCommand();
  if (!npm) throw new SetupError('npm is missing: install it with Node.js from https://nodejs.org');
  await step('installing dependencies', [...npm, 'ci', '--include=dev', '--no-audit', '--no-fund']);
  rmSync(join(STAMPS, 'compile'), { force: true });
}

function isInstalled() {
  const wanted = readLockedPackages('package-lock.json');
  const installed = readLockedPackages('node_modules/.package-lock.json');
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    const found = installed[path];
    if (!found) return path === '' || entry.optional === true || !path.includes('node_modules/');
    // a package of another platform may stand in the lock file without its hash
    return found.version === entry.version && (!entry.integrity || found.integrity === entry.integrity);
  });
}

function readLockedPackages(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function npmCommand() {
  const script = process.env.npm_execpath;
  if (script && basename(script) === 'npm-cli.js') return [process.execPath, script];
  return hasCommand('npm') ? ['npm'] : undefined;
}

async function buildAddon() {
  const sources = listFiles('native/src', /\.(cc|h)$/);
  const inputs = ['native/binding.gyp', 'node_modules/node-addon-api/package.json', ...sources];
  const stamp = fingerprint(inputs, `${process.platform}-${process.arch}`);
  if (isFresh('addon', stamp) && existsSync(ADDON)) return;
  failOn(toolProblems());
  const gyp = join(ROOT, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const command = [process.execPath, gyp, 'rebuild', ...nodeHeaders()];
  await step('building the addon', command, join(ROOT, 'native'));
  if (!existsSync(ADDON)) throw new SetupError(`the build left no ${ADDON}: see native/binding.gyp`);
  writeStamp('addon', stamp);
}

/** Uses the headers beside this Node when they are of its version, so that nothing is downloaded. */
export function nodeHeaders() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  try {
    const header = readFileSync(join(prefix, 'include', 'node', 'node_version.h'), 'utf8');
    const part = (name) => header.match(new RegExp(`#define NODE_${name}_VERSION (\\d+)`))?.[1];
    const version = ['MAJOR', 'MINOR', 'PATCH'].map(part).join('.');
    return version === process.versions.node ? [`--nodedir=${prefix}`] : [];
  } catch {
    return [];
  }
}

async function compile() {
  const packages = listPackages();
  const sources = packages.flatMap((folder) => listFiles(`${folder}/src`, /\.ts$/));
  const settings = packages.flatMap((folder) => [`${folder}/package.json`, `${folder}/tsconfig.json`]);
  const inputs = [
    'tsconfig.json',
    'tsconfig.base.json',
    'node_modules/typescript/package.json',
    ...settings,
    ...sources,
  ];
  const outputs = sources.map((file) => join(ROOT, file.replace('/src/', '/dist/').replace(/\.ts$/, '.js')));
  const stamp = fingerprint(inputs, '');
  if (isFresh('compile', stamp) && outputs.every((file) => existsSync(file))) return;
  // a dist folder that was deleted beside its .tsbuildinfo counts as up to date for tsc
  const force = outputs.every((file) => existsSync(file)) ? [] : ['--force'];
  await step('compiling', [process.execPath, tscScript(), '-b', ...force]);
  writeStamp('compile', stamp);
}

/** The TypeScript compiler's script. */
export function tscScript() {
  return join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
}

/** Lists the folders of the packages, relative to ROOT, as the root tsconfig.json references them. */
export function listPackages() {
  const { references } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'));
  return references.map((reference) => reference.path);
}

/** Lists the files below a folder whose names match, sorted, relative to ROOT; none when the folder is missing. */
export function listFiles(folder, pattern) {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  const names = readdirSync(path, { recursive: true }).filter(
    (name) => pattern.test(name) && !name.endsWith('.d.ts'),
  );
  return names.sort().map((name) => `${folder}/${name}`);
}

/** Hashes names and contents: a checkout that only touches the times of files makes nothing stale. */
function fingerprint(files, salt) {
  const hash = createHash('sha256').update(salt);
  for (const file of files) {
    const path = join(ROOT, file);
    hash.update(`\0${file}\0`).update(existsSync(path) ? readFileSync(path) : '');
  }
  return hash.digest('hex');
}

function isFresh(name, stamp) {
  try {
    return readFileSync(join(STAMPS, name), 'utf8') === stamp;
  } catch {
    return false;
  }
}

function writeStamp(name, stamp) {
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(join(STAMPS, name), stamp);
}

/** Runs a command quietly; what it printed is shown only when it fails. */
async function step(title, [command, ...args], cwd = ROOT) {
  console.error(`setup: ${title} …`);
  const chunks = [];
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  child.stderr.on('data', (chunk) => chunks.push(chunk));
  const problem = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : `exit ${code ?? signal}`));
  });
  if (problem === undefined) return;
  process.stderr.write(Buffer.concat(chunks));
  throw new SetupError(`${title} failed (${problem}): ${[basename(command), ...args].join(' ')}`);
}

function failOn(problems) {
  const lines = problems.filter((line) => line !== undefined);
  if (lines.length > 0) throw new SetupError(lines.join('\n'));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await setupOrExit();
