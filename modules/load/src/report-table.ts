/** The table that a run prints. Made from the report alone. Rule: one line a subject, so that two runs can be compared by eye. */
import type { Percentiles } from './histogram';
import type { LoadReport } from './load-report';

const LABEL_COLUMNS = 22;

/** The lines of the table, without line ends. */
export function formatReport(report: LoadReport): string[] {
  const { viewers, window, defects, lateness, videoGaps, client } = report;
  return [
    row(
      'viewers',
      `${viewers.playing} of ${viewers.asked} playing, ${viewers.failed} failed, ${viewers.endedEarly} ended early`,
    ),
    ...Object.entries(viewers.reasons).map(([reason, count]) => row('', `${count} x ${reason}`)),
    row(
      'packets',
      `${window.packets} in ${window.seconds.toFixed(1)} s: ${window.packetsPerSecond.toFixed(0)}/s, ${window.payloadMbitPerSecond.toFixed(1)} Mbit/s of payload`,
    ),
    row(
      'defects',
      `${defects.lost} lost (${defects.lostBefore} before the window), ${defects.duplicates} twice, ${defects.reordered} reordered, ${defects.discontinuities} jumps, ${defects.malformed} malformed`,
    ),
    row('lateness of frames', formatTimes(lateness)),
    row('gaps in video', formatTimes(videoGaps)),
    row('start-up', formatTimes(report.startUp)),
    ...optionalRow('start-up, newcomers', report.newcomerStartUp),
    row('DESCRIBE', formatTimes(report.describe)),
    row('PLAY to first packet', formatTimes(report.play)),
    ...optionalRow('seek', report.seek),
    ...serverRows(report),
    row(
      'this program',
      `${client.cpuPercent.toFixed(1)} % of a core, ${client.cpuUsPerPacket.toFixed(2)} us a packet`,
    ),
    ...report.warnings.map((warning) => row('warning', warning)),
  ];
}

/** One line of percentiles, in milliseconds. */
export function formatTimes({ count, p50Ms, p90Ms, p99Ms, maxMs }: Percentiles): string {
  if (count === 0) return 'none';
  const [p50, p90, p99, max] = [p50Ms, p90Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2));
  return `p50 ${p50}, p90 ${p90}, p99 ${p99}, max ${max} ms (${count})`;
}

function serverRows({ server }: LoadReport): string[] {
  if (server === null) return [];
  const { cpuPercent, cpuUsPerPacket, cpuSecondsPerGb, rssMib, kibPerViewer, threads } = server;
  return [
    row(
      'server CPU',
      `${cpuPercent.toFixed(1)} % of a core, ${cpuUsPerPacket.toFixed(3)} us a packet, ${cpuSecondsPerGb.toFixed(2)} s per GB`,
    ),
    row(
      'server memory',
      `${rssMib.toFixed(1)} MiB, ${kibPerViewer.toFixed(1)} KiB a viewer above idle, ${threads} threads`,
    ),
  ];
}

function optionalRow(label: string, times: Percentiles): string[] {
  return times.count === 0 ? [] : [row(label, formatTimes(times))];
}

function row(label: string, text: string): string {
  return `${label.padEnd(LABEL_COLUMNS)}${text}`;
}
