import { formatNptTime, MAX_NPT_SECONDS, parseNptTime } from '@finch/rtsp/headers/npt-time';
import { formatRange, parsePausePoint, parseRange, type RangeHeader } from '@finch/rtsp/headers/range';
import { formatSmpteTime, parseSmpteTime, type SmpteFormat } from '@finch/rtsp/headers/smpte-time';
import { formatUtcTime, parseUtcTime } from '@finch/rtsp/headers/utc-time';
import fc from 'fast-check';
import { damaged, rtspErrorOf, toleratesOnlyRtspError } from '../rtsp-error-of';

const GOOD: readonly [string, RangeHeader][] = [
  ['npt=10-', { unit: 'npt', start: 10 }],
  ['npt=-20', { unit: 'npt', end: 20 }],
  ['npt=5-10', { unit: 'npt', start: 5, end: 10 }],
  ['npt=5-5', { unit: 'npt', start: 5, end: 5 }],
  ['npt=12.040-27.320', { unit: 'npt', start: 12.04, end: 27.32 }],
  ['npt=0.-', { unit: 'npt', start: 0 }],
  ['npt=now-', { unit: 'npt', start: 'now' }],
  ['NPT = Now - 100 ', { unit: 'npt', start: 'now', end: 100 }],
  ['npt=1:02:03.5-100:00:00', { unit: 'npt', start: 3723.5, end: 360_000 }],
  ['npt=0:10:20.1-0:10:20.1', { unit: 'npt', start: 620.1, end: 620.1 }],
  [
    'smpte=10:12:33:20-',
    { unit: 'smpte', format: 'smpte', start: ((36_753 * 30 + 20 - 2 * (612 - 61)) * 1001) / 30_000 },
  ],
  ['smpte=0:10:00-', { unit: 'smpte', format: 'smpte', start: (17_982 * 1001) / 30_000 }],
  ['smpte-30-drop=00:00:00:15-', { unit: 'smpte', format: 'smpte-30-drop', start: (15 * 1001) / 30_000 }],
  [
    'smpte-25=10:07:33-10:07:35:05.01',
    { unit: 'smpte', format: 'smpte-25', start: 36_453, end: 36_455 + 5.01 / 25 },
  ],
  ['clock=19961108T142300Z-', { unit: 'clock', start: Date.UTC(1996, 10, 8, 14, 23) }],
  [
    'clock=19961108T142300Z-19961108T143520.25Z',
    { unit: 'clock', start: Date.UTC(1996, 10, 8, 14, 23), end: Date.UTC(1996, 10, 8, 14, 35, 20, 250) },
  ],
  ['npt=0-;time=19970123T143720Z', { unit: 'npt', start: 0, timeUtcMs: Date.UTC(1997, 0, 23, 14, 37, 20) }],
  ['npt=0-;x=y', { unit: 'npt', start: 0 }],
];

const BAD = [
  '',
  'npt',
  'npt=',
  'npt=-',
  'npt=5',
  'npt=a-',
  'npt=.5-',
  'npt=+5-',
  'npt=1e3-',
  'npt=0x10-',
  'npt=--5',
  'npt=1-2-3',
  'npt=10-5',
  'npt=1:60:00-',
  'npt=1:00:60-',
  'npt=1:00-',
  'npt=0-5,npt=7-8',
  `npt=${MAX_NPT_SECONDS + 1}-`,
  `npt=${'9'.repeat(400)}-`,
  'smpte=-10:00:00',
  'smpte=10:60:00-',
  'smpte=10:00:60-',
  'smpte=10:00:00:30-',
  'smpte-25=10:00:00:25-',
  'smpte-25=10:00:00-09:00:00',
  'clock=-19961108T142300Z',
  'clock=19961108T142300-',
  'clock=19960230T142300Z-',
  'clock=19961108T240000Z-',
  'clock=19961108T142300Z-19961108T142259Z',
  'npt=0-;time=tomorrow',
  'npt=0-;time',
  'npt="0-',
];

describe('parseRange (RFC 2326 §12.29)', () => {
  it.each(GOOD)('reads %j', (text, expected) => {
    expect(parseRange(text)).toEqual(expected);
  });

  it.each(BAD)('answers 457 to %j (§11.3.8)', (text) => {
    expect(rtspErrorOf(() => parseRange(text))).toMatchObject({
      status: 457,
      detail: expect.stringMatching(/^Range: /),
    });
  });

  it.each(['bytes=0-100', 'constructor=1-2', 'smpte-24=0:0:0-'])('answers 501 to the unit of %j', (text) => {
    expect(rtspErrorOf(() => parseRange(text))).toMatchObject({
      status: 501,
      detail: expect.stringMatching(/^Range: .*expected npt/),
    });
  });

  it('allows a start behind the end in reverse', () => {
    expect(parseRange('npt=10-5', 'reverse')).toEqual({ unit: 'npt', start: 10, end: 5 });
  });

  it.each([
    ['npt=12.5', 12.5],
    ['npt=12.5-', 12.5],
    ['smpte-25=00:00:02:05', 2.2],
    ['npt=3;time=19970123T143720Z', 3],
    ['npt=now', 'now'],
    ['npt=now-', 'now'],
  ])('reads the one time of PAUSE: %j (§10.6)', (text, start) => {
    expect(parsePausePoint(text)).toMatchObject({ start });
  });

  it.each(['npt=1-2', 'npt=-2', 'npt=now-5', 'npt=', '12'])(
    'answers 457 to PAUSE with %j (§10.6)',
    (text) => {
      expect(rtspErrorOf(() => parsePausePoint(text))).toMatchObject({ status: 457 });
    },
  );

  it('throws nothing but RtspError', () => {
    fc.assert(
      fc.property(damaged([...GOOD.map(([text]) => text), ...BAD]), (text) =>
        toleratesOnlyRtspError(parseRange, text),
      ),
      { numRuns: 1000 },
    );
  });
});

