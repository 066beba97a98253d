/**
 * The parser of one RTSP connection: chunks in, messages out, in the order of the stream. Owned by the connection.
 * Rule: what is not understood is an error, and after an error nothing more is read, since the place of the next
 * message is unknown. Spec: RFC 2326 §4-§7, §10.12.
 */
import { isUint8Array } from 'node:util/types';
import { ByteCursor } from './byte-cursor';
import { CR, DOLLAR, isTokenByte, LF } from './characters';
import { bodyBytesOf } from './content-length';
import { HeadBuilder } from './head-builder';
import { type ParserLimits, resolveLimits } from './parser-limits';
import type { RtspHeaders } from './rtsp-headers';
import type { InterleavedFrame, RtspMessage } from './rtsp-message';
import { RtspParseError } from './rtsp-parse-error';
import type { RequestLine, StatusLine } from './start-line';

/** Bytes before the payload of an interleaved frame. */
const FRAME_HEADER_BYTES = 4;

type Phase = 'boundary' | 'frame-header' | 'frame-payload' | 'head' | 'body';

/**
 * Parses requests, responses and interleaved frames from chunks of any size, in linear time.
 * Use: `parser.feed(chunk); while ((message = parser.read()) !== null) …`.
 * Owner: bodies and payloads that lie in one chunk are views into it. Once `read` has returned null the parser holds
 * none of the chunk, so that its memory can be used again, by all connections of a thread.
 * Errors: RtspParseError from `read`; then the parser is dead and `feed` and `read` throw the same error until `reset`.
 */
export class RtspStreamParser {
  readonly #limits: ParserLimits;
  readonly #cursor = new ByteCursor();
  #phase: Phase = 'boundary';
  #drained = true;
  #error: RtspParseError | null = null;
  #head: HeadBuilder | null = null;
  #channel = 0;
  /** Size of the body or the payload that is being taken. */
  #pieceBytes = 0;
  /** Bytes of the unfinished message that are parsed: lines of the head, or the header of the frame. */
  #parsedBytes = 0;
  /** Length of the run of blank lines before the next message. */
  #blankBytes = 0;

  /** Makes a parser at the start of a stream. Errors: RangeError naming a limit out of range. */
  constructor(limits: Partial<ParserLimits> = {}) {
    this.#limits = resolveLimits(limits);
  }

  /**
   * Counts the bytes of the unfinished message: 0 between two messages, else at most `maxHeaderBytes` plus
   * `maxBodyBytes`, or four plus `maxFrameBytes`. The fed chunk does not count.
   */
  get bufferedBytes(): number {
    return this.#parsedBytes + this.#cursor.gatheredBytes;
  }

  /**
   * Returns the CSeq of the request whose head or body has begun, as it came, for the answer to who never ends it; undefined
   * between messages, in a frame or response, and before that header has come (RFC 2326 §12.17).
   */
  get unfinishedCSeq(): string | undefined {
    return this.#head?.startLine.kind === 'request' ? this.#head.cseq : undefined;
  }

