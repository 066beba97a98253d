import { MAX_SDP_TITLE_CHARS, type SdpSession, type SdpTrack, writeSdp } from '@finch/rtsp/sdp-writer';
import fc from 'fast-check';

// The package has no types of its own: this is the one function used.
const sdpTransform: { parse(text: string): Record<string, unknown> } = require('sdp-transform');

const video: SdpTrack = {
  id: 1,
  kind: 'video',
  payloadType: 96,
  encodingName: 'H264',
  clockRate: 90_000,
  fmtp: 'packetization-mode=1;profile-level-id=64001E;sprop-parameter-sets=Z2QAHqzZQKAv,aOvjyyLA',
  bitRateBps: 1_234_567,
  language: 'und',
  width: 640,
  height: 360,
};
const audio: SdpTrack = {
  id: 2,
  kind: 'audio',
  payloadType: 97,
  encodingName: 'mpeg4-generic',
  clockRate: 48_000,
  channels: 2,
  fmtp: 'streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190',
  bitRateBps: 96_000,
  language: 'eng',
};
const movie: SdpSession = {
  title: 'A film',
  originAddress: '192.0.2.7',
  sessionId: '3912345678',
  sessionVersion: 3,
  durationUs: 27_320_000,
  tracks: [video, audio],
};

const GOLDEN = [
  'v=0',
  'o=- 3912345678 3 IN IP4 192.0.2.7',
  's=A film',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'a=control:*',
  'a=tool:Finch',
  'a=range:npt=0-27.320',
  'm=video 0 RTP/AVP 96',
  'b=AS:1235',
  'a=rtpmap:96 H264/90000',
  `a=fmtp:96 ${video.fmtp}`,
  'a=control:trackID=1',
  'a=framesize:96 640-360',
  'a=range:npt=0-27.320',
  'm=audio 0 RTP/AVP 97',
  'b=AS:96',
  'a=rtpmap:97 mpeg4-generic/48000/2',
  `a=fmtp:97 ${audio.fmtp}`,
  'a=control:trackID=2',
  'a=lang:eng',
  'a=range:npt=0-27.320',
  '',
];

const linesOf = (changes: Partial<SdpSession>) => writeSdp({ ...movie, ...changes }).split('\r\n');
const linesOfTrack = (changes: Partial<SdpTrack>) => linesOf({ tracks: [{ ...video, ...changes }] });

