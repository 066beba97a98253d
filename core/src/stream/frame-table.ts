/**
 * The index of one track of a file: where each frame lies and when it is due. Made once by a container on a blocking
 * thread, read by providers and packetizers on every task thread. Rule: immutable once sealed; it lives in one
 * SharedArrayBuffer, so passing it to another thread costs nothing and frees nothing.
 */

/** The immutable columns of a track's frames in decode order; row i is frame i. */
export class FrameTable {
  /** Number of frames. */
  readonly length: number;
  /** Byte offset of each frame in the file, 0..2^53-1. */
  readonly offsets: Float64Array;
  /** Bytes of each frame, 0..2^31-1. */
  readonly sizes: Uint32Array;
  /** Decode time in microseconds on the presentation's timeline, non-decreasing; may start below 0. */
  readonly dtsUs: Float64Array;
  /** Presentation time in ticks of the track's RTP clock on the presentation's timeline; may be below 0. */
  readonly ptsTicks: Float64Array;
  /** The frames that decoding can start at, ascending; frame 0 alone when the container names none. */
  readonly keyFrames: Uint32Array;

  private constructor(
    readonly memory: SharedArrayBuffer,
    length: number,
    keyFrameCount: number,
  ) {
    this.length = length;
    this.offsets = new Float64Array(memory, 0, length);
    this.dtsUs = new Float64Array(memory, length * 8, length);
    this.ptsTicks = new Float64Array(memory, length * 16, length);
    this.sizes = new Uint32Array(memory, length * 24, length);
    this.keyFrames = new Uint32Array(memory, length * 28, keyFrameCount);
  }

  /** Allocates a table to be filled by its maker. RangeError when a count is not a whole number of 0 or more. */
  static allocate(length: number, keyFrameCount: number): FrameTable {
    if (!Number.isSafeInteger(length) || length < 0)
      throw new RangeError(`length must be 0 or more: ${length}`);
    if (!Number.isSafeInteger(keyFrameCount) || keyFrameCount < 0)
      throw new RangeError(`keyFrameCount must be 0 or more: ${keyFrameCount}`);
    return new FrameTable(new SharedArrayBuffer(length * 28 + keyFrameCount * 4), length, keyFrameCount);
  }

  /** The same table in another thread, from the `memory` and the counts that were sent there. */
  static attach(shared: SharedFrameTable): FrameTable {
    return new FrameTable(shared.memory, shared.length, shared.keyFrameCount);
  }

  /** What to send to another thread. */
  share(): SharedFrameTable {
    return { memory: this.memory, length: this.length, keyFrameCount: this.keyFrames.length };
  }

  /** The last key frame at or before `frame`, or the first key frame where there is none before; 0 in an empty table. */
  keyFrameAtOrBefore(frame: number): number {
    const place = lastAtOrBelow(this.keyFrames, frame);
    return this.keyFrames[Math.max(place, 0)] ?? 0;
  }

  /** The first key frame at or after `frame`; -1 when there is none. */
  keyFrameAtOrAfter(frame: number): number {
    return this.keyFrames[lastAtOrBelow(this.keyFrames, frame - 1) + 1] ?? -1;
  }

  /** The last frame with a decode time at or before `timeUs`; 0 when all are later. */
  frameAtOrBefore(timeUs: number): number {
    return Math.max(lastAtOrBelow(this.dtsUs, timeUs), 0);
  }
}

/** A table on its way to another thread; FrameTable.attach() makes a table of it again. */
export interface SharedFrameTable {
  readonly memory: SharedArrayBuffer;
  readonly length: number;
  readonly keyFrameCount: number;
}

/** The index of the last value at or below `limit` in an ascending column; -1 when there is none. */
function lastAtOrBelow(column: Float64Array | Uint32Array, limit: number): number {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (column[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
