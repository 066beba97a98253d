/** The curve of a capacity search: cost of a packet and lateness over viewers. Used by the command. */
import type { CapacityResult } from './capacity';
import { drawCurves, type Panel } from './curve-chart';

const COST_COLOR = '#1f77b4';
const MEDIAN_COLOR = '#2ca02c';
const P99_COLOR = '#ff7f0e';

/** Draws the steps as an SVG document; without the server's process only the lateness. `name` is the server's, for people. */
export function drawCapacity(result: CapacityResult, maxP99Ms: number, name: string): string {
  const { capacity, steps } = result;
  const costs = steps.flatMap(({ viewers, report }) =>
    report.server === null ? [] : [{ x: viewers, y: report.server.cpuUsPerPacket }],
  );
  const lateness = (pick: 'p50Ms' | 'p99Ms') =>
    steps.map(({ viewers, report }) => ({ x: viewers, y: Math.min(report.lateness[pick], maxP99Ms * 3) }));
  const costPanel: Panel = {
    title: 'server CPU, microseconds a packet',
    series: [{ name: 'CPU', color: COST_COLOR, points: costs }],
  };
  const latenessPanel: Panel = {
    title: `lateness of frames, ms (cut at ${maxP99Ms * 3})`,
    limitY: maxP99Ms,
    series: [
      { name: 'p50', color: MEDIAN_COLOR, points: lateness('p50Ms') },
      { name: 'p99', color: P99_COLOR, points: lateness('p99Ms') },
    ],
  };
  return drawCurves({
    title: `${name}: ${capacity} viewers`,
    xTitle: 'viewers',
    panels: costs.length === 0 ? [latenessPanel] : [costPanel, latenessPanel],
  });
}
