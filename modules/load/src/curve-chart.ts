/**
 * Draws curves over the number of viewers as an SVG file. Used by the capacity search and by benchmarks.
 * Rule: plain SVG that every viewer and every repository page shows: no script, no style sheet, no outside font.
 */

/** A curve of one panel. */
export interface Series {
  readonly name: string;
  /** Any SVG colour. */
  readonly color: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** A diagram with its own vertical axis. */
export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
  /** A dashed line: what is asked for. */
  readonly limitY?: number;
}

/** Panels side by side over one horizontal axis. */
export interface CurveChart {
  readonly title: string;
  readonly xTitle: string;
  readonly panels: readonly Panel[];
}

const PANEL_WIDTH = 420;
const HEIGHT = 320;
const MARGIN = { left: 62, right: 18, top: 64, bottom: 52 };
const TICKS = 5;
const FONT = 'font-family="sans-serif"';
const LEGEND_STEP = 130;

interface Scale {
  readonly max: number;
  readonly step: number;
}

/** The SVG document. Panels without points show their axes only. */
export function drawCurves({ title, xTitle, panels }: CurveChart): string {
  const width = PANEL_WIDTH * panels.length;
  const xScale = scaleOf(
    panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(({ x }) => x))),
  );
  const drawn = panels.map((panel, index) => drawPanel(panel, xTitle, xScale, index * PANEL_WIDTH));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}">`,
    `<rect width="${width}" height="${HEIGHT}" fill="white"/>`,
    text(width / 2, 22, title, 'middle', 15),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel(panel: Panel, xTitle: string, xScale: Scale, left: number): string {
  const values = panel.series.flatMap(({ points }) => points.map(({ y }) => y));
  const yScale = scaleOf(panel.limitY === undefined ? values : [...values, panel.limitY]);
  const plotWidth = PANEL_WIDTH - MARGIN.left - MARGIN.right;
  const plotHeight = HEIGHT - MARGIN.top - MARGIN.bottom;
  const atX = (x: number) => round(MARGIN.left + (x / xScale.max) * plotWidth);
  const atY = (y: number) => round(MARGIN.top + plotHeight - (y / yScale.max) * plotHeight);
  const right = MARGIN.left + plotWidth;
  return [
    `<g transform="translate(${left} 0)">`,
    text(MARGIN.left, 42, panel.title, 'start', 12),
    ...ticksOf(yScale).flatMap((y) => [
      line(MARGIN.left, atY(y), right, atY(y), '#dddddd'),
      text(MARGIN.left - 6, atY(y) + 4, format(y), 'end', 11),
    ]),
    ...ticksOf(xScale).map((x) => text(atX(x), HEIGHT - MARGIN.bottom + 16, format(x), 'middle', 11)),
    text((MARGIN.left + right) / 2, HEIGHT - 12, xTitle, 'middle', 12),
    ...(panel.limitY === undefined
      ? []
      : [line(MARGIN.left, atY(panel.limitY), right, atY(panel.limitY), '#cc3333', '6 4')]),
    ...panel.series.flatMap((series, index) => drawSeries(series, atX, atY, index)),
    line(MARGIN.left, atY(0), right, atY(0), 'black'),
    '</g>',
  ].join('\n');
}

function drawSeries(
  { name, color, points }: Series,
  atX: (x: number) => number,
  atY: (y: number) => number,
  index: number,
): string[] {
  const sorted = [...points].sort((a, b) => a.x - b.x);
  const path = sorted.map(({ x, y }) => `${atX(x)},${atY(y)}`).join(' ');
  const legendX = MARGIN.left + index * LEGEND_STEP;
  return [
    `<polyline points="${path}" fill="none" stroke="${escapeXml(color)}" stroke-width="2"/>`,
    ...sorted.map(({ x, y }) => `<circle cx="${atX(x)}" cy="${atY(y)}" r="3" fill="${escapeXml(color)}"/>`),
    `<rect x="${legendX}" y="50" width="10" height="4" fill="${escapeXml(color)}"/>`,
    text(legendX + 14, 56, name, 'start', 11),
  ];
}

function scaleOf(values: readonly number[]): Scale {
  const highest = values.reduce((most, value) => Math.max(most, value), 0);
  if (!(highest > 0)) return { max: 1, step: 1 / TICKS };
  const rough = highest / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return { max: Math.ceil(highest / step) * step, step };
}

function ticksOf({ max, step }: Scale): number[] {
  return Array.from({ length: Math.round(max / step) + 1 }, (_, index) => index * step);
}

function format(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function line(x1: number, y1: number, x2: number, y2: number, color: string, dashes = ''): string {
  const dash = dashes === '' ? '' : ` stroke-dasharray="${dashes}"`;
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}"${dash}/>`;
}

function text(x: number, y: number, content: string, anchor: string, size: number): string {
  return `<text x="${x}" y="${y}" ${FONT} font-size="${size}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
