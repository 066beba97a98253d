/** One access unit on its way from a provider to a consumer. The reader owns it and hands it in to be filled again. */
export class Frame {
  /** Place of its track among those that were bound. */
  track = 0;
  /** Row of the track's frame table. */
  index = 0;
  /** Decode time in microseconds on the presentation's timeline. */
  dtsUs = 0;
}
