/** Whose players can't be filled ahead of time, by User-Agent (RFC 2326 §12.41). */
import { mostAheadUsOf } from '@finch/rtsp/headers/player-buffer';

describe('how far a player can be filled', () => {
  it.each(['GStreamer/1.22.0', 'GStreamer/1.14.4'])(
    'not at all: %s shows what comes early at once',
    (agent) => {
      expect(mostAheadUsOf(agent)).toBe(0);
    },
  );

  it.each([
    'LibVLC/3.0.24 (LIVE555 Streaming Media v2026.06.24)',
    'VLC media player (LIVE555 Streaming Media v2010.02.10)',
  ])('less than the second that it waits for: %s', (agent) => {
    expect(mostAheadUsOf(agent)).toBe(800_000);
  });

  it.each([
    'Lavf59.27.100',
    'QuickTime/7.1.3 (qtver=7.1.3;os=Windows NT 5.1Service Pack 2)',
    'a proxy of GStreamer/1.22.0',
    '',
    undefined,
  ])('as far as the server likes: %s', (agent) => {
    expect(mostAheadUsOf(agent)).toBe(Infinity);
  });
});
