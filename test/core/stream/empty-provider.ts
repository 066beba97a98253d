/** A provider that has no frames. */
import type { PullProvider } from '@finch/core';

/** Gives nothing, and is at its end from the start. */
export const emptyProvider: PullProvider = {
  pull: () => false,
  nextFrame: () => -1,
  skipTo: () => {},
  seek: (timeUs) => timeUs,
  startOf: (timeUs) => timeUs,
  reorder: () => {},
  canFollow: () => false,
  keyFrameFrom: () => -1,
  disconnected: () => {},
};
