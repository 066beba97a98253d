/**
 * The bytes of one connection, taken in pieces of known size or by lines. Owned by the parser.
 * Rule: a piece that lies in one chunk is a view into it; a piece that spans chunks is gathered once, into memory that
 * grows with what has arrived and never with what is announced; between two pieces no memory is held.
 */
import { Buffer } from 'node:buffer';
import { CR, isControlByte, isPlainByte, LF } from './characters';
import { decodeLine, type LineCode } from './line-text';
import { RtspParseError, URI_TOO_LARGE } from './rtsp-parse-error';

/** First size of the gathering memory, in bytes: one packet header or a short line. */
const MIN_GATHER_BYTES = 64;
/** Bytes of a chunk that are made a text at once: a head is shorter, mostly, and what follows it may be no text. */
const TEXT_BYTES = 1024;
const EMPTY: Uint8Array = new Uint8Array(0);

/** Reads from the current chunk and gathers unfinished pieces. The `take` methods return null or -1 for "not yet". */
export class ByteCursor {
  #chunk = EMPTY;
  #offset = 0;
  #gathered = EMPTY;
  #gatheredBytes = 0;
  /** The chunk from `#textFrom` on as Latin-1, a character a byte: lines are cut out of it. */
  #text = '';
  #textFrom = 0;
  #lineBytes = 0;
  /** Whether the line that was looked at last holds ASCII alone, and no CR but at its end. */
  #isPlain = true;

  /** Counts the bytes copied of the unfinished piece. */
  get gatheredBytes(): number {
    return this.#gatheredBytes;
  }

  /** Counts the bytes of the line that was taken last, its line end included. */
  get lineBytes(): number {
    return this.#lineBytes;
  }

  /** Makes a chunk the current one; the one before must have been taken wholly. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#offset = 0;
    this.#text = '';
  }

  /** Forgets the current chunk and, unless `keepGathered`, the unfinished piece. */
  release(keepGathered: boolean): void {
    this.#chunk = EMPTY;
    this.#offset = 0;
    this.#text = '';
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
   * Takes a line and returns it as text without its LF or CRLF, or returns null. Each byte is looked at once, however the line is
   * cut into chunks.
   * Errors: RtspParseError `header-too-large` for a line of more than `maxBytes`, `code` at a control byte, whichever comes first in
   * the stream, and as soon as it has arrived; `code` for a CR that no LF follows, at the end of the line.
   */
  takeLine(maxBytes: number, code: LineCode): string | null {
    const from = this.#offset;
    const at = this.#lineFeed(from + maxBytes - this.#gatheredBytes, code);
    const isWhole = at < this.#chunk.length;
    const end = isWhole ? at + 1 : at;
    if (isWhole && this.#gatheredBytes === 0) {
      this.#offset = end;
      this.#lineBytes = end - from;
      return this.#isPlain ? this.#plainText(from, at) : decodeLine(this.#chunk.subarray(from, end), code);
    }
    this.#gather(end, maxBytes);
    if (!isWhole) return null;
    const line = this.#finishGathered();
    this.#lineBytes = line.length;
    return decodeLine(line, code);
  }

  /** Finds the next LF, or the end of the chunk; `limit` is where the line is too long. */
  #lineFeed(limit: number, code: LineCode): number {
    const chunk = this.#chunk;
    this.#isPlain = true;
    for (let at = this.#offset; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (at >= limit) throw headTooLarge(code);
      if (isPlainByte(byte)) continue;
      if (byte === LF) return at;
      if (isControlByte(byte)) throw controlByte(byte, code);
      if (byte !== CR || chunk[at + 1] !== LF) this.#isPlain = false;
    }
    return chunk.length;
  }

  #plainText(from: number, lineFeed: number): string {
    const to = lineFeed > from && this.#chunk[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
    if (to - this.#textFrom > this.#text.length || this.#text === '') this.#decode(from, lineFeed);
    return this.#text.slice(from - this.#textFrom, to - this.#textFrom);
  }

  #decode(from: number, lineFeed: number): void {
    const { buffer, byteOffset, length } = this.#chunk;
    const sizeBytes = Math.max(lineFeed, Math.min(from + TEXT_BYTES, length)) - from;
    this.#text = Buffer.from(buffer, byteOffset + from, sizeBytes).toString('latin1');
    this.#textFrom = from;
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

function controlByte(byte: number, code: LineCode): RtspParseError {
  const found = byte.toString(16).padStart(2, '0');
  return new RtspParseError(code, `${placeOf(code)}: found the control byte 0x${found}, expected text`);
}

function placeOf(code: LineCode): string {
  return code === 'bad-start-line' ? 'start line' : 'header line';
}

function headTooLarge(code: LineCode): RtspParseError {
  const message = `${placeOf(code)}: goes beyond the limit of start line and headers`;
  const isStartLine = code === 'bad-start-line';
  return isStartLine
    ? new RtspParseError('header-too-large', message, URI_TOO_LARGE)
    : new RtspParseError('header-too-large', message);
}
