/**
 * File bytes for packetizers: small reads near each other, served out of one large positioned read. Used on a
 * blocking thread, where a read may wait on disk. Rule: memory is bounded by one chunk, whatever the file
 * says.
 */

/** Bounds one positioned read, in bytes. */
export const MAX_CHUNK_BYTES = 1024 * 1024;

/** Gives packetizers the bytes of frames. */
export interface FrameBytes {
  /**
   * Returns `length` bytes from `offset` on, fewer when the file ends before; valid until the next call.
   * `length` is 0..1 MiB.
   */
  read(offset: number, length: number): Uint8Array;
}

/**
 * Reads at a position of a file: `length` bytes, fewer only where the file ends. Throws what the file system
 * throws.
 */
export type ReadAt = (position: number, length: number) => Uint8Array;

/** Serves reads from a window of at most 1 MiB that moves over the file. */
export class WindowedReader implements FrameBytes {
  readonly #readAt: ReadAt;
  readonly #endBytes: number;
  readonly #chunkBytes: number;
  #window: Uint8Array = new Uint8Array(0);
  #windowOffset = 0;

  /**
   * `endBytes` is where the run ends: read-ahead stops there. `chunkBytes` is 1..1 MiB.
   * RangeError for a chunk outside that range.
   */
  constructor(
    readAt: ReadAt,
    endBytes: number = Number.MAX_SAFE_INTEGER,
    chunkBytes: number = MAX_CHUNK_BYTES,
  ) {
    if (!Number.isInteger(chunkBytes) || chunkBytes < 1 || chunkBytes > MAX_CHUNK_BYTES)
      throw new RangeError(`chunkBytes must be 1..${MAX_CHUNK_BYTES}: ${chunkBytes}`);
    this.#readAt = readAt;
    this.#endBytes = endBytes;
    this.#chunkBytes = chunkBytes;
  }

  /** Serves one read; see FrameBytes. RangeError for an offset or a length outside its range. */
  read(offset: number, length: number): Uint8Array {
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw new RangeError(`offset must be 0 or more: ${offset}`);
    if (!Number.isInteger(length) || length < 0 || length > MAX_CHUNK_BYTES)
      throw new RangeError(`length must be 0..${MAX_CHUNK_BYTES}: ${length}`);
    if (!this.#holds(offset, length)) this.#moveTo(offset, length);
    const start = offset - this.#windowOffset;
    return this.#window.subarray(start, start + length);
  }

  #holds(offset: number, length: number): boolean {
    const start = offset - this.#windowOffset;
    return start >= 0 && start + length <= this.#window.length;
  }

  #moveTo(offset: number, length: number): void {
    const aheadBytes = Math.min(this.#chunkBytes, this.#endBytes - offset);
    this.#window = this.#readAt(offset, Math.max(length, aheadBytes));
    this.#windowOffset = offset;
  }
}