  /**
   * Gives the parser the next bytes of the stream, any number of them. Nothing is parsed or copied yet.
   * Errors: TypeError for a `chunk` that is no Uint8Array, or before `read` has returned null for the one before.
   */
  feed(chunk: Uint8Array): void {
    if (this.#error !== null) throw this.#error;
    if (!isUint8Array(chunk)) throw new TypeError('chunk: expected a Uint8Array');
    if (!this.#drained) throw new TypeError('chunk: fed before read() had returned null for the one before');
    this.#cursor.feed(chunk);
    this.#drained = false;
  }

  /** Returns the next message, or null when the chunk is used up. Errors: RtspParseError. */
  read(): RtspMessage | null {
    if (this.#error !== null) throw this.#error;
    if (this.#drained) return null;
    try {
      const message = this.#next();
      if (message === null) this.#drain();
      return message;
    } catch (error) {
      if (error instanceof RtspParseError) error.cseq = this.unfinishedCSeq;
      this.reset();
      if (error instanceof RtspParseError) this.#error = error;
      throw error;
    }
  }

  /**
   * Takes the bytes of the chunk that have not been read, a view into it: the next byte fed comes after them. For a stream
   * that goes on as another protocol, above all behind an HTTP request, whose body is never read.
   * Errors: TypeError within a message; RtspParseError as `read`.
   */
  takeRest(): Uint8Array {
    if (this.#error !== null) throw this.#error;
    if (this.#phase !== 'boundary') throw new TypeError('takeRest: expected the place between two messages');
    const rest = this.#cursor.rest();
    this.#drain();
    return rest;
  }

  /** Forgets everything, the error included: the next byte fed starts a new stream. */
  reset(): void {
    this.#cursor.release(false);
    this.#drained = true;
    this.#error = null;
    this.#blankBytes = 0;
    this.#finishMessage();
  }

  #drain(): void {
    this.#cursor.release(true);
    this.#drained = true;
  }

  #finishMessage(): void {
    this.#phase = 'boundary';
    this.#head = null;
    this.#parsedBytes = 0;
  }

  /** Goes through the phases of one message, from where the chunk before ended. */
  #next(): RtspMessage | null {
    if (this.#phase === 'boundary' && !this.#openMessage()) return null;
    if (this.#phase === 'frame-header' && !this.#readFrameHeader()) return null;
    if (this.#phase === 'frame-payload') return this.#readFramePayload();
    if (this.#phase === 'head' && !this.#readHead()) return null;
    return this.#readBody();
  }

  /** Skips blank lines (RFC 2326 §4) and tells by the first byte what follows. */
  #openMessage(): boolean {
    let byte = this.#cursor.peek();
    while (byte === CR || byte === LF) {
      this.#blankBytes += 1;
      if (this.#blankBytes > this.#limits.maxHeaderBytes) {
        const message = `blank lines: more than ${this.#limits.maxHeaderBytes} bytes between messages`;
        throw new RtspParseError('header-too-large', message);
      }
      this.#cursor.skip();
      byte = this.#cursor.peek();
    }
    if (byte < 0) return false;
    this.#blankBytes = 0;
    this.#phase = byte === DOLLAR ? 'frame-header' : 'head';
    if (this.#phase === 'frame-header' || isTokenByte(byte)) return true;
    const found = byte.toString(16).padStart(2, '0');
    throw new RtspParseError(
      'bad-start-line',
      `start line: found 0x${found}, expected a method, a version or $`,
    );
  }

  /**
   * Hot path: one call per RTCP packet of the client (RFC 2326 §10.12).
   *
   *      0                   1                   2                   3
   *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
   *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   *     |   "$" = 0x24  |    channel    |        payload bytes          |
   *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   */
  #readFrameHeader(): boolean {
    const header = this.#cursor.takeUint32();
    if (header < 0) return false;
    const payloadBytes = header & 0xffff;
    if (payloadBytes > this.#limits.maxFrameBytes) {
      const message = `interleaved frame: found ${payloadBytes} bytes, expected 0..${this.#limits.maxFrameBytes}`;
      throw new RtspParseError('frame-too-large', message);
    }
    this.#channel = (header >>> 16) & 0xff;
    this.#pieceBytes = payloadBytes;
    this.#parsedBytes = FRAME_HEADER_BYTES;
    this.#phase = 'frame-payload';
    return true;
  }

  /** Hot path. */
  #readFramePayload(): InterleavedFrame | null {
    const payload = this.#cursor.take(this.#pieceBytes);
    if (payload === null) return null;
    this.#finishMessage();
    return { kind: 'frame', channel: this.#channel, payload };
  }

  /** Parses the lines that have arrived, each as soon as it is complete; tells whether the empty line was one of them. */
  #readHead(): boolean {
    const { maxHeaderBytes, maxHeaderCount } = this.#limits;
    for (;;) {
      const code = this.#head === null ? 'bad-start-line' : 'bad-header';
      const line = this.#cursor.takeLine(maxHeaderBytes - this.#parsedBytes, code);
      if (line === null) return false;
      this.#parsedBytes += this.#cursor.lineBytes;
      if (this.#head === null) this.#head = new HeadBuilder(line, maxHeaderCount);
      else if (line !== '') this.#head.addLine(line);
      else return this.#finishHead(this.#head);
    }
  }

  #finishHead(head: HeadBuilder): true {
    head.finish();
    this.#pieceBytes = bodyBytesOf(head.startLine, head.headers, this.#limits.maxBodyBytes);
    this.#phase = 'body';
    return true;
  }

  #readBody(): RtspMessage | null {
    const head = this.#head;
    if (head === null) return null;
    const body = this.#cursor.take(this.#pieceBytes);
    if (body === null) return null;
    this.#finishMessage();
    return messageOf(head.startLine, head.headers, body);
  }
}

// Property by property: what is copied by `...` and then added to is of a shape that the engine looks up each time.
function messageOf(line: RequestLine | StatusLine, headers: RtspHeaders, body: Uint8Array): RtspMessage {
  const { kind, version } = line;
  if (kind === 'request') return { kind, method: line.method, url: line.url, version, headers, body };
  return { kind, version, statusCode: line.statusCode, reasonPhrase: line.reasonPhrase, headers, body };
}
