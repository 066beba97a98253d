/**
 * The figures of the benchmark: what is run for each, and which rows of the table come out. Used by scripts/bench.mjs.
 * Rule: programs that are compared run in turn, several times, and a row shows the median; a ratio is one of medians.
 *
 * A figure is { title, run(options) } and gives { rows, raw, charts? }; a row is { what, value, unit, target?, isMet? }.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PEERS } from './peers/peers.mjs';
import { processUsage, runLoad, startFinch, startFloor } from './programs.mjs';
import { median } from './statistics.mjs';

const IDLE_SECONDS = 10;
const TRANSPORTS = ['udp', 'tcp'];
/** More than the peers carry on a core would measure their queues. */
const PEER_VIEWERS = 100;
const DSS_SECONDS_PER_GB = { udp: 3.9, tcp: 5.6 };

/** The figures by name. */
export const FIGURES = {
  cpu: { title: 'CPU of a packet, against the floor', run: cpu },
  capacity: { title: 'Viewers on one core', run: capacity },
  lateness: { title: 'Lateness of frames', run: lateness },
  memory: { title: 'Memory of a viewer', run: memory },
  startup: { title: 'Start-up of newcomers', run: startUp },
  threads: { title: 'Two task threads against one', run: threads },
  scaling: { title: 'Cost over the number of viewers', run: scaling },
  idle: { title: 'An idle server', run: idle },
  seeks: { title: 'A seek storm', run: seeks },
  peers: { title: 'Peers', run: peers },
};

async function cpu(options) {
  const rows = [];
  const raw = [];
  for (const [transport, ...more] of [['udp'], ['udp', '--no-gro'], ['tcp']]) {
    const finch = [];
    const floor = [];
    for (let repeat = 0; repeat < options.repeats; repeat++) {
      finch.push(await loadOnce(startFinch, options, ['-t', transport, ...more]));
      floor.push(await loadOnce(startFloor, options, ['-t', transport, ...more]));
    }
    const label = `${transport.toUpperCase()}${more.length > 0 ? ', viewers without UDP_GRO' : ''}`;
    raw.push({ label, finch, floor });
    const [own, least] = [finch, floor].map((reports) => medianOf(reports, (r) => r.server.cpuUsPerPacket));
    const perGb = medianOf(finch, (r) => r.server.cpuSecondsPerGb);
    rows.push(
      row(`${label}: Finch`, own, 'us a packet'),
      row(`${label}: floor`, least, 'us a packet'),
      row(`${label}: ratio`, own / least, 'x', 1.25, own / least <= 1.25),
      row(
        `${label}: Finch`,
        perGb,
        's per GB',
        DSS_SECONDS_PER_GB[transport] / 3,
        perGb <= DSS_SECONDS_PER_GB[transport] / 3,
      ),
    );
  }
  return { rows, raw };
}

async function capacity(options) {
  const rows = [];
  const raw = [];
  for (const transport of ['udp', 'tcp']) {
    const search = ['--capacity', '-n', 500, '--most', 6000, '--precision', 0.1, '--ramp', 300];
    const server = await startFinch();
    try {
      const result = await runLoad(server, [...search, '--duration', options.seconds, '-t', transport]);
      raw.push({ transport, ...result });
      rows.push(row(transport.toUpperCase(), result.capacity, 'viewers', 2500, result.capacity >= 2500));
    } finally {
      await server.stop();
    }
  }
  return { rows, raw };
}

async function lateness(options) {
  const raw = await repeatedly(options, () => loadOnce(startFinch, options, []));
  const at = (name) => medianOf(raw, (r) => r.lateness[name]);
  return {
    raw,
    rows: [
      row('p50', at('p50Ms'), 'ms', 3, at('p50Ms') < 3),
      row('p99', at('p99Ms'), 'ms', 10, at('p99Ms') < 10),
      row('largest', at('maxMs'), 'ms', 50, at('maxMs') < 50),
    ],
  };
}

async function memory(options) {
  const few = { ...options, viewers: Math.ceil(options.viewers / 4) };
  const raw = await repeatedly(options, () => loadOnce(startFinch, options, []));
  const rawFew = await repeatedly(options, () => loadOnce(startFinch, few, []));
  const kib = medianOf(raw, (r) => r.server.kibPerViewer);
  // What a viewer costs when compiled code and packet plans are there already.
  const mib = (reports) => medianOf(reports, (r) => r.server.rssMib);
  const further = ((mib(raw) - mib(rawFew)) * 1024) / (options.viewers - few.viewers);
  return {
    raw: { many: raw, few: rawFew },
    rows: [
      row(`${options.viewers} viewers, above idle`, kib, 'KiB each', 24, kib < 24),
      row(`each one above the first ${few.viewers}`, further, 'KiB'),
    ],
  };
}

async function startUp(options) {
  const churn = ['--churn', 100];
  const raw = await repeatedly(options, () => loadOnce(startFinch, { ...options, viewers: 500 }, churn));
  const at = (name) => medianOf(raw, (r) => r.newcomerStartUp[name]);
  return {
    raw,
    rows: [
      row('p50', at('p50Ms'), 'ms', 2, at('p50Ms') < 2),
      row('p99', at('p99Ms'), 'ms', 20, at('p99Ms') < 20),
    ],
  };
}

async function threads(options) {
  const raw = [];
  for (const count of [1, 2]) {
    const server = await startFinch({ flags: ['--threads', String(count)], pinned: count === 1 });
    try {
      const search = ['--capacity', '-n', 1000, '--most', 12_000, '--precision', 0.1, '--ramp', 300];
      raw.push(await runLoad(server, [...search, '--duration', options.seconds]));
    } finally {
      await server.stop();
    }
  }
  const [one, two] = raw.map((result) => result.capacity);
  const rows = [row('one thread', one, 'viewers'), row('two threads', two, 'viewers')];
  return { raw, rows: [...rows, row('ratio', two / one, 'x', 1.8, two / one >= 1.8)] };
}

