/** Runs the micro benchmarks, each in a process of its own. Used by scripts/bench.mjs and the CI form. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('./micro/', import.meta.url));
const LIMIT_MS = 60_000;

/** The benchmarks by file. */
export const MICRO = ['timer-heap', 'scheduler', 'rtsp-parser', 'packetizers', 'rtp-session'];

/** Runs one; returns its results: { name, unit, ns, bytes }. */
export function runMicro(name, { prefix = [], nodeFlags = [] } = {}) {
  const [command, ...args] = [
    ...prefix,
    process.execPath,
    '--expose-gc',
    ...nodeFlags,
    `${FOLDER}${name}.mjs`,
  ];
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: LIMIT_MS });
  if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
  const results = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  return { results, stderr };
}
