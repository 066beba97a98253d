/**
 * What a run found, as plain data: the JSON file, the table and benchmarks are made of it. Made at the end of a run.
 * Rule: rates are of the window; counts say in their docblock what they are of.
 */
import { FigureCounter, type Figures } from './figures';
import type { Percentiles } from './histogram';
import type { LoadOptions } from './load-options';
import type { MachineUsage, ProcessUsage } from './process-usage';

/** A moment of the run: the edges of the window. */
export interface Snapshot {
  readonly nowUs: number;
  readonly counters: Float64Array;
  readonly server: ProcessUsage | null;
  readonly machine: MachineUsage;
  readonly clientCpuUs: number;
}

/** The server's share; only with its process at hand. */
export interface ServerFigures {
  /** 100 is one core. */
  readonly cpuPercent: number;
  readonly cpuUsPerPacket: number;
  /** Per 10^9 bytes of RTP payload. */
  readonly cpuSecondsPerGb: number;
  readonly rssMib: number;
  /** Above the memory before the first viewer, without mapped files. */
  readonly kibPerViewer: number;
  readonly threads: number;
}

/** All that a run found; see the head of this file. */
export interface LoadReport {
  readonly options: LoadOptions;
  readonly viewers: {
    readonly asked: number;
    /** At the end of the window. */
    readonly playing: number;
    readonly failed: number;
    readonly endedEarly: number;
    readonly reasons: Readonly<Record<string, number>>;
  };
  readonly window: {
    readonly seconds: number;
    readonly packets: number;
    readonly packetsPerSecond: number;
    readonly payloadMbitPerSecond: number;
  };
  /** In the window; `lostBefore` before it. */
  readonly defects: {
    readonly lost: number;
    readonly lostBefore: number;
    readonly duplicates: number;
    readonly reordered: number;
    readonly droppedByOwnSockets: number;
    readonly discontinuities: number;
    readonly malformed: number;
  };
  /** Of whole frames in decode order, in the window. */
  readonly lateness: Percentiles;
  readonly videoGaps: Percentiles;
  /** connect() to first RTP: the viewers of the ramp, and those who came in the window. */
  readonly startUp: Percentiles;
  readonly newcomerStartUp: Percentiles;
  readonly describe: Percentiles;
  readonly play: Percentiles;
  readonly seek: Percentiles;
  readonly server: ServerFigures | null;
  readonly client: { readonly cpuPercent: number; readonly cpuUsPerPacket: number };
  /** Of all cores together. */
  readonly machineBusyPercent: number;
  /** Why the figures should not be trusted. */
  readonly warnings: readonly string[];
}

/** What a report is made of. */
export interface RunRecord {
  readonly options: LoadOptions;
  readonly figures: Figures;
  readonly playing: number;
  readonly failed: number;
  readonly endedEarly: number;
  /** The server before the first viewer. */
  readonly idleServer: ProcessUsage | null;
  readonly from: Snapshot;
  readonly until: Snapshot;
}

const BYTES_PER_KIB = 1024;
const MAX_CLIENT_CPU_PERCENT = 85;
const MAX_MACHINE_BUSY_PERCENT = 97;

/** Whether every viewer asked for was played to the end of the window. */
export function isComplete({ viewers }: LoadReport): boolean {
  return viewers.playing === viewers.asked && viewers.failed === 0 && viewers.endedEarly === 0;
}

/** Puts the report together. */
export function makeReport(record: RunRecord): LoadReport {
  const { options, figures, from, until } = record;
  const seconds = (until.nowUs - from.nowUs) / 1e6;
  const inWindow = (counter: number) => until.counters[counter]! - from.counters[counter]!;
  const packets = inWindow(FigureCounter.packets);
  const payloadBytes = inWindow(FigureCounter.payloadBytes);
  const clientCpuUs = until.clientCpuUs - from.clientCpuUs;
  const report = {
    options,
    viewers: {
      asked: options.viewers,
      playing: record.playing,
      failed: record.failed,
      endedEarly: record.endedEarly,
      reasons: Object.fromEntries([...figures.failures, ...figures.earlyEnds]),
    },
    window: {
      seconds,
      packets,
      packetsPerSecond: ratio(packets, seconds),
      payloadMbitPerSecond: ratio((payloadBytes * 8) / 1e6, seconds),
    },
    defects: {
      lost: inWindow(FigureCounter.lost),
      lostBefore: from.counters[FigureCounter.lost]!,
      duplicates: inWindow(FigureCounter.duplicates),
      reordered: inWindow(FigureCounter.reordered),
      droppedByOwnSockets: inWindow(FigureCounter.droppedByOwnSockets),
      discontinuities: inWindow(FigureCounter.discontinuities),
      malformed: inWindow(FigureCounter.malformed),
    },
    lateness: figures.lateness.percentiles(),
    videoGaps: figures.videoGaps.percentiles(),
    startUp: figures.startUp.percentiles(),
    newcomerStartUp: figures.newcomerStartUp.percentiles(),
    describe: figures.describe.percentiles(),
    play: figures.play.percentiles(),
    seek: figures.seek.percentiles(),
    server: serverFigures(record, packets, payloadBytes, seconds),
    client: { cpuPercent: ratio(clientCpuUs, seconds) / 1e4, cpuUsPerPacket: ratio(clientCpuUs, packets) },
    machineBusyPercent: busyPercent(from.machine, until.machine),
  };
  return { ...report, warnings: warningsOf(report) };
}

function serverFigures(
  { options, idleServer, from, until }: RunRecord,
  packets: number,
  payloadBytes: number,
  seconds: number,
): ServerFigures | null {
  if (from.server === null || until.server === null) return null;
  const cpuUs = until.server.cpuUs - from.server.cpuUs;
  const idleBytes = idleServer?.ownBytes ?? until.server.ownBytes;
  return {
    cpuPercent: ratio(cpuUs, seconds) / 1e4,
    cpuUsPerPacket: ratio(cpuUs, packets),
    cpuSecondsPerGb: ratio(cpuUs / 1e6, payloadBytes / 1e9),
    rssMib: until.server.rssBytes / BYTES_PER_KIB / BYTES_PER_KIB,
    kibPerViewer: (until.server.ownBytes - idleBytes) / BYTES_PER_KIB / options.viewers,
    threads: until.server.threads,
  };
}

function warningsOf(report: Omit<LoadReport, 'warnings'>): string[] {
  const warnings: string[] = [];
  const { client, defects, machineBusyPercent } = report;
  if (client.cpuPercent > MAX_CLIENT_CPU_PERCENT)
    warnings.push(`this program used ${client.cpuPercent.toFixed(0)} % of its core: it may be the limit`);
  if (defects.droppedByOwnSockets > 0)
    warnings.push(
      `${defects.droppedByOwnSockets} packets were dropped by our own sockets, not by the server`,
    );
  if (machineBusyPercent > MAX_MACHINE_BUSY_PERCENT)
    warnings.push(`the machine was ${machineBusyPercent.toFixed(0)} % busy: nothing was idle`);
  return warnings;
}

function busyPercent(from: MachineUsage, until: MachineUsage): number {
  const busyUs = until.busyUs - from.busyUs;
  return 100 * ratio(busyUs, busyUs + until.idleUs - from.idleUs);
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
