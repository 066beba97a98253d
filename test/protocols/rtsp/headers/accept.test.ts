import { acceptsType, formatAccept, parseAccept } from '@finch/rtsp/headers/accept';
import fc from 'fast-check';
import { damaged, rtspErrorOf, toleratesOnlyRtspError } from '../rtsp-error-of';

const GOOD: readonly [string | undefined, boolean][] = [
  [undefined, true],
  ['', true],
  ['application/sdp', true],
  ['Application/SDP', true],
  ['application/rtsl, application/sdp;level=-2', true],
  ['application/*', true],
  ['*/*', true],
  ['application/sdp;q=0.1', true],
  ['text/html, */*;q=0.5', true],
  ['application/mheg', false],
  ['text/*', false],
  ['application/sdp;q=0, */*', false],
  ['application/*;q=0.000, */*', false],
  ['*/*;q=0, application/sdp', true],
];

const BAD = [
  'sdp',
  'application/',
  '/sdp',
  '*/sdp',
  'a/b/c',
  'a b/c',
  'a/b;q=2',
  'a/b;q=',
  'a/b;q=0.1234',
  '"',
];

describe('acceptsType (RFC 2326 §12.1, RFC 2068 §14.1)', () => {
  it.each(GOOD)('says whether %j allows application/sdp: %s', (value, expected) => {
    expect(acceptsType(value, 'application/sdp')).toBe(expected);
  });

  it.each(BAD)('answers 400 to %j', (value) => {
    expect(rtspErrorOf(() => acceptsType(value, 'application/sdp')).status).toBe(400);
  });
});

describe('parseAccept and formatAccept', () => {
  it('write what was read', () => {
    expect(formatAccept(parseAccept('application/sdp;q=0.50,*/*;q=0'))).toBe(
      'application/sdp;q=0.5, */*;q=0',
    );
  });

  it('refuse a quality that is none', () => {
    expect(() => formatAccept([{ type: 'a/b', quality: 2 }])).toThrow(RangeError);
  });

  it('throw nothing but RtspError and round-trip', () => {
    const check = (text: string) =>
      expect(parseAccept(formatAccept(parseAccept(text)))).toEqual(parseAccept(text));
    const seeds = [...GOOD.map(([text]) => text ?? ''), ...BAD];
    fc.assert(
      fc.property(damaged(seeds), (text) => toleratesOnlyRtspError(check, text)),
      { numRuns: 500 },
    );
  });
});
