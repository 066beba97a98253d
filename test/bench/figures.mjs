/**
 * The figures of the benchmark: what is run for each, and which rows of the table come out. Used by scripts/bench.mjs.
 * Rule: programs that are compared run in turn, several times, and a row shows the median; a ratio is one of medians.
 *
 * A figure is { title, run(options) } and gives { rows, raw, charts? }; a row is { what, value, unit, target?, isMet? }.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PEERS } from './peers/peers.mjs';
import { processUsage, runLoad, startFinch, startFloor } from './programs.mjs';
import { inTurn, medianOf, row } from './runs.mjs';
import { median } from './statistics.mjs';

/** Two thirds of a core, and within the descriptors of one load process. */
const VIEWERS_A_THREAD = 2500;
/** Until the compiler has done its work, and the garbage of a thousand newcomers is gone: what a packet costs from then on. */
const CPU_SETTLE_SECONDS = 20;
/** A search that has not ended by then never will. */
const CAPACITY_LIMIT_MS = 1_200_000;
const IDLE_SECONDS = 10;
/** After the start, what was compiled and allocated for it is still being tidied up. */
const IDLE_SETTLE_SECONDS = 45;
const FINCH = { name: 'Finch', start: startFinch };
const FLOOR = { name: 'floor', start: startFloor };
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
    const args = ['-t', transport, '--settle', CPU_SETTLE_SECONDS, ...more];
    const [finch, floor] = await inTurn([FINCH, FLOOR], options, args);
    const label = `${transport.toUpperCase()}${more.length > 0 ? ', viewers without UDP_GRO' : ''}`;
    raw.push({ label, finch, floor });
    const [own, least] = [finch, floor].map((reports) => medianOf(reports, (r) => r.server.cpuUsPerPacket));
    // Of runs that were neighbours in time: what a machine gives changes from minute to minute.
    const ratio = median(
      finch.map(({ server }, i) => server.cpuUsPerPacket / floor[i].server.cpuUsPerPacket),
    );
    const perGb = medianOf(finch, (r) => r.server.cpuSecondsPerGb);
    rows.push(
      row(`${label}: Finch`, own, 'us a packet'),
      row(`${label}: floor`, least, 'us a packet'),
      row(`${label}: ratio`, ratio, 'x', 1.25, ratio <= 1.25),
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
    const search = [
      '--capacity',
      '-n',
      500,
      '--most',
      6000,
      '--precision',
      0.1,
      '--ramp',
      300,
      '--settle',
      CPU_SETTLE_SECONDS,
    ];
    const server = await startFinch();
    try {
      const args = [...search, '--duration', options.seconds, '-t', transport];
      const result = await runLoad(server, args, CAPACITY_LIMIT_MS);
      raw.push({ transport, ...result });
      rows.push(row(transport.toUpperCase(), result.capacity, 'viewers', 2500, result.capacity >= 2500));
    } finally {
      await server.stop();
    }
  }
  return { rows, raw };
}

async function lateness(options) {
  const [raw] = await inTurn([FINCH], options, ['-t', 'udp']);
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
  const [raw] = await inTurn([FINCH], options, ['-t', 'udp']);
  const [rawFew] = await inTurn([FINCH], few, ['-t', 'udp']);
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
  const [raw] = await inTurn([FINCH], { ...options, viewers: 500 }, ['-t', 'udp', '--churn', 100]);
  const at = (name) => medianOf(raw, (r) => r.newcomerStartUp[name]);
  return {
    raw,
    rows: [
      row('p50', at('p50Ms'), 'ms', 2, at('p50Ms') < 2),
      row('p99', at('p99Ms'), 'ms', 20, at('p99Ms') < 20),
    ],
  };
}

// Viewers that read nothing leave the cores to the server. What threads carry when they are full follows from what a packet costs
// them while both work: more viewers than a server carries could not even be set up beside it.
async function threads({ repeats, seconds }) {
  const raw = [];
  for (let repeat = 0; repeat < repeats; repeat++)
    for (const count of [1, 2]) raw.push(await besideEachOther(count, seconds));
  const [one, two] = [1, 2].map((count) =>
    medianOf(
      raw.filter(({ threads }) => threads === count),
      ({ cpuPercent, playing }) => (cpuPercent * 1e4) / playing,
    ),
  );
  const ratio = (2 * one) / two;
  const rows = [
    row('one thread', one, 'us a viewer and second'),
    row('two threads', two, 'us a viewer and second'),
  ];
  return { raw, rows: [...rows, row('two carry, of what one carries', ratio, 'x', 1.8, ratio >= 1.8)] };
}

