import { formatRtpInfo, parseRtpInfo, type RtpInfo } from '@finch/rtsp/headers/rtp-info';
import fc from 'fast-check';
import { damaged, rtspErrorOf, toleratesOnlyRtspError } from '../rtsp-error-of';

const GOOD: readonly [string, RtpInfo[], string?][] = [
  [
    'url=rtsp://h/a.mp4/trackID=1;seq=45102;rtptime=12345678,url=rtsp://h/a.mp4/trackID=2;seq=0;rtptime=4294967295',
    [
      { url: 'rtsp://h/a.mp4/trackID=1', sequenceNumber: 45_102, rtpTicks: 12_345_678 },
      { url: 'rtsp://h/a.mp4/trackID=2', sequenceNumber: 0, rtpTicks: 4_294_967_295 },
    ],
  ],
  ['url=rtsp://h/a', [{ url: 'rtsp://h/a' }]],
  ['url=rtsp://h/a,b;c=d;seq=1', [{ url: 'rtsp://h/a,b;c=d', sequenceNumber: 1 }]],
  [
    'url=a;rtptime=5;seq=6, url="b"',
    [{ url: 'a', sequenceNumber: 6, rtpTicks: 5 }, { url: 'b' }],
    'url=a;seq=6;rtptime=5,url=b',
  ],
];

const BAD = [
  '',
  'seq=1',
  'url=',
  'url=a b',
  'url=a;seq=65536',
  'url=a;seq=-1',
  'url=a;seq=',
  'url=a;rtptime=4294967296',
  'url=é',
];

describe('RTP-Info (RFC 2326 §12.33)', () => {
  it.each(GOOD)('reads and writes %j', (text, streams, canonical = text) => {
    expect(parseRtpInfo(text)).toEqual(streams);
    expect(formatRtpInfo(streams)).toBe(canonical);
  });

  it.each(BAD)('answers 400 to %j', (text) => {
    expect(rtspErrorOf(() => parseRtpInfo(text)).status).toBe(400);
  });

  it.each([
    [{ url: '' }, TypeError],
    [{ url: 'a\r\nb' }, TypeError],
    [{ url: 'a', sequenceNumber: 65_536 }, RangeError],
    [{ url: 'a', rtpTicks: -1 }, RangeError],
    [{ url: 'a', rtpTicks: 0.5 }, RangeError],
  ])('refuses the caller mistake %j', (stream, type) => {
    expect(() => formatRtpInfo([stream])).toThrow(type);
  });

  it('throws nothing but RtspError', () => {
    const seeds = [...GOOD.map(([text]) => text), ...BAD];
    fc.assert(
      fc.property(damaged(seeds), (text) => toleratesOnlyRtspError(parseRtpInfo, text)),
      { numRuns: 500 },
    );
  });
});
