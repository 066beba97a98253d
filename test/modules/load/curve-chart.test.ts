/** The pictures: well-formed, inside their frame, and safe with any text. */
import { drawCurves } from '@finch/load/curve-chart';

const points = [
  { x: 1000, y: 1.2 },
  { x: 100, y: 2.3 },
];

function draw(title: string, limitY?: number): string {
  const panel = { title: 'cost', series: [{ name: 'a', color: 'red', points }] };
  return drawCurves({
    title,
    xTitle: 'viewers',
    panels: [limitY === undefined ? panel : { ...panel, limitY }],
  });
}

describe('drawCurves', () => {
  it('draws the points of a curve from left to right', () => {
    const [, path] = /<polyline points="([^"]+)"/.exec(draw('t'))!;
    const xs = path!.split(' ').map((point) => Number(point.split(',')[0]));
    expect(xs).toHaveLength(2);
    expect(xs[0]).toBeLessThan(xs[1]!);
  });

  it('keeps every point inside the picture', () => {
    for (const [, x, y] of draw('t').matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)) {
      expect(Number(x)).toBeLessThanOrEqual(420);
      expect(Number(y)).toBeLessThanOrEqual(320);
    }
  });

  it('escapes texts', () => {
    expect(draw('a < b & "c"')).toContain('>a &lt; b &amp; &quot;c&quot;</text>');
  });

  it('draws a limit as a dashed line', () => {
    expect(draw('t', 2)).toContain('stroke-dasharray');
    expect(draw('t')).not.toContain('stroke-dasharray');
  });

  it('draws axes without points', () => {
    expect(drawCurves({ title: 't', xTitle: 'x', panels: [{ title: 'p', series: [] }] })).toContain('</svg>');
  });
});
