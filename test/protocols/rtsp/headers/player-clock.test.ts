/** Which players must have a movie in its time, by User-Agent (RFC 2326 §12.41). */
import { isClockedByArrival } from '@finch/rtsp/headers/player-clock';

describe('the arrival of packets', () => {
  it.each([
    'GStreamer/1.22.0',
    'GStreamer/1.14.4',
    'LibVLC/3.0.24 (LIVE555 Streaming Media v2026.06.24)',
    'VLC media player (LIVE555 Streaming Media v2010.02.10)',
  ])('is the clock of %s', (agent) => {
    expect(isClockedByArrival(agent)).toBe(true);
  });

  it.each([
    'Lavf59.27.100',
    'QuickTime/7.1.3 (qtver=7.1.3;os=Windows NT 5.1Service Pack 2)',
    'a proxy of GStreamer/1.22.0',
    '',
    undefined,
  ])('is not the clock of %s', (agent) => {
    expect(isClockedByArrival(agent)).toBe(false);
  });
});
