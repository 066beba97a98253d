/**
 * Where a viewer is who sees the key frames of one track only, forward or backward. Made by the file provider for a seek in
 * such an order. Rule: what it gives is at least the order's spacing apart, so that a movie of key frames alone is no flood.
 */
import type { Frame, FrameTable, PullOrder } from '@finch/core';

/** A position among the key frames of one track; see the head of this file. */
export class KeyFrameCursor {
  readonly #frames: FrameTable;
  readonly #step: number;
  readonly #spacingUs: number;
  #place: number;

  /** `track` is the number that pulled frames carry, `place` the first key frame's among the table's key frames. */
  constructor(
    readonly track: number,
    frames: FrameTable,
    place: number,
    { isReverse, spacingUs }: PullOrder,
  ) {
    this.#frames = frames;
    this.#place = place;
    this.#step = isReverse ? -1 : 1;
    this.#spacingUs = spacingUs;
  }

  /** The frame that pull() gives next; -1 at the end. */
  get nextFrame(): number {
    return this.#frames.keyFrames[this.#place] ?? -1;
  }

  /** Fills in the next key frame; false at the end. */
  pull(into: Frame): boolean {
    const frame = this.nextFrame;
    if (frame < 0) return false;
    into.track = this.track;
    into.index = frame;
    into.frames = this.#frames;
    do this.#place += this.#step;
    while (this.nextFrame >= 0 && this.#isNear(into.dtsUs));
    return true;
  }

  #isNear(lastUs: number): boolean {
    return Math.abs(this.#frames.dtsUs[this.nextFrame]! - lastUs) < this.#spacingUs;
  }
}
