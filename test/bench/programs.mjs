/**
 * The programs under measurement: the server, the floor, and the load generator; peers.mjs has others. Used by the figures.
 * Rule: what is started here is stopped here, by its process; a program that does not listen in time is an error.
 * Server and viewers get cores of their own where there are two or more.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCommand } from '../../scripts/requirements.mjs';
import { ROOT } from '../../scripts/setup.mjs';
import { FLOOR, LIST, MEDIA, MOVIE, SDP } from './workshop.mjs';

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 5000;
/** A load that has not ended by then never will. */
const LOAD_LIMIT_MS = 300_000;
const POLL_MS = 50;
/** Of both programs: the longer it is, the less a packet costs, and the earlier it may come. */
export const SEND_WINDOW_MS = 5;
/** Kept of what a program prints: --trace-gc is talkative. */
const MAX_OUTPUT_CHARS = 1 << 20;
/** What `npm start` tells Node.js. */
const START_FLAGS = ['--max-semi-space-size=2'];
const OWN_CORE = availableParallelism() >= 2 && hasCommand('taskset');

/** Starts Finch. `flags` are the server's own, `nodeFlags` those of Node.js; `pinned`: on core 0 alone. */
export async function startFinch({ flags = [], nodeFlags = [], pinned = true } = {}) {
  const port = await freePort();
  const main = join(ROOT, 'modules', 'server', 'dist', 'main.js');
  const pacing = ['--send-window', String(SEND_WINDOW_MS), '--overbuffer', 'off'];
  const args = [...START_FLAGS, ...nodeFlags, main, '--port', String(port), ...pacing, ...flags, MEDIA];
  return start('finch', process.execPath, args, port, `rtsp://127.0.0.1:${port}/${MOVIE}`, pinned);
}

/** Starts the floor program. */
export async function startFloor({ pinned = true } = {}) {
  const port = await freePort();
  const args = [String(port), LIST, SDP, String(SEND_WINDOW_MS * 1000)];
  return start('floor', FLOOR, args, port, `rtsp://127.0.0.1:${port}/movie`, pinned);
}

/** Runs the load generator against `server`; returns its report, or the search of `--capacity`. */
export async function runLoad(server, args, limitMs = LOAD_LIMIT_MS) {
  const folder = mkdtempSync(join(tmpdir(), 'finch-bench-'));
  const json = join(folder, 'report.json');
  const main = join(ROOT, 'modules', 'load', 'dist', 'main.js');
  const pid = ['--server-pid', String(server.pid)];
  const command = [process.execPath, main, server.url, ...pid, '--json', json, ...args.map(String)];
  try {
    const { code, output } = await runToEnd(pin(command, viewerCores(server)), limitMs);
    if (code !== 0 && code !== 3) throw new Error(`the load generator failed (${code}): ${output}`);
    return JSON.parse(readFileSync(json, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** CPU microseconds of the threads that a process has, so far, and its resident memory. */
export function processUsage(pid) {
  // In nanoseconds, of each thread; the ticks of /proc/PID/stat are too coarse for an idle server.
  const threads = readdirSync(`/proc/${pid}/task`);
  const cpuNs = threads.map((id) =>
    Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ', 1)[0]),
  );
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpuUs: cpuNs.reduce((sum, ns) => sum + ns, 0) / 1000,
    rssKib: Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]),
  };
}

/** Starts any program that will listen on `port`; on core 0 alone if `pinned`. It has `url`, `pid`, `output()`, `stop()`. */
export async function start(name, command, args, port, url, pinned) {
  const [program, ...rest] = pin([command, ...args], pinned ? '0' : '');
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk) => {
    output = (output + chunk).slice(-MAX_OUTPUT_CHARS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise((resolve) => child.once('close', resolve));
  const server = { name, url, pid: child.pid, pinned, output: () => output, stop: () => stop(child, exited) };
  for (const endMs = Date.now() + START_LIMIT_MS; !(await listens(port)); await sleep(POLL_MS)) {
    if (child.exitCode === null && Date.now() < endMs) continue;
    await server.stop();
    throw new Error(`${name} did not start: ${output}`);
  }
  return server;
}

async function stop(child, exited) {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exited;
  clearTimeout(timer);
}

function runToEnd([command, ...args], limitMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

function pin(command, cores) {
  return OWN_CORE && cores !== '' ? ['taskset', '-c', cores, ...command] : command;
}

function viewerCores({ pinned }) {
  return pinned ? `1-${availableParallelism() - 1}` : '';
}

/** A TCP port of the loopback that nobody has. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true) || socket.destroy());
    socket.once('error', () => resolve(false));
  });
}
