/**
 * `npm run bench -- [figure …] [options]`: measures the server beside the floor program, prints a table, and writes JSON
 * and a picture to test/bench/results. `ci` compares with the baseline, `micro` times our own loops, `--profile` profiles.
 * Rule: programs run in turn, never beside each other; the exit code is 1 when a target is missed in the CI form only.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, setupOrExit } from './setup.mjs';

const RESULTS = join(ROOT, 'test', 'bench', 'results');
const WHAT_COLUMNS = 44;
const VALUE_COLUMNS = 26;

await setupOrExit();
const { prepare } = await import('../test/bench/workshop.mjs');
const { FIGURES } = await import('../test/bench/figures.mjs');
const { describeMachine } = await import('../test/bench/machine.mjs');
const { format } = await import('../test/bench/statistics.mjs');

const { options, names } = readArguments();
try {
  if (options.help) console.log(usage());
  else process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}

async function main() {
  mkdirSync(RESULTS, { recursive: true });
  await prepare();
  if (options.profile !== undefined) return profile();
  if (names[0] === 'ci') return continuous();
  for (const name of names) await (name === 'micro' ? micro() : figure(name));
  return 0;
}

async function figure(name) {
  const { title, run } = FIGURES[name];
  console.log(`\n${title}`);
  const { rows, raw, chart } = await run(options);
  printRows(rows);
  save(name, { title, rows, raw });
  if (chart === undefined) return;
  const { drawCurves } = await import('@finch/load/curve-chart');
  const path = join(RESULTS, `${name}.svg`);
  writeFileSync(path, drawCurves(chart));
  console.log(`  drew ${path}`);
}

async function continuous() {
  const { runContinuous } = await import('../test/bench/continuous.mjs');
  const { rows, raw, isMet } = await runContinuous(options);
  printRows(rows);
  save('ci', { rows, raw });
  if (!isMet)
    console.error(
      'bench: worse than test/bench/baseline.json; --update makes a new one, where that is meant',
    );
  return isMet ? 0 : 1;
}

async function micro() {
  const { MICRO, runMicro } = await import('../test/bench/micro.mjs');
  console.log('\nMicro benchmarks');
  const results = MICRO.flatMap((name) => runMicro(name).results);
  const perUnit = (unit, suffix) => `${suffix} each (${unit})`;
  printRows(
    results.flatMap(({ name, unit, ns, bytes }) => [
      { what: name, value: ns, unit: perUnit(unit, 'ns') },
      { what: name, value: bytes, unit: perUnit(unit, 'bytes of heap') },
    ]),
  );
  save('micro', { results });
}

async function profile() {
  const { PROFILES, takeProfile } = await import('../test/bench/profile.mjs');
  if (!PROFILES.includes(options.profile)) throw new Error(`--profile takes one of ${PROFILES.join(', ')}`);
  await takeProfile(options.profile, options, RESULTS);
  return 0;
}

function save(name, result) {
  const path = join(RESULTS, `${name}.json`);
  writeFileSync(path, `${JSON.stringify({ machine: describeMachine(), options, ...result }, null, 2)}\n`);
}

function printRows(rows) {
  for (const { what, value, unit, target, isMet } of rows) {
    const found = `${format(value)} ${unit}`.padEnd(VALUE_COLUMNS);
    const verdict = target === undefined ? '' : `target ${format(target)}: ${isMet ? 'met' : 'MISSED'}`;
    console.log(`  ${what.padEnd(WHAT_COLUMNS)}${found}${verdict}`);
  }
}

function readArguments() {
  const number = { type: 'string' };
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      repeats: { ...number, default: '3' },
      viewers: { ...number, default: '1000' },
      seconds: { ...number, default: '5' },
      ramp: { ...number, default: '200' },
      most: { ...number, default: '2500' },
      profile: { type: 'string' },
      update: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const known = [...Object.keys(FIGURES), 'micro', 'ci'];
  for (const name of positionals) {
    if (known.includes(name)) continue;
    console.error(`bench: unknown figure ${name}: one of ${known.join(', ')}`);
    process.exit(2);
  }
  const { repeats, viewers, seconds, ramp, most, ...rest } = values;
  const numbers = Object.entries({ repeats, viewers, seconds, ramp, most }).map(([key, text]) => [
    key,
    Number(text),
  ]);
  return {
    options: { ...Object.fromEntries(numbers), ...rest },
    names: positionals.length > 0 ? positionals : Object.keys(FIGURES),
  };
}

function usage() {
  const figures = Object.entries(FIGURES).map(([name, { title }]) => `  ${name.padEnd(12)}${title}`);
  return [
    'npm run bench -- [figure …] [options]',
    ...figures,
    '  micro       Our own loops: heap, scheduler, parser, packetizers, session',
    '  ci          Small and steady, against test/bench/baseline.json; --update writes it',
    'options: --repeats 3 --viewers 1000 --seconds 5 --ramp 200 --most 2500 --profile cpu|heap|gc',
  ].join('\n');
}
