import { formatCSeq, MAX_CSEQ, parseCSeq } from '@finch/rtsp/headers/cseq';
import { formatDate, parseDate } from '@finch/rtsp/headers/date';
import { formatMethodList, parseMethodList } from '@finch/rtsp/headers/public-allow';
import { checkRequire, formatRequire, parseRequire } from '@finch/rtsp/headers/require';
import { formatScale, formatSpeed, parseScale, parseSpeed } from '@finch/rtsp/headers/scale-speed';
import { formatSession, parseSession } from '@finch/rtsp/headers/session';
import fc from 'fast-check';
import { damaged, rtspErrorOf, toleratesOnlyRtspError } from '../rtsp-error-of';

interface HeaderCase<T> {
  readonly header: string;
  readonly parse: (value: string) => T;
  readonly format: (value: T) => string;
  /** Wire text, value, canonical text when it differs. */
  readonly good: readonly (readonly [string, T, string?])[];
  readonly status: number;
  readonly bad: readonly string[];
  /** Caller mistakes. */
  readonly wrong: readonly T[];
}

function describeHeader<T>({ header, parse, format, good, status, bad, wrong }: HeaderCase<T>): void {
  describe(header, () => {
    for (const [text, value, canonical = text] of good)
      it(`reads ${JSON.stringify(text)} and writes it`, () => {
        expect(parse(text)).toEqual(value);
        expect(format(value)).toBe(canonical);
        expect(parse(canonical)).toEqual(value);
      });
    it.each(bad)(`answers ${status} to %j`, (text) => {
      expect(rtspErrorOf(() => parse(text)).status).toBe(status);
    });
    it.each(wrong.map((value) => [value]))('refuses the caller mistake %j', (value) => {
      expect(() => format(value)).toThrow(/ must /);
    });
    it('throws nothing but RtspError, and what it reads it can write', () => {
      const check = (text: string) => expect(parse(format(parse(text)))).toEqual(parse(text));
      const seeds = [...good.map(([text]) => text), ...bad];
      fc.assert(
        fc.property(damaged(seeds), (text) => toleratesOnlyRtspError(check, text)),
        { numRuns: 300 },
      );
    });
  });
}

describeHeader({
  header: 'CSeq (RFC 2326 §12.17)',
  parse: parseCSeq,
  format: formatCSeq,
  good: [
    ['0', 0],
    ['312', 312],
    [' 007 ', 7, '7'],
    [String(MAX_CSEQ), MAX_CSEQ],
  ],
  status: 400,
  bad: ['', ' ', '-1', '1.5', '1e3', '0x10', 'abc', '1 2', '9007199254740992', '9'.repeat(500)],
  wrong: [-1, 1.5, Number.NaN, 2 ** 53],
});

describeHeader({
  header: 'Date (RFC 2326 §12.18)',
  parse: parseDate,
  format: formatDate,
  good: [
    ['Tue, 15 Nov 1994 08:12:31 GMT', Date.UTC(1994, 10, 15, 8, 12, 31)],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 253_402_300_799_000],
  ],
  status: 400,
  bad: [
    '',
    'today',
    'Mon, 15 Nov 1994 08:12:31 GMT',
    'Tue, 15 Nov 1994 08:12:31',
    'Tue, 15 Nov 1994 08:12:31 +0100',
    'Tue, 15 Nov 1994 24:00:00 GMT',
    'Wed, 31 Feb 1996 08:12:31 GMT',
    'Tuesday, 15-Nov-94 08:12:31 GMT',
    'Wed, 31 Dec 1969 23:59:59 GMT',
  ],
  wrong: [-1, Number.NaN, 253_402_300_800_000],
});

describeHeader({
  header: 'Scale (RFC 2326 §12.34)',
  parse: parseScale,
  format: formatScale,
  good: [
    ['1', 1],
    ['3.5', 3.5],
    ['-2', -2],
    [' 1.000 ', 1, '1'],
    ['10.', 10, '10'],
    ['-0.250', -0.25, '-0.25'],
    ['100', 100],
  ],
  status: 400,
  bad: ['', '0', '-0', '0.0', '+1', 'fast', '1e3', '1,5', '--1', '.5', 'NaN', 'Infinity', '1'.repeat(10)],
  wrong: [0, Number.NaN, Number.POSITIVE_INFINITY, 1e9, 1e-10],
});

describeHeader({
  header: 'Speed (RFC 2326 §12.35)',
  parse: parseSpeed,
  format: formatSpeed,
  good: [
    ['2.5', 2.5],
    ['1', 1],
    ['0.000000001', 1e-9],
  ],
  status: 400,
  bad: ['', '0', '-1', '1x', '0.000'],
  wrong: [0, -1, Number.NaN],
});

describeHeader({
  header: 'Session (RFC 2326 §12.37, §11.3.5)',
  parse: parseSession,
  format: formatSession,
  good: [
    ['12345678', { id: '12345678' }],
    ['a$b-c_d.e+f;timeout=60', { id: 'a$b-c_d.e+f', timeoutSeconds: 60 }],
    [' x ; Timeout = "30" ; y ', { id: 'x', timeoutSeconds: 30 }, 'x;timeout=30'],
    ['x;timeout=0', { id: 'x' }, 'x'],
    ['x;timeout=soon', { id: 'x' }, 'x'],
    ['x;timeout', { id: 'x' }, 'x'],
    ['y'.repeat(128), { id: 'y'.repeat(128) }],
  ],
  status: 454,
  bad: ['', ' ; ', '"a', 'a b', 'a/b', 'é', 'y'.repeat(129), 'a,b', 'a%20'],
  wrong: [
    { id: '' },
    { id: 'a;b' },
    { id: 'a\r\n' },
    { id: 'a', timeoutSeconds: 0 },
    { id: 'a', timeoutSeconds: 1.5 },
  ],
});

describeHeader({
  header: 'Public and Allow (RFC 2326 §12.28, §12.4)',
  parse: parseMethodList,
  format: formatMethodList,
  good: [
    ['OPTIONS, DESCRIBE, SETUP', ['OPTIONS', 'DESCRIBE', 'SETUP']],
    ['PLAY,,PAUSE ,', ['PLAY', 'PAUSE'], 'PLAY, PAUSE'],
    ['', []],
  ],
  status: 400,
  bad: ['PLAY PAUSE', 'PLAY;PAUSE', '"PLAY"', 'a(b)', 'x,'.repeat(65)],
  wrong: [['PLAY\r\n'], [''], ['a,b']],
});

describeHeader({
  header: 'Require (RFC 2326 §12.32)',
  parse: parseRequire,
  format: formatRequire,
  good: [
    ['implicit-play', ['implicit-play']],
    ['a , org.example.b', ['a', 'org.example.b'], 'a, org.example.b'],
  ],
  status: 400,
  bad: ['a b', 'a=b', '"'],
  wrong: [['a b']],
});

describe('CSeq', () => {
  it('answers 400 when it is missing', () => {
    expect(rtspErrorOf(() => parseCSeq(undefined)).status).toBe(400);
  });
});

describe('checkRequire (RFC 2326 §12.32, §12.43)', () => {
  const supported = new Set(['play.basic', 'x']);

  it.each([undefined, '', 'x', 'x, play.basic'])('lets %j pass', (value) => {
    expect(() => checkRequire(value, supported)).not.toThrow();
  });

  it('answers 551 and lists in Unsupported only what it does not know', () => {
    const error = rtspErrorOf(() => checkRequire('x, funky, X', supported));
    expect(error).toMatchObject({ status: 551, headers: { Unsupported: 'funky, X' } });
  });
});
