/**
 * How a track is cut into segments, the runs of frames that packet plans are made of. Used by plan caches on
 * task threads and by whoever asks for plans. Rule: deterministic, so that all viewers of a track ask for the
 * same plans; a segment need not begin with a key frame.
 */
import type { FrameTable } from '@finch/core/stream/frame-table';

/** Bounds of a segment; a frame that is larger by itself still makes one. */
export interface SegmentBounds {
  /** Decode time from the first frame to the last, below this, in microseconds. */
  readonly maxDurationUs: number;
  readonly maxFrames: number;
  /** Bytes of all frames. */
  readonly maxBytes: number;
}

/** The bounds by kind of track. */
export const SEGMENT_BOUNDS: { readonly [Kind in 'video' | 'audio']: SegmentBounds } = {
  video: { maxDurationUs: 2_000_000, maxFrames: 256, maxBytes: 4 * 1024 * 1024 },
  audio: { maxDurationUs: 4_000_000, maxFrames: 512, maxBytes: 4 * 1024 * 1024 },
};

/** The segments of one track; computed once per frame table. Immutable. */
export class SegmentMap {
  /** Number of segments; 0 for a track without frames. */
  readonly length: number;
  readonly #firstFrames: Uint32Array;
  readonly #frameCount: number;

  private constructor(firstFrames: Uint32Array, frameCount: number) {
    this.#firstFrames = firstFrames;
    this.#frameCount = frameCount;
    this.length = firstFrames.length;
  }

  /** Cuts a track into segments; O(frames). */
  static of(frames: FrameTable, kind: 'video' | 'audio'): SegmentMap {
    const bounds = SEGMENT_BOUNDS[kind];
    const firstFrames: number[] = [];
    let bytes = 0;
    for (let frame = 0; frame < frames.length; frame += 1) {
      const first = firstFrames[firstFrames.length - 1];
      bytes += frames.sizes[frame]!;
      if (first !== undefined && fits(frames, first, frame, bytes, bounds)) continue;
      firstFrames.push(frame);
      bytes = frames.sizes[frame]!;
    }
    return new SegmentMap(Uint32Array.from(firstFrames), frames.length);
  }

  /** The segment that holds `frame`; -1 when the track has no such frame. */
  segmentOfFrame(frame: number): number {
    if (!(frame >= 0 && frame < this.#frameCount)) return -1;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#firstFrames[middle]! <= frame) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The first frame of a segment. RangeError for a segment that isn't there. */
  firstFrameOf(segment: number): number {
    const first = this.#firstFrames[segment];
    if (first === undefined) throw new RangeError(`segment must be 0..${this.length - 1}: ${segment}`);
    return first;
  }

  /** The number of frames of a segment, 1 or more. RangeError for a segment that isn't there. */
  frameCountOf(segment: number): number {
    return (this.#firstFrames[segment + 1] ?? this.#frameCount) - this.firstFrameOf(segment);
  }
}

function fits(
  frames: FrameTable,
  first: number,
  frame: number,
  bytes: number,
  bounds: SegmentBounds,
): boolean {
  const durationUs = frames.dtsUs[frame]! - frames.dtsUs[first]!;
  return durationUs < bounds.maxDurationUs && frame - first < bounds.maxFrames && bytes <= bounds.maxBytes;
}
