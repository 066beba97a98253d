/**
 * `npm run soak -- --minutes N`: a server under viewers who come, go, seek and stall, watched from outside for N minutes (3).
 * Prints the curves of its memory, descriptors and threads, writes them to soak.svg, and says whether they are flat.
 * Rule: exit code 0 only when they are flat and no viewer was refused. `--viewers N` (100), `--svg FILE`.
 */
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CACHE, MEDIA, MOVIE, prepare } from '../test/bench/workshop.mjs';
import { ROOT, setupOrExit } from './setup.mjs';

const SAMPLE_MS = 1000;
const MS_PER_MINUTE = 60_000;
/** The first part of a run is the warm-up: heaps and caches take their size. */
const WARM_UP_SHARE = 0.35;
/** From the first third of the rest to its last third memory may grow by so much: heaps breathe. */
const MAX_GROWTH_SHARE = 0.1;
const MAX_GROWTH_MIB = 12;
const BYTES_PER_MIB = 1 << 20;
const SPARKS = '▁▂▃▄▅▆▇█';
const CURVE_COLUMNS = 72;
const MAIN = join(ROOT, 'modules/server/dist/main.js');
const LOAD = join(ROOT, 'modules/load/dist/main.js');

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    viewers: { type: 'string', default: '100' },
    svg: { type: 'string', default: join(CACHE, 'soak.svg') },
  },
});
const durationMs = Number(values.minutes) * MS_PER_MINUTE;
const viewers = Number(values.viewers);
if (!(durationMs > 0 && viewers >= 4)) {
  console.error('soak: --minutes must be a number above 0, --viewers one of 4 or more');
  process.exit(2);
}
await setupOrExit();
await prepare({ floor: false });
const require = createRequire(join(ROOT, 'modules/load/package.json'));
const { drawCurves } = require('./dist/curve-chart.js');
const { readProcessUsage } = require('./dist/process-usage.js');

const server = spawn(
  process.execPath,
  [MAIN, MEDIA, '--port', '0', '--host', '127.0.0.1', '--log-level', 'warn'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
process.on('exit', () => server.kill('SIGKILL'));
const url = await urlOf(server);
const idle = sampleOf(0);
const samples = [];
const startMs = performance.now();
const timer = setInterval(() => samples.push(sampleOf(performance.now() - startMs)), SAMPLE_MS);
// Half of the viewers over UDP, half over TCP, of whom some stop reading; all of them seek and are replaced.
const endings = await Promise.all([load('udp', []), load('tcp', ['--slow', '0.05'])]);
clearInterval(timer);
const settled = await lastSample();
const isServerWell = await stopServer();
report();

function urlOf(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more) => {
      text += more;
      const port = /on port (\d+)/.exec(text)?.[1];
      if (port !== undefined && text.includes('Ctrl-C')) resolve(`rtsp://127.0.0.1:${port}/${MOVIE}`);
    });
    child.once('exit', () => reject(new Error(`the server ended: ${text}`)));
  });
}

function sampleOf(atMs) {
  const { rssBytes, threads } = readProcessUsage(server.pid);
  const descriptors = readdirSync(`/proc/${server.pid}/fd`).length;
  return { seconds: atMs / 1000, mib: rssBytes / BYTES_PER_MIB, descriptors, threads };
}

/** One load of half of the viewers; resolves with how it ended. */
function load(transport, more) {
  const options = {
    viewers: String(viewers / 2),
    duration: String(durationMs / 1000),
    transport,
    churn: String(viewers / 40),
    seeks: String(viewers / 20),
    json: '-',
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, [LOAD, url, ...args, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  return new Promise((resolve) => child.on('close', () => resolve({ transport, report: reportIn(text) })));
}

/** The report in what a load printed. */
function reportIn(text) {
  return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
}

/** What is left when the viewers have gone: a movie that lingers, and sessions over UDP that were cut off, take a while. */
async function lastSample() {
  const DEADLINE_MS = 120_000;
  const endMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const sample = sampleOf(performance.now() - startMs);
    if (sample.descriptors <= idle.descriptors + 2 || performance.now() > endMs) return sample;
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
}

function stopServer() {
  return new Promise((resolve) => {
    server.once('exit', (code) => resolve(code === 0));
    server.kill('SIGTERM');
  });
}

function report() {
  for (const { transport, report: found } of endings) {
    const { viewers: crowd, window, defects, lateness } = found;
    console.log(
      `${transport.padEnd(12)} ${crowd.playing} play at the end, ${crowd.failed} refused, ${crowd.endedEarly} ended early ` +
        `${JSON.stringify(crowd.reasons)}; ${window.packets} packets, ${defects.lost} lost, lateness ${JSON.stringify(lateness)}`,
    );
  }
  const refused = endings.reduce((sum, { report: { viewers: crowd } }) => sum + crowd.failed, 0);
  const during = samples.filter(({ seconds }) => seconds * 1000 <= durationMs);
  const rest = during.slice(Math.floor(during.length * WARM_UP_SHARE));
  const third = Math.max(1, Math.floor(rest.length / 3));
  const curves = [
    curveOf('memory, MiB', 'mib', Math.max(MAX_GROWTH_MIB, idle.mib * MAX_GROWTH_SHARE)),
    curveOf('descriptors', 'descriptors', viewers * MAX_GROWTH_SHARE),
    curveOf('threads', 'threads', 0),
  ];
  function curveOf(name, field, allowed) {
    const values = during.map((sample) => sample[field]);
    const early = medianOf(rest.slice(0, third).map((sample) => sample[field]));
    const late = medianOf(rest.slice(-third).map((sample) => sample[field]));
    const isFlat = late - early <= allowed;
    console.log(`${name.padEnd(12)} ${sparksOf(values)}`);
    console.log(
      `${''.padEnd(12)} idle ${round(idle[field])}, after the warm-up ${round(early)}, at the end ${round(late)}, ` +
        `highest ${round(Math.max(...values))}, when all had gone ${round(settled[field])}: ${isFlat ? 'flat' : 'NOT FLAT'}`,
    );
    return { name, field, isFlat, values };
  }
  writeFileSync(values.svg, chartOf(during));
  const isEmptied = settled.descriptors <= idle.descriptors + 2;
  console.log(`curves in ${values.svg}`);
  if (!isEmptied) console.log(`descriptors left: ${settled.descriptors}, ${idle.descriptors} before`);
  const isWell = isServerWell && refused === 0 && isEmptied && curves.every(({ isFlat }) => isFlat);
  console.log(isWell ? 'soak: flat' : 'soak: NOT FLAT');
  process.exitCode = isWell ? 0 : 1;
}

function chartOf(during) {
  const panel = (title, field, color) => ({
    title,
    series: [
      { name: title, color, points: during.map((sample) => ({ x: sample.seconds, y: sample[field] })) },
    ],
  });
  return drawCurves({
    title: `${viewers} viewers who come, go, seek and stall`,
    xTitle: 'seconds',
    panels: [panel('memory, MiB', 'mib', '#3366cc'), panel('descriptors', 'descriptors', '#cc6633')],
  });
}

function sparksOf(all) {
  const columns = Math.min(CURVE_COLUMNS, all.length);
  const highest = Math.max(...all);
  return Array.from({ length: columns }, (_, i) => {
    const value = all[Math.floor((i * all.length) / columns)];
    return SPARKS[Math.min(SPARKS.length - 1, Math.floor((value / highest) * SPARKS.length))];
  }).join('');
}

function medianOf(all) {
  return [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
}

function round(value) {
  return Math.round(value * 10) / 10;
}