/** `count` task threads at work, each with a core of its own. */
async function besideEachOther(count, seconds) {
  const limits = ['--max-connections', '60000', '--max-connections-per-address', '60000'];
  const server = await startFinch({ flags: ['--threads', String(count), ...limits], pinned: count === 1 });
  const deaf = ['--slow', 1, '-n', VIEWERS_A_THREAD, '--ramp', 100, '--settle', CPU_SETTLE_SECONDS];
  try {
    const loads = Array.from({ length: count }, () => runLoad(server, [...deaf, '--duration', seconds]));
    const reports = await Promise.all(loads);
    const playing = reports.reduce((sum, { viewers }) => sum + viewers.playing, 0);
    return { threads: count, cpuPercent: reports[0].server.cpuPercent, playing };
  } finally {
    await server.stop();
  }
}

async function scaling(options) {
  const counts = [100, 500, 1000, 2500].filter((count) => count <= options.most);
  const programs = [FINCH, FLOOR];
  const raw = [];
  for (const viewers of counts) {
    const found = await inTurn(programs, { ...options, viewers }, ['-t', 'udp']);
    for (const [i, reports] of found.entries()) {
      const cost = medianOf(reports, (r) => r.server.cpuUsPerPacket);
      raw.push({ name: programs[i].name, viewers, cost, reports });
    }
  }
  const costs = raw.filter(({ name }) => name === FINCH.name).map(({ cost }) => cost);
  const rows = raw.map(({ name, viewers, cost }) => row(`${name}, ${viewers} viewers`, cost, 'us a packet'));
  const rises = costs.slice(1).map((cost, i) => cost / Math.min(...costs.slice(0, i + 1)));
  const worst = rises.length > 0 ? Math.max(...rises) : Number.NaN;
  const points = (of) =>
    raw.filter(({ name }) => name === of).map(({ viewers, cost }) => ({ x: viewers, y: cost }));
  const series = [
    { name: 'Finch', color: '#1f77b4', points: points('Finch') },
    { name: 'floor (C)', color: '#7f7f7f', points: points('floor') },
  ];
  return {
    raw,
    rows: [...rows, row('largest rise above fewer viewers', worst, 'x', 1.15, worst <= 1.15)],
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
    await sleep(IDLE_SETTLE_SECONDS * 1000);
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
  const [raw] = await inTurn([FINCH], { ...options, viewers: 500 }, ['-t', 'udp', '--seeks', 50]);
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
  const raw = [];
  for (const transport of TRANSPORTS) {
    const programs = [FINCH, ...found.filter(({ transports }) => transports.includes(transport))];
    const reports = await inTurn(programs, few, ['-t', transport]);
    raw.push({ transport, programs: programs.map(({ name }, i) => ({ name, reports: reports[i] })) });
  }
  return { raw, rows: [...raw.flatMap((runs) => peerRows(runs, few)), ...rows] };
}

function peerRows({ transport, programs }, { viewers }) {
  const cost = ({ reports }) => medianOf(reports, (r) => r.server.cpuUsPerPacket);
  const [own] = programs;
  return programs.flatMap(({ name, reports }) => {
    const playing = medianOf(reports, (r) => r.viewers.playing);
    const label = `${transport.toUpperCase()}: ${name}`;
    const perGb = medianOf(reports, (r) => r.server.cpuSecondsPerGb);
    const p99 = medianOf(reports, (r) => r.lateness.p99Ms);
    return [
      row(`${label}, ${playing} of ${viewers} viewers`, cost({ reports }), 'us a packet'),
      row(`${label}: CPU`, perGb, 's per GB'),
      row(`${label}: p99 lateness`, p99, 'ms'),
      ...(name === own.name ? [] : [row(`${label}: Finch costs of it`, cost(own) / cost({ reports }), 'x')]),
    ];
  });
}
