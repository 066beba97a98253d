/**
 * The bytes of one connection, taken in pieces of known size or by lines. Owned by the parser.
 * Rule: a piece that lies in one chunk is a view into it; a piece that spans chunks is gathered once, into memory that
 * grows with what has arrived and never with what is announced; between two pieces no memory is held.
 */
import { indexOfControlByte, LF } from './characters';
import { RtspParseError, URI_TOO_LARGE } from './rtsp-parse-error';

/** First size of the gathering memory, in bytes: one packet header or a short line. */
const MIN_GATHER_BYTES = 64;
const EMPTY: Uint8Array = new Uint8Array(0);

/** Reads from the current chunk and gathers unfinished pieces. The `take` methods return null or -1 for "not yet". */
export class ByteCursor {
  #chunk = EMPTY;
  #offset = 0;
  #gathered = EMPTY;
  #gatheredBytes = 0;

  /** Counts the bytes copied of the unfinished piece. */
  get gatheredBytes(): number {
    return this.#gatheredBytes;
  }

  /** Makes a chunk the current one; the one before must have been taken wholly. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** Forgets the current chunk and, unless `keepGathered`, the unfinished piece. */
  release(keepGathered: boolean): void {
    this.#chunk = EMPTY;
    this.#offset = 0;
    if (!keepGathered) this.#dropGathered();
  }

  /** Returns the next byte without taking it, or -1. Not to be called within a piece. */
  peek(): number {
    return this.#chunk[this.#offset] ?? -1;
  }

  /** Takes one byte that has been peeked. */
  skip(): void {
    this.#offset += 1;
  }

  /** Returns what is left of the chunk, a view into it. */
  rest(): Uint8Array {
    return this.#chunk.subarray(this.#offset);
  }

  /** Takes four bytes as a big-endian integer, or returns -1. */
  takeUint32(): number {
    const chunk = this.#chunk;
    const at = this.#offset;
    if (this.#gatheredBytes === 0 && chunk.length - at >= 4) {
      this.#offset = at + 4;
      return uint32At(chunk, at);
    }
    const piece = this.take(4);
    return piece === null ? -1 : uint32At(piece, 0);
  }

  /** Takes `sizeBytes` bytes, or returns null. Always a plain Uint8Array, also when chunks are Buffers. */
  take(sizeBytes: number): Uint8Array | null {
    // Not a view: an empty body would keep the whole chunk's memory alive.
    if (sizeBytes === 0) return EMPTY;
    const from = this.#offset;
    const missingBytes = sizeBytes - this.#gatheredBytes;
    const complete = this.#chunk.length - from >= missingBytes;
    if (complete && this.#gatheredBytes === 0) {
      this.#offset = from + sizeBytes;
      return new Uint8Array(this.#chunk.buffer, this.#chunk.byteOffset + from, sizeBytes);
    }
    this.#gather(complete ? from + missingBytes : this.#chunk.length, sizeBytes);
    return complete ? this.#finishGathered() : null;
  }

  /**
   * Takes a line with its LF, or returns null. Each byte is looked at once, however the line is cut into chunks.
   * Errors: RtspParseError `header-too-large` for a line of more than `maxBytes`, `controlCode` at a control byte;
   * whichever comes first in the stream, and as soon as it has arrived.
   */
  takeLine(maxBytes: number, controlCode: 'bad-start-line' | 'bad-header'): Uint8Array | null {
    const from = this.#offset;
    const lineFeed = this.#chunk.indexOf(LF, from);
    const end = lineFeed < 0 ? this.#chunk.length : lineFeed + 1;
    const allowedEnd = Math.min(end, from + maxBytes - this.#gatheredBytes);
    this.#refuseControlBytes(from, allowedEnd, controlCode);
    if (end > allowedEnd) throw headTooLarge(controlCode);
    if (lineFeed >= 0 && this.#gatheredBytes === 0) {
      this.#offset = end;
      return this.#chunk.subarray(from, end);
    }
    this.#gather(end, maxBytes);
    return lineFeed < 0 ? null : this.#finishGathered();
  }

  #refuseControlBytes(from: number, to: number, code: 'bad-start-line' | 'bad-header'): void {
    const at = indexOfControlByte(this.#chunk, from, to);
    if (at < 0) return;
    const found = (this.#chunk[at] ?? 0).toString(16).padStart(2, '0');
    throw new RtspParseError(code, `${placeOf(code)}: found the control byte 0x${found}, expected text`);
  }

  /** Copies the chunk up to `end` behind what has been gathered; the piece will have `maxBytes` at most. */
  #gather(end: number, maxBytes: number): void {
    const from = this.#offset;
    const neededBytes = this.#gatheredBytes + end - from;
    if (neededBytes > this.#gathered.length) this.#grow(neededBytes, maxBytes);
    this.#gathered.set(this.#chunk.subarray(from, end), this.#gatheredBytes);
    this.#gatheredBytes = neededBytes;
    this.#offset = end;
  }

  /** Doubles, so that copying stays linear; at most twice of what has arrived, so that a liar's length costs nothing. */
  #grow(neededBytes: number, maxBytes: number): void {
    const doubledBytes = Math.max(MIN_GATHER_BYTES, 2 * this.#gathered.length);
    const grown = new Uint8Array(Math.max(neededBytes, Math.min(maxBytes, doubledBytes)));
    grown.set(this.#gathered.subarray(0, this.#gatheredBytes));
    this.#gathered = grown;
  }

  /** Gives the gathered piece away; its memory belongs to whoever took it. */
  #finishGathered(): Uint8Array {
    const piece = this.#gathered.subarray(0, this.#gatheredBytes);
    this.#dropGathered();
    return piece;
  }

  #dropGathered(): void {
    this.#gathered = EMPTY;
    this.#gatheredBytes = 0;
  }
}

function uint32At(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return high * 0x10000 + low;
}

function placeOf(code: 'bad-start-line' | 'bad-header'): string {
  return code === 'bad-start-line' ? 'start line' : 'header line';
}

function headTooLarge(code: 'bad-start-line' | 'bad-header'): RtspParseError {
  const message = `${placeOf(code)}: goes beyond the limit of start line and headers`;
  const isStartLine = code === 'bad-start-line';
  return isStartLine
    ? new RtspParseError('header-too-large', message, URI_TOO_LARGE)
    : new RtspParseError('header-too-large', message);
}
