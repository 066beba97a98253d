/** How the ways of a session are paced, by the settings of the module. */
import { pacingOf, type RtspSettings } from '@finch/rtsp/rtsp-settings';

const SETTINGS = {
  sendWindowMs: 5,
  sendAheadMs: 0,
  overbufferRate: 2,
  overbufferSeconds: 25,
} as RtspSettings;

it.each([
  [
    'a reliable one that is over-buffered gathers',
    true,
    false,
    { overbufferUs: 25_000_000, longWindowUs: 100_000 },
  ],
  ['a lossy one has no bursts', true, true, { overbufferUs: 25_000_000, longWindowUs: 5000 }],
  ['one that is not over-buffered is in time', false, false, { overbufferUs: 0, longWindowUs: 5000 }],
])('%s', (_what, isOverbuffering, isLossy, expected) => {
  expect(pacingOf(SETTINGS, isOverbuffering, isLossy)).toMatchObject({ windowUs: 5000, ...expected });
});