async function scaling(options) {
  const counts = [100, 500, 1000, 2500].filter((count) => count <= options.most);
  const programs = { Finch: startFinch, floor: startFloor };
  const raw = [];
  for (const [name, start] of Object.entries(programs))
    for (const viewers of counts) {
      const reports = await repeatedly(options, () => loadOnce(start, { ...options, viewers }, []));
      raw.push({ name, viewers, cost: medianOf(reports, (r) => r.server.cpuUsPerPacket), reports });
    }
  const costs = raw.filter(({ name }) => name === 'Finch').map(({ cost }) => cost);
  const rows = raw.map(({ name, viewers, cost }) => row(`${name}, ${viewers} viewers`, cost, 'us a packet'));
  const worst = Math.max(...costs.slice(1).map((cost, i) => cost / costs[i]));
  const points = (of) =>
    raw.filter(({ name }) => name === of).map(({ viewers, cost }) => ({ x: viewers, y: cost }));
  const series = [
    { name: 'Finch', color: '#1f77b4', points: points('Finch') },
    { name: 'floor (C)', color: '#7f7f7f', points: points('floor') },
  ];
  return {
    raw,
    rows: [...rows, row('largest rise from one to the next', worst, 'x', 1.15, worst <= 1.15)],
    chart: {
      title: 'CPU of one packet, one core, UDP',
      xTitle: 'viewers',
      panels: [{ title: 'microseconds a packet', series }],
    },
  };
}

async function idle() {
  const server = await startFinch();
  try {
    await sleep(2000);
    const before = processUsage(server.pid);
    await sleep(IDLE_SECONDS * 1000);
    const after = processUsage(server.pid);
    const percent = (after.cpuUs - before.cpuUs) / IDLE_SECONDS / 1e4;
    return {
      raw: { before, after },
      rows: [
        row('CPU', percent, '% of a core', 0.2, percent < 0.2),
        row('memory', after.rssKib / 1024, 'MiB'),
      ],
    };
  } finally {
    await server.stop();
  }
}

async function seeks(options) {
  const storm = ['--seeks', 50];
  const raw = await repeatedly(options, () => loadOnce(startFinch, { ...options, viewers: 500 }, storm));
  const lost = medianOf(raw, (r) => r.defects.lost);
  const p99 = medianOf(raw, (r) => r.lateness.p99Ms);
  return {
    raw,
    rows: [
      row('lost', lost, 'packets', 0, lost === 0),
      row('p99 lateness', p99, 'ms', 20, p99 < 20),
      row(
        'seek to first packet, p99',
        medianOf(raw, (r) => r.seek.p99Ms),
        'ms',
      ),
    ],
  };
}

async function peers(options) {
  const few = { ...options, viewers: Math.min(options.viewers, PEER_VIEWERS) };
  const found = [];
  const rows = [];
  for (const { name, missing, ...peer } of PEERS) {
    const why = missing();
    if (why === undefined) found.push({ name, ...peer });
    else rows.push(row(name, Number.NaN, why));
  }
  const programs = [{ name: 'Finch', transports: TRANSPORTS, start: startFinch }, ...found];
  const raw = [];
  for (let repeat = 0; repeat < options.repeats; repeat++)
    for (const transport of TRANSPORTS)
      for (const { name, start } of programs.filter(({ transports }) => transports.includes(transport)))
        raw.push({ name, transport, report: await loadOnce(start, few, ['-t', transport]) });
  return {
    raw,
    rows: [...TRANSPORTS.flatMap((transport) => peerRows(programs, transport, raw, few)), ...rows],
  };
}

function peerRows(programs, transport, raw, { viewers }) {
  const reportsOf = (wanted) =>
    raw.filter((run) => run.name === wanted && run.transport === transport).map(({ report }) => report);
  const cost = (reports) => medianOf(reports, (r) => r.server.cpuUsPerPacket);
  const own = cost(reportsOf('Finch'));
  return programs
    .filter(({ transports }) => transports.includes(transport))
    .flatMap(({ name }) => {
      const reports = reportsOf(name);
      const playing = medianOf(reports, (r) => r.viewers.playing);
      const label = `${transport.toUpperCase()}: ${name}`;
      return [
        row(`${label}, ${playing} of ${viewers} viewers`, cost(reports), 'us a packet'),
        row(
          `${label}, CPU`,
          medianOf(reports, (r) => r.server.cpuSecondsPerGb),
          's per GB',
        ),
        row(
          `${label}, p99 lateness`,
          medianOf(reports, (r) => r.lateness.p99Ms),
          'ms',
        ),
        ...(name === 'Finch' ? [] : [row(`${label}, to Finch`, cost(reports) / own, 'x a packet')]),
      ];
    });
}

/** Starts a program, loads it once, stops it. */
export async function loadOnce(start, { viewers, seconds, ramp }, args) {
  const server = await start();
  try {
    return await runLoad(server, ['-n', viewers, '--ramp', ramp, '--duration', seconds, ...args]);
  } finally {
    await server.stop();
  }
}

async function repeatedly({ repeats }, run) {
  const results = [];
  for (let repeat = 0; repeat < repeats; repeat++) results.push(await run());
  return results;
}

function medianOf(reports, pick) {
  return median(reports.map(pick));
}

function row(what, value, unit, target, isMet) {
  return { what, value, unit, target, isMet };
}