describe('writeSdp (RFC 4566 §5, RFC 2326 C.1)', () => {
  it('writes a movie with two tracks', () => {
    expect(writeSdp(movie)).toBe(GOLDEN.join('\r\n'));
  });

  it('is read back by a parser as it was meant', () => {
    expect(sdpTransform.parse(writeSdp(movie))).toMatchObject({
      version: 0,
      origin: { username: '-', sessionId: 3912345678, sessionVersion: 3, ipVer: 4, address: '192.0.2.7' },
      name: 'A film',
      timing: { start: 0, stop: 0 },
      control: '*',
      media: [
        {
          type: 'video',
          port: 0,
          protocol: 'RTP/AVP',
          payloads: 96,
          bandwidth: [{ type: 'AS', limit: 1235 }],
          rtp: [{ payload: 96, codec: 'H264', rate: 90_000 }],
          fmtp: [{ payload: 96, config: video.fmtp }],
          control: 'trackID=1',
        },
        {
          type: 'audio',
          rtp: [{ payload: 97, codec: 'mpeg4-generic', rate: 48_000, encoding: 2 }],
          control: 'trackID=2',
        },
      ],
    });
  });

  it.each([
    ['192.0.2.7', 'IN IP4 192.0.2.7', 'IN IP4 0.0.0.0'],
    ['::ffff:192.0.2.7', 'IN IP4 192.0.2.7', 'IN IP4 0.0.0.0'],
    ['2001:db8::1', 'IN IP6 2001:db8::1', 'IN IP6 ::'],
    ['fe80::1%eth0', 'IN IP6 fe80::1', 'IN IP6 ::'],
  ])('writes the address %s as %s (§5.2, §5.7)', (originAddress, origin, connection) => {
    const lines = linesOf({ originAddress });
    expect(lines[1]).toBe(`o=- 3912345678 3 ${origin}`);
    expect(lines[3]).toBe(`c=${connection}`);
  });

  it.each([
    ['', 's=-'],
    [' \r\n\t ', 's=-'],
    ['a\r\nm=audio 1 RTP/AVP 0', 's=a m=audio 1 RTP/AVP 0'],
    ['a\0b\u2028c\u0085d', 's=a b c d'],
    ['100 %s %d $& "é"', 's=100 %s %d $& "é"'],
    ['🎬'.repeat(300), `s=${'🎬'.repeat(MAX_SDP_TITLE_CHARS)}`],
  ])('writes the title %j as one line (§5.3)', (title, line) => {
    expect(linesOf({ title })[2]).toBe(line);
  });

  it('leaves the range open when the duration is unknown', () => {
    expect(linesOf({ durationUs: undefined }).filter((line) => line === 'a=range:npt=0-')).toHaveLength(3);
  });

  it('makes control URLs absolute with a content base', () => {
    const lines = linesOf({ contentBase: 'rtsp://h/a%20b.mp4/' });
    expect(lines).toContain('a=control:rtsp://h/a%20b.mp4/');
    expect(lines).toContain('a=control:rtsp://h/a%20b.mp4/trackID=2');
  });

  it.each<[Partial<SdpTrack>, string]>([
    [{ bitRateBps: 0 }, 'b='],
    [{ fmtp: '' }, 'a=fmtp'],
    [{ width: undefined as never }, 'a=framesize'],
    [{ language: 'und' }, 'a=lang'],
    [{ language: '\r\n`' }, 'a=lang'],
  ])('writes for %j no line %s', (changes, start) => {
    expect(linesOfTrack(changes).filter((line) => line.startsWith(start))).toEqual([]);
  });

  it.each<[Partial<SdpSession>, RegExp]>([
    [{ originAddress: 'localhost' }, /^originAddress /],
    [{ sessionId: 'abc' }, /^sessionId /],
    [{ sessionVersion: -1 }, /^sessionVersion /],
    [{ durationUs: -1 }, /^time /],
    [{ contentBase: 'rtsp://h/a' }, /^contentBase /],
    [{ contentBase: 'rtsp://h/a\r\n/' }, /^contentBase /],
    [{ tracks: [{ ...video, id: 0 }] }, /^id /],
    [{ tracks: [{ ...video, payloadType: 128 }] }, /^payloadType /],
    [{ tracks: [{ ...video, clockRate: 0 }] }, /^clockRate /],
    [{ tracks: [{ ...video, encodingName: 'H 264' }] }, /^encodingName /],
    [{ tracks: [{ ...audio, channels: 0 }] }, /^channels /],
    [{ tracks: [{ ...video, bitRateBps: Number.NaN }] }, /^bitRateBps /],
    [{ tracks: [{ ...video, width: 0 }] }, /^width /],
  ])('refuses the caller mistake %j', (changes, message) => {
    expect(() => linesOf(changes)).toThrow(message);
  });

  it('keeps its lines whatever text a file brings', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\r\nm=x', 'a\nb', '\r', '%s%d%v', '\u2029a=b'),
    );
    fc.assert(
      fc.property(text, text, text, (title, fmtp, language) => {
        const lines = linesOf({ title, tracks: [{ ...audio, fmtp: `x${fmtp}`, language: `${language}` }] });
        const kinds = lines.map((line) => line.slice(0, 1));
        expect(kinds.filter((kind) => kind !== 'a').join('')).toBe('vosctmb');
        expect(lines.join('')).not.toMatch(/[\r\n\0]/);
      }),
      { numRuns: 300 },
    );
  });
});
