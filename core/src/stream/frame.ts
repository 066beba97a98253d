/** One access unit on its way from a provider to a consumer. Rule: the reader owns it and hands it in to be filled again. */
import { FrameTable } from './frame-table';

/** The table of a frame that nothing has been pulled into. */
const NOTHING_PULLED = FrameTable.allocate(1, 0);
NOTHING_PULLED.dtsUs[0] = Number.NEGATIVE_INFINITY;

/** An access unit on its way; see the head of this file. */
export class Frame {
  /** Place of its track among those that were bound. */
  track = 0;
  /** Row of the track's frame table. */
  index = 0;
  /** That table. */
  frames = NOTHING_PULLED;

  // Looked up, because all viewers of a movie share the table: a field would be an object of its own that each of them waits for.
  /** Decode time in microseconds on the presentation's timeline; -Infinity while nothing has been pulled. Hot path. */
  get dtsUs(): number {
    return this.frames.dtsUs[this.index]!;
  }
}
