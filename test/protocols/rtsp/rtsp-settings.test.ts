/** How the ways of a session are paced, by the settings of the module. */
import { pacingsOf, type RtspSettings } from '@finch/rtsp/rtsp-settings';

const SETTINGS = { sendWindowMs: 5, sendAheadMs: 0, overbufferRate: 2, overbufferSeconds: 25 };
const IN_TIME = { windowUs: 5000, overbufferRate: 1, overbufferUs: 0, longWindowUs: 5000 };
const FILLING = { windowUs: 5000, overbufferRate: 2, overbufferUs: 25_000_000, longWindowUs: 5000 };
const IN_BURSTS = { ...FILLING, longWindowUs: 100_000 };

it.each([
  ['off', { lossy: IN_TIME, reliable: IN_TIME }],
  ['tcp', { lossy: IN_TIME, reliable: IN_BURSTS }],
  ['all', { lossy: FILLING, reliable: IN_BURSTS }],
] as const)('over-buffering of %s', (overbuffer, expected) => {
  expect(pacingsOf({ ...SETTINGS, overbuffer } as RtspSettings)).toMatchObject(expected);
});
