/**
 * Takes the bytes of one RTSP connection apart: interleaved frames are handed on where they lie, messages go through
 * rtsp-stream-parser. Used by links. Rule (hot path): a frame that lies whole in the chunk costs no copy and no object.
 * Spec: RFC 2326 §10.12.
 */
import { INTERLEAVED_HEADER_BYTES, type RtspMessage, RtspStreamParser } from 'rtsp-stream-parser';

const DOLLAR = 0x24;
const CR = 0x0d;
const LF = 0x0a;
const LOWER_C = 0x63;
const LOWER_CASE_BIT = 0x20;
const FIRST_PARTIAL_BYTES = 2048;

/** Hears what a connection brought; bytes are valid during the call only. */
export interface StreamEvents {
  frame(channel: number, bytes: Uint8Array, at: number, length: number, arrivalUs: number): void;
  /** A request or a response, never a frame. */
  message(message: RtspMessage): void;
}

/** The scanner of one connection. */
export class StreamScanner {
  readonly #events: StreamEvents;
  readonly #parser = new RtspStreamParser();
  /** The beginning of a frame whose end has not come; grows to the longest that was cut. */
  #partial: Uint8Array | null = null;
  #partialBytes = 0;
  #isInMessage = false;
  #isInBody = false;
  #lineHasText = false;
  /** Of the body that the head announced and that has not come. */
  #bodyBytes = 0;

  constructor(events: StreamEvents) {
    this.#events = events;
  }

  /** Takes the next bytes of the stream. Throws RtspParseError when they are no RTSP. Hot path. */
  take(bytes: Uint8Array, offset: number, length: number, arrivalUs: number): void {
    const end = offset + length;
    let at = offset;
    while (at < end) {
      if (this.#partialBytes > 0) at = this.#fillPartial(bytes, at, end, arrivalUs);
      else if (this.#isInMessage || bytes[at] !== DOLLAR) at = this.#takeText(bytes, at, end);
      else {
        const frameBytes = end - at < INTERLEAVED_HEADER_BYTES ? Infinity : frameSize(bytes, at);
        if (at + frameBytes > end) at = this.#fillPartial(bytes, at, end, arrivalUs);
        else {
          this.#tellFrame(bytes, at, frameBytes, arrivalUs);
          at += frameBytes;
        }
      }
    }
  }

  #tellFrame(bytes: Uint8Array, at: number, frameBytes: number, arrivalUs: number): void {
    const payloadBytes = frameBytes - INTERLEAVED_HEADER_BYTES;
    this.#events.frame(bytes[at + 1]!, bytes, at + INTERLEAVED_HEADER_BYTES, payloadBytes, arrivalUs);
  }

  #fillPartial(bytes: Uint8Array, at: number, end: number, arrivalUs: number): number {
    const partial = this.#partialOf(INTERLEAVED_HEADER_BYTES);
    let next = at;
    while (next < end && this.#partialBytes < INTERLEAVED_HEADER_BYTES)
      partial[this.#partialBytes++] = bytes[next++]!;
    if (this.#partialBytes < INTERLEAVED_HEADER_BYTES) return next;
    const frameBytes = frameSize(partial, 0);
    const whole = this.#partialOf(frameBytes);
    const count = Math.min(frameBytes - this.#partialBytes, end - next);
    whole.set(bytes.subarray(next, next + count), this.#partialBytes);
    this.#partialBytes += count;
    if (this.#partialBytes === frameBytes) {
      this.#partialBytes = 0;
      this.#tellFrame(whole, 0, frameBytes, arrivalUs);
    }
    return next + count;
  }

  #partialOf(sizeBytes: number): Uint8Array {
    const partial = this.#partial;
    if (partial !== null && partial.length >= sizeBytes) return partial;
    const grown = new Uint8Array(Math.max(sizeBytes, FIRST_PARTIAL_BYTES));
    if (partial !== null) grown.set(partial);
    this.#partial = grown;
    return grown;
  }

  // Line by line, then the body, so that the parser never gets what lies behind the message.
  #takeText(bytes: Uint8Array, at: number, end: number): number {
    const stop = this.#isInBody ? Math.min(at + Math.max(this.#bodyBytes, 1), end) : lineEnd(bytes, at, end);
    const piece = bytes.subarray(at, stop);
    this.#parser.feed(piece);
    const message = this.#parser.read();
    if (message !== null) {
      this.#isInMessage = this.#isInBody = this.#lineHasText = false;
      this.#bodyBytes = 0;
      this.#events.message(message);
      this.#parser.read();
      return stop;
    }
    this.#isInMessage = this.#parser.bufferedBytes > 0;
    if (this.#isInBody) this.#bodyBytes -= piece.length;
    else this.#noteLine(piece);
    return stop;
  }

  // A Content-Length that was cut in two is not seen; then the body goes to the parser byte by byte.
  #noteLine(piece: Uint8Array): void {
    if (piece.length > 2 || (piece[0] !== CR && piece[0] !== LF)) this.#lineHasText = true;
    if ((piece[0]! | LOWER_CASE_BIT) === LOWER_C) {
      const length = /^content-length\s*:\s*(\d+)\s*$/i.exec(Buffer.from(piece).toString('latin1'));
      if (length !== null) this.#bodyBytes = Number(length[1]);
    }
    if (piece[piece.length - 1] !== LF) return;
    this.#isInBody = this.#isInMessage && !this.#lineHasText;
    this.#lineHasText = false;
  }
}

function lineEnd(bytes: Uint8Array, at: number, end: number): number {
  const newLine = bytes.indexOf(LF, at);
  return newLine < 0 || newLine >= end ? end : newLine + 1;
}

function frameSize(bytes: Uint8Array, at: number): number {
  return INTERLEAVED_HEADER_BYTES + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
}
