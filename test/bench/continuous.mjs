/**
 * The CI form: small and steady. CPU of a packet as a ratio to the floor, heap growth of a packet, and instructions where
 * the machine counts them, against test/bench/baseline.json. Used by scripts/bench.mjs.
 * Rule: only figures that a slower or busier machine does not change much; more than 20 % worse fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hasCommand } from '../../scripts/requirements.mjs';
import { loadOnce } from './figures.mjs';
import { runMicro } from './micro.mjs';
import { startFinch, startFloor } from './programs.mjs';

const BASELINE = fileURLToPath(new URL('./baseline.json', import.meta.url));
const TOLERANCE = 1.2;
/** What a figure may grow by in any case: a heap that grows by nothing has no ratio. */
const SLACK = { bytesPerPacket: 4 };
const RATIOS = { udp: 'udpCpuRatio', tcp: 'tcpCpuRatio' };
const LOAD = { viewers: 200, seconds: 3, ramp: 200 };
const SETTLE_SECONDS = 1.5;
const REPEATS = 2;

/** Measures, compares, and writes the baseline when `update` says so or there is none; { rows, raw, isMet }. */
export async function runContinuous({ update }) {
  const found = await measureAll();
  const known = existsSync(BASELINE) ? JSON.parse(readFileSync(BASELINE, 'utf8')) : {};
  for (const [transport, what] of Object.entries(RATIOS)) {
    // A busy neighbour makes a bad figure once, a regression makes it again.
    if (compare(what, found[what], known[what]).isMet === false)
      found[what] = Math.min(found[what], await cpuRatio(transport));
  }
  const rows = Object.entries(found).map(([what, value]) => compare(what, value, known[what]));
  if (update || !existsSync(BASELINE))
    writeFileSync(BASELINE, `${JSON.stringify({ ...known, ...found }, null, 2)}\n`);
  return { rows, raw: found, isMet: update || rows.every(({ isMet }) => isMet !== false) };
}

async function measureAll() {
  const session = runMicro('rtp-session').results[0];
  const instructions = instructionsPerPacket();
  return {
    udpCpuRatio: await cpuRatio('udp'),
    tcpCpuRatio: await cpuRatio('tcp'),
    bytesPerPacket: rounded(session.bytes),
    ...(instructions === undefined ? {} : { instructionsPerPacket: instructions }),
  };
}

async function cpuRatio(transport) {
  const args = ['-t', transport, '--settle', SETTLE_SECONDS];
  const finch = [];
  const floor = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    finch.push(await loadOnce(startFinch, LOAD, args));
    floor.push(await loadOnce(startFloor, LOAD, args));
  }
  // The least, not the median: a neighbour's work can only add to the cost.
  const cost = (reports) => Math.min(...reports.map(({ server }) => server.cpuUsPerPacket));
  return rounded(cost(finch) / cost(floor));
}

// Start and warm-up included, which is the same each time. Virtual machines often count none.
function instructionsPerPacket() {
  if (!hasCommand('perf')) return undefined;
  const probe = spawnSync('perf', ['stat', '-x', ',', '-e', 'instructions:u', 'true'], { encoding: 'utf8' });
  if (probe.status !== 0 || !/^\d+,/m.test(probe.stderr)) return undefined;
  const { results, stderr } = runMicro('rtp-session', {
    prefix: ['perf', 'stat', '-x', ',', '-e', 'instructions:u'],
  });
  const count = Number(/^(\d+),/m.exec(stderr)?.[1]);
  return results.length > 0 && count > 0 ? Math.round(count / results[0].units) : undefined;
}

function compare(what, value, baseline) {
  if (baseline === undefined) return { what, value, unit: 'no baseline yet' };
  const most = baseline * TOLERANCE + (SLACK[what] ?? 0);
  return { what, value, unit: `baseline ${baseline}`, target: rounded(most), isMet: value <= most };
}

function rounded(value) {
  return Number(value.toPrecision(4));
}
