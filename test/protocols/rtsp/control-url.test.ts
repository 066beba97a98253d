import { type ControlUrl, MAX_URL_CHARS, parseControlUrl } from '@finch/rtsp/control-url';
import { formatRtpInfo } from '@finch/rtsp/headers/rtp-info';
import fc from 'fast-check';
import { damaged, rtspErrorOf, toleratesOnlyRtspError } from './rtsp-error-of';

/** URL, segments, and what differs from a plain presentation URL that is its own aggregate. */
const GOOD: readonly [string, string[], Partial<ControlUrl>?][] = [
  ['*', [], { isServer: true }],
  ['rtsp://h', []],
  ['rtsp://h/', [], { aggregateUrl: 'rtsp://h' }],
  ['rtsp://h/*', ['*']],
  ['rtsp://h:8554/movie.mp4', ['movie.mp4']],
  ['RTSP://h/movie.mp4/', ['movie.mp4'], { aggregateUrl: 'rtsp://h/movie.mp4' }],
  ['rtsps://[::1]:322/a', ['a']],
  [
    'rtsp://host:554/a%20b/movie.mp4/trackID=2',
    ['a b', 'movie.mp4'],
    { trackId: 2, aggregateUrl: 'rtsp://host:554/a%20b/movie.mp4' },
  ],
  ['rtsp://h/m.mp4/trackid%3D7/', ['m.mp4'], { trackId: 7, aggregateUrl: 'rtsp://h/m.mp4' }],
  ['rtsp://h/m.mp4/trackID=0', ['m.mp4'], { trackId: 0, aggregateUrl: 'rtsp://h/m.mp4' }],
  ['rtsp://h/trackID=1/m.mp4', ['trackID=1', 'm.mp4']],
  ['rtsp://h/m.mp4/trackID=x', ['m.mp4', 'trackID=x']],
  ['rtsp://u:p@w@h/m.mp4', ['m.mp4'], { aggregateUrl: 'rtsp://h/m.mp4' }],
  ['rtsp://h//a///b', ['a', 'b'], { aggregateUrl: 'rtsp://h/a/b' }],
  [
    `rtsp://h${'/a'.repeat(64)}/trackID=1`,
    Array(64).fill('a'),
    { trackId: 1, aggregateUrl: `rtsp://h${'/a'.repeat(64)}` },
  ],
  ['/movie.mp4', ['movie.mp4']],
  ['movie.mp4', ['movie.mp4'], { aggregateUrl: '/movie.mp4' }],
  ['rtsp://h/a\\b', ['a\\b']],
  ['rtsp://h/a%5Cb', ['a\\b']],
  ['rtsp://h/%252e%252e', ['%2e%2e']],
  ['rtsp://h/...', ['...']],
  ['rtsp://h/a%3Fb%23c', ['a?b#c']],
  ['rtsp://h/%C3%A9', ['é']],
  ['rtsp://h/é "x"', ['é "x"'], { aggregateUrl: 'rtsp://h/%C3%A9%20%22x%22' }],
  ['rtsp://h/%F0%9F%8E%AC.mp4', ['🎬.mp4']],
  ['rtsp://h/m.mp4?token=a%zz&b', ['m.mp4'], { query: 'token=a%zz&b' }],
  ['rtsp://h/m.mp4?', ['m.mp4'], { query: '' }],
  ['rtsp://h?x', [], { query: 'x' }],
  ['rtsp://h/m.mp4/?x=1', ['m.mp4'], { query: 'x=1', aggregateUrl: 'rtsp://h/m.mp4?x=1' }],
  [
    'rtsp://h/m.mp4/trackID=1?x=1',
    ['m.mp4'],
    { query: 'x=1', trackId: 1, aggregateUrl: 'rtsp://h/m.mp4?x=1' },
  ],
  ['rtsp://h/m.mp4?x=1/', ['m.mp4'], { query: 'x=1', aggregateUrl: 'rtsp://h/m.mp4?x=1' }],
  [
    'rtsp://h/m.mp4?x=1/trackID=3',
    ['m.mp4'],
    { query: 'x=1', trackId: 3, aggregateUrl: 'rtsp://h/m.mp4?x=1' },
  ],
  ['rtsp://h/m.mp4?x=/a/b', ['m.mp4'], { query: 'x=/a/b' }],
];

