/** A movie for plan caches: a minute of sound in fifteen segments, in a file of nothing. */
import { presentationOf } from '../../modules/file-vod/made-up-presentation';

const SECONDS = 60;
const UNITS_PER_SECOND = 50;

/** A presentation with one track. */
export const minuteOfSound = presentationOf([
  {
    kind: 'audio',
    clockRateHz: 48_000,
    dtsUs: Array.from({ length: SECONDS * UNITS_PER_SECOND }, (_, i) => (i * 1e6) / UNITS_PER_SECOND),
  },
]);
