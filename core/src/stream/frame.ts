/** One access unit on its way from a provider to a consumer. Rule: the reader owns it and hands it in to be filled again. */

/** The decode time of a frame that nothing has been pulled into. Not finite, so that V8 keeps the field as a double. */
export const NOTHING_PULLED_US = Number.NEGATIVE_INFINITY;

/** An access unit on its way; see the head of this file. */
export class Frame {
  /** Place of its track among those that were bound. */
  track = 0;
  /** Row of the track's frame table. */
  index = 0;
  /** Decode time in microseconds on the presentation's timeline. */
  dtsUs = NOTHING_PULLED_US;
}
