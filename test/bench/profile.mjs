/**
 * Takes a profile of the server under load. Used by scripts/bench.mjs with --profile cpu|heap|gc.
 * Rule: it says what it has written and how to look at it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCommand } from '../../scripts/requirements.mjs';
import { runLoad, startFinch } from './programs.mjs';

/** The kinds of profile. */
export const PROFILES = ['cpu', 'heap', 'gc'];

const PERF_SECONDS = 5;

/** Loads a server with `options.viewers` viewers and writes its profile below `folder`. */
export async function takeProfile(kind, options, folder) {
  const into = join(folder, `profile-${kind}`);
  mkdirSync(into, { recursive: true });
  const server = await startFinch({ nodeFlags: flagsOf(kind, into) });
  const perf = kind === 'cpu' && hasCommand('perf') ? recordKernel(server.pid, options, into) : undefined;
  let report;
  try {
    report = await runLoad(server, [
      '-n',
      options.viewers,
      '--ramp',
      options.ramp,
      '--duration',
      options.seconds,
    ]);
    await perf;
  } finally {
    await server.stop();
  }
  if (kind === 'gc') writeFileSync(join(into, 'gc.txt'), gcLines(server.output()));
  const { cpuUsPerPacket } = report.server;
  console.log(`${options.viewers} viewers, ${cpuUsPerPacket.toFixed(3)} us a packet while it was profiled`);
  for (const name of readdirSync(into)) console.log(`wrote ${join(into, name)}${hintOf(name)}`);
}

function flagsOf(kind, into) {
  if (kind === 'cpu') return ['--cpu-prof', `--cpu-prof-dir=${into}`, '--perf-basic-prof'];
  if (kind === 'heap') return ['--heap-prof', `--heap-prof-dir=${into}`];
  return ['--trace-gc'];
}

// Once the ramp is over; kernel and addon included, which --cpu-prof does not see.
async function recordKernel(pid, { viewers, ramp }, into) {
  await sleep((viewers / ramp + 3) * 1000);
  const data = join(into, 'perf.data');
  const args = ['record', '-q', '-g', '-o', data, '-p', String(pid), '--', 'sleep', String(PERF_SECONDS)];
  const child = spawn('perf', args, { stdio: 'ignore' });
  await new Promise((resolve) => child.once('close', resolve).once('error', resolve));
}

function gcLines(output) {
  return `${output
    .split('\n')
    .filter((line) => / ms: /.test(line))
    .join('\n')}\n`;
}

function hintOf(name) {
  if (name.endsWith('.cpuprofile')) return ' (one a thread: open in Chrome DevTools, Performance)';
  if (name.endsWith('.heapprofile')) return ' (open in Chrome DevTools, Memory)';
  if (name.startsWith('perf.data'))
    return ' (perf report -i; names of JavaScript are in /tmp/perf-<pid>.map)';
  return '';
}
