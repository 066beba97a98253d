/** Makes small files in memory and the frame tables that go with them. Used by the tests of @finch/rtp. */
import { FrameTable } from '@finch/core/stream/frame-table';
import { type FrameBytes, WindowedReader } from '@finch/rtp/windowed-reader';

export interface MadeUpFrame {
  readonly bytes: Uint8Array;
  /** Foreign bytes in front of the frame. */
  readonly gapBytes?: number;
  readonly ptsTicks?: number;
}

export interface MadeUpMovie {
  readonly file: Uint8Array;
  readonly frames: FrameTable;
  /** Reads the file through a small window. */
  readonly source: FrameBytes;
}

/** Lays the frames out one behind the other; pts is `frameTicks` apart where a frame names none. */
export function movieOf(
  parts: readonly MadeUpFrame[],
  frameTicks: number,
  keyFrames: readonly number[] = [0],
): MadeUpMovie {
  const frames = FrameTable.allocate(parts.length, keyFrames.length);
  frames.keyFrames.set(keyFrames);
  const pieces: Uint8Array[] = [];
  let offset = 0;
  parts.forEach(({ bytes, gapBytes = 0, ptsTicks }, frame) => {
    pieces.push(new Uint8Array(gapBytes).fill(0xee), bytes);
    frames.offsets[frame] = offset + gapBytes;
    frames.sizes[frame] = bytes.length;
    frames.ptsTicks[frame] = ptsTicks ?? frame * frameTicks;
    frames.dtsUs[frame] = frame * 20_000;
    offset += gapBytes + bytes.length;
  });
  const file = Buffer.concat(pieces);
  return { file, frames, source: new WindowedReader(readerOf(file), file.length, 4096) };
}

/** Positioned reads of bytes in memory. */
export function readerOf(file: Uint8Array): (position: number, length: number) => Uint8Array {
  return (position, length) => file.subarray(position, position + length);
}

/** A NAL unit of `size` bytes with this header; its content differs from byte to byte. */
export function nalUnit(header: number, size: number, seed = 1): Uint8Array {
  const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 7 + seed * 31) & 0xff);
  if (size > 0) bytes[0] = header;
  return bytes;
}

/** An access unit as MP4 stores it: each NAL unit behind its length. */
export function lengthPrefixed(nalUnits: readonly Uint8Array[], lengthSizeBytes: 1 | 2 | 4 = 4): Uint8Array {
  return Buffer.concat(
    nalUnits.flatMap((nal) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(nal.length);
      return [length.subarray(4 - lengthSizeBytes), nal];
    }),
  );
}