const BAD: readonly [string, number][] = [
  ['http://h/m.mp4', 400],
  ['rtsp:///m.mp4', 400],
  ['rtsp://u@/m.mp4', 400],
  ['rtsp://h/%', 400],
  ['rtsp://h/%4', 400],
  ['rtsp://h/%zz', 400],
  ['rtsp://h/%ff', 400],
  ['rtsp://h/%c0%ae%c0%ae/x', 400],
  ['rtsp://h/%ed%a0%80', 400],
  ['rtsp://h/a\r\nb', 400],
  ['rtsp://h/a\0b', 400],
  ['rtsp://h/a\ud800', 400],
  ['rtsp://h/..', 404],
  ['rtsp://h/../etc/passwd', 404],
  ['rtsp://h/a/./b', 404],
  ['rtsp://h/%2e%2e/x', 404],
  ['rtsp://h/.%2E', 404],
  ['rtsp://h/a%2fb', 404],
  ['rtsp://h/%2F', 404],
  ['rtsp://h/a%00b', 404],
  ['rtsp://h/../trackID=1', 404],
  ['..', 404],
  ['rtsp://h/m.mp4/trackID=2147483648', 404],
  [`rtsp://h/m.mp4/trackID=${'9'.repeat(400)}`, 404],
  [`rtsp://h${'/a'.repeat(65)}`, 404],
  [`rtsp://h/${'a'.repeat(MAX_URL_CHARS)}`, 414],
];

const urls = damaged([
  ...GOOD.map(([url]) => url),
  ...BAD.map(([url]) => url.slice(0, 100)),
  '/%2e./..%2f/%00/./',
]);

function parsedOrUndefined(url: string): ControlUrl | undefined {
  let parsed: ControlUrl | undefined;
  toleratesOnlyRtspError(() => {
    parsed = parseControlUrl(url);
  }, url);
  return parsed;
}

describe('parseControlUrl (RFC 2326 §3.2, RFC 3986 §3.3)', () => {
  it.each(GOOD)('reads %j', (url, segments, different = {}) => {
    const plain = { isServer: false, trackId: undefined, query: undefined, aggregateUrl: url };
    expect(parseControlUrl(url)).toMatchObject({ ...plain, segments, ...different });
  });

  it.each(BAD)('refuses %j with %d', (url, status) => {
    expect(rtspErrorOf(() => parseControlUrl(url)).status).toBe(status);
  });

  it.each([
    ['rtsp://user:secret@h:554/a', 'h:554'],
    ['rtsp://[::1]:8554/a', '[::1]:8554'],
    ['/a', undefined],
  ])('gives of %j the authority %j', (url, authority) => {
    expect(parseControlUrl(url).authority).toBe(authority);
  });

  it('yields no segment that is empty, a dot name, or holds a slash or NUL, whatever comes in', () => {
    fc.assert(
      fc.property(urls, (url) => {
        for (const segment of parsedOrUndefined(url)?.segments ?? []) {
          expect(['', '.', '..']).not.toContain(segment);
          expect(segment).not.toMatch(/[/\0]/);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('yields an aggregate URL that headers can hold and that names the same presentation with a track', () => {
    fc.assert(
      fc.property(urls, (url) => {
        const parsed = parsedOrUndefined(url);
        if (parsed === undefined || parsed.isServer) return;
        const track = `${parsed.aggregateUrl}/trackID=5`;
        expect(() => formatRtpInfo([{ url: track }])).not.toThrow();
        expect(parseControlUrl(track)).toMatchObject({ segments: parsed.segments, trackId: 5 });
      }),
      { numRuns: 1500 },
    );
  });
});

it('gives everybody the same answer for a URL, which nobody can change', () => {
  const url = 'rtsp://h/a/m.mp4/trackID=1?x=1';
  const first = parseControlUrl(url);
  for (let i = 0; i < 1000; i++) parseControlUrl(`rtsp://h/${i}`); // more than are kept
  expect(parseControlUrl(url)).toEqual(first);
  expect(Object.isFrozen(first)).toBe(true);
  expect(() => (first.segments as string[]).push('b')).toThrow(TypeError);
});
