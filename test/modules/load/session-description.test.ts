/** What a viewer takes out of SDP, and how it resolves control attributes (RFC 2326 appendix C.1.1). */
import { readDescription, resolveControl } from '@finch/load/session-description';

const BASE = 'rtsp://host/movie.mp4/';
const SDP = [
  'v=0',
  'a=control:*',
  'a=range:npt=0-24.5',
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  'a=control:trackID=1',
  'm=audio 0 RTP/AVP 97',
  'a=rtpmap:97 mpeg4-generic/48000/2',
  'a=control:rtsp://host/other/2',
  'm=application 0 RTP/AVP 107',
].join('\r\n');

describe('readDescription', () => {
  it('finds the tracks that can be set up, their clock rates and control URLs', () => {
    expect(readDescription(SDP, BASE)).toEqual({
      controlUrl: BASE,
      durationS: 24.5,
      tracks: [
        { isVideo: true, clockRateHz: 90_000, controlUrl: `${BASE}trackID=1` },
        { isVideo: false, clockRateHz: 48_000, controlUrl: 'rtsp://host/other/2' },
      ],
    });
  });

  it('knows the clock rates of static payload types (RFC 3551 §6)', () => {
    const [track] = readDescription('v=0\r\nm=audio 0 RTP/AVP 0\r\n', BASE).tracks;
    expect(track?.clockRateHz).toBe(8000);
  });

  it('refuses a description without a track', () => {
    expect(() => readDescription('v=0\r\n', BASE)).toThrow('without a track');
  });
});

describe('resolveControl', () => {
  it.each([
    ['*', 'rtsp://h/a', 'rtsp://h/a'],
    ['track1', 'rtsp://h/a', 'rtsp://h/a/track1'],
    ['track1', 'rtsp://h/a/', 'rtsp://h/a/track1'],
    ['rtsp://other/b', 'rtsp://h/a', 'rtsp://other/b'],
  ])('resolves %s against %s', (control, base, expected) => {
    expect(resolveControl(base, control)).toBe(expected);
  });
});