describe('formatRange (RFC 2326 §3.6, §3.7)', () => {
  it.each([
    [{ unit: 'npt', start: 0, end: 27.32 }, 'npt=0.000-27.320'],
    [{ unit: 'npt', start: 12.04 }, 'npt=12.040-'],
    [{ unit: 'npt', end: 20 }, 'npt=-20.000'],
    [{ unit: 'npt', start: 'now' }, 'npt=now-'],
    [{ unit: 'npt', start: 0.0000015, end: 1.0405 }, 'npt=0.000002-1.0405'],
    [{ unit: 'smpte', format: 'smpte-25', start: 36_453, end: 36_455.2 }, 'smpte-25=10:07:33:00-10:07:35:05'],
    [
      { unit: 'smpte', format: 'smpte', start: (17_982 * 1001) / 30_000, timeUtcMs: 1000 },
      'smpte=00:10:00:00-;time=19700101T000001Z',
    ],
    [{ unit: 'smpte', format: 'smpte-30-drop', start: (1800 * 1001) / 30_000 }, 'smpte-30-drop=00:01:00:02-'],
    [{ unit: 'clock', start: Date.UTC(1996, 10, 8, 14, 23) }, 'clock=19961108T142300Z-'],
    [
      { unit: 'clock', start: 0, end: 250, timeUtcMs: 1000 },
      'clock=19700101T000000Z-19700101T000000.250Z;time=19700101T000001Z',
    ],
  ] as const)('writes %j as %s', (range, text) => {
    expect(formatRange(range)).toBe(text);
  });

  it('gives back what it read', () => {
    for (const [text, expected] of GOOD) expect(parseRange(formatRange(parseRange(text)))).toEqual(expected);
  });

  it('refuses caller mistakes', () => {
    expect(() => formatRange({ unit: 'npt' })).toThrow(TypeError);
    expect(() => formatRange({ unit: 'npt', start: -1 })).toThrow(RangeError);
    expect(() => formatRange({ unit: 'npt', start: Number.NaN })).toThrow(RangeError);
    expect(() => formatRange({ unit: 'clock', start: 1e15 })).toThrow(RangeError);
    expect(() => formatRange({ unit: 'smpte', format: 'smpte-25', start: 360_000 })).toThrow(RangeError);
  });
});

describe('normal play time (RFC 2326 §3.6)', () => {
  it('is exact to a microsecond both ways', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1e12 }), (us) => {
        expect(Math.round(Number(parseNptTime(formatNptTime(us / 1e6))) * 1e6)).toBe(us);
      }),
    );
  });
});

describe('SMPTE time (RFC 2326 §3.5)', () => {
  it.each<SmpteFormat>(['smpte', 'smpte-30-drop', 'smpte-25'])(
    'of %s is exact to a hundredth of a frame both ways, and names no dropped frame',
    (format) => {
      const hundredthsPerS = format === 'smpte-25' ? 2500 : 3_000_000 / 1001;
      fc.assert(
        fc.property(fc.nat({ max: 350_000 * 2500 }), (hundredths) => {
          const text = formatSmpteTime(format, hundredths / hundredthsPerS);
          expect(Math.round(parseSmpteTime(format, text)! * hundredthsPerS)).toBe(hundredths);
          if (format !== 'smpte-25') expect(text).not.toMatch(/^\d\d:\d[1-9]:00:0[01]/);
        }),
      );
    },
  );

  it('never runs backwards, and leaves no gap, over the dropped frames of ten minutes', () => {
    let before = -1;
    for (let minute = 0; minute <= 10; minute++)
      for (const [second, frame] of [
        [0, 0],
        [0, 1],
        [0, 2],
        [0, 3],
        [59, 28],
        [59, 29],
      ]) {
        const seconds = parseSmpteTime('smpte', `00:${minute}:${second}:${frame}`)!;
        expect(seconds).toBeGreaterThanOrEqual(before);
        if (second === 0 && frame === 0 && minute > 0) expect((seconds - before) * 29.97).toBeCloseTo(1, 3);
        before = seconds;
      }
  });
});

describe('UTC time (RFC 2326 §3.7)', () => {
  it('is exact to a millisecond both ways', () => {
    fc.assert(
      fc.property(fc.nat({ max: 253_402_300_799_999 }), (utcMs) => {
        expect(parseUtcTime(formatUtcTime(utcMs))).toBe(utcMs);
      }),
    );
  });
});
