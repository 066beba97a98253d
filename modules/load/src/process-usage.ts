/**
 * What processes and the machine use, out of /proc. Read by runs at the edges of their window.
 * Rule: a process that is gone reads as null. CPU times have steps of 10 ms, so windows are seconds long. Spec: proc(5).
 */
import { readFileSync } from 'node:fs';

/** USER_HZ, which is 100 on every Linux of today. */
const US_PER_CLOCK_TICK = 10_000;
const BYTES_PER_KIB = 1024;

/** Totals of one process, all threads. */
export interface ProcessUsage {
  readonly cpuUs: number;
  /** Resident memory. */
  readonly rssBytes: number;
  /** What of it is the process's own: without the pages of files that it has mapped, which are the page cache's. */
  readonly ownBytes: number;
  readonly threads: number;
}

/** Totals of the machine's cores together. */
export interface MachineUsage {
  readonly busyUs: number;
  readonly idleUs: number;
}

/** Reads one process; null when it is gone. */
export function readProcessUsage(pid: number): ProcessUsage | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold anything, so the fields are counted from its end; state is the third of proc(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return {
      cpuUs: (Number(fields[11]) + Number(fields[12])) * US_PER_CLOCK_TICK,
      rssBytes: bytesOf('VmRSS', status),
      ownBytes: bytesOf('VmRSS', status) - bytesOf('RssFile', status),
      threads: Number(fields[17]),
    };
  } catch {
    return null;
  }
}

function bytesOf(name: string, status: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * BYTES_PER_KIB;
}

/** Reads several processes as one; null when there are none or one of them is gone. */
export function readProcessesUsage(pids: readonly number[]): ProcessUsage | null {
  if (pids.length === 0) return null;
  const sum = { cpuUs: 0, rssBytes: 0, ownBytes: 0, threads: 0 };
  for (const pid of pids) {
    const usage = readProcessUsage(pid);
    if (usage === null) return null;
    sum.cpuUs += usage.cpuUs;
    sum.rssBytes += usage.rssBytes;
    sum.ownBytes += usage.ownBytes;
    sum.threads += usage.threads;
  }
  return sum;
}

/** Reads the machine; zeros where /proc/stat is missing. */
export function readMachineUsage(): MachineUsage {
  try {
    const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!;
    const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0] = line
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return {
      busyUs: (user + nice + system + irq + softIrq) * US_PER_CLOCK_TICK,
      idleUs: (idle + ioWait) * US_PER_CLOCK_TICK,
    };
  } catch {
    return { busyUs: 0, idleUs: 0 };
  }
}
