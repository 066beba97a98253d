/**
 * What a client sends on a WebSocket: frames, masked, of messages that may be cut anywhere; their payloads are one stream of bytes.
 * Owned by the connection. Rule: payloads pass as they come and no frame is kept but those that control, which are small; the first
 * frame that may not be ends the stream. Spec: RFC 6455 §5.
 */
import { isUtf8 } from 'node:buffer';
import {
  CloseCode,
  CODE_BYTES,
  closeCodeOf,
  FINAL_BIT,
  isSendableCode,
  LENGTH_IN_16_BITS,
  LENGTH_IN_64_BITS,
  MASKED_BIT,
  MAX_CONTROL_BYTES,
  MAX_LENGTH_OF_16_BITS,
  Opcode,
} from './websocket-frame';

/** The two bytes that say how many follow. */
const START_BYTES = 2;
const MASK_BYTES = 4;
/** With a length of 64 bits. */
const MAX_HEAD_BYTES = START_BYTES + 8 + MASK_BYTES;
const RESERVED_BITS = 0x70;
const OPCODE_MASK = 0x0f;
const LENGTH_MASK = 0x7f;
/** Of opcodes: the frame controls, and may stand between those of a message. */
const CONTROL_BIT = 0x08;

/** Why a stream has ended, and what the client is told in the close frame. */
export interface WebSocketEnd {
  readonly code: number;
  /** One line; empty when it was the client who ended it. */
  readonly reason: string;
}

/** Decodes the frames of one client; see the head of this file. */
export class WebSocketDecoder {
  /** Why nothing more is decoded; undefined while the stream goes on. */
  end: WebSocketEnd | undefined;
  readonly #onPing: (payload: Uint8Array) => void;
  readonly #head = new Uint8Array(MAX_HEAD_BYTES);
  readonly #control = new Uint8Array(MAX_CONTROL_BYTES);
  /** Of the current head: how many bytes have come, and how many it has as far as is known. */
  #headBytes = 0;
  #headSize = START_BYTES;
  #isWithinHead = true;
  #isWithinMessage = false;
  /** Of the current payload: bytes that are still to come, bytes that have come. */
  #leftBytes = 0;
  #takenBytes = 0;

  /** `onPing` gets what a ping says; valid during the call. */
  constructor(onPing: (payload: Uint8Array) => void) {
    this.#onPing = onPing;
  }

  /**
   * Decodes a chunk in place; returns how many bytes of the stream now stand at its begin. Owner: `chunk` is the caller's; nothing of
   * it is kept.
   */
  decode(chunk: Uint8Array): number {
    let length = 0;
    for (let at = 0; at < chunk.length && this.end === undefined; ) {
      if (this.#isWithinHead) {
        this.#takeOfHead(chunk[at++]!);
        continue;
      }
      const end = Math.min(chunk.length, at + this.#leftBytes);
      if (this.#isControl) this.#unmask(chunk, at, end, this.#control, this.#takenBytes);
      else length += this.#unmask(chunk, at, end, chunk, length);
      at = end;
      if (this.#leftBytes === 0) this.#endFrame();
    }
    return length;
  }

  get #opcode(): number {
    return this.#head[0]! & OPCODE_MASK;
  }

  get #isControl(): boolean {
    return (this.#opcode & CONTROL_BIT) !== 0;
  }

  #takeOfHead(byte: number): void {
    this.#head[this.#headBytes++] = byte;
    if (this.#headBytes === START_BYTES) this.#checkStart();
    else if (this.#headBytes === this.#headSize) this.#beginPayload();
  }

  #checkStart(): void {
    const opcode = this.#opcode;
    const length = this.#head[1]! & LENGTH_MASK;
    const isFinal = (this.#head[0]! & FINAL_BIT) !== 0;
    if ((this.#head[0]! & RESERVED_BITS) !== 0)
      this.#refuse('reserved bits', 'none: no extension was agreed on');
    else if ((this.#head[1]! & MASKED_BIT) === 0) this.#refuse('no mask', 'one');
    else if (opcode === Opcode.text) this.#refuse('text', 'binary data', CloseCode.unsupportedData);
    else if (this.#isControl) this.#checkControl(opcode, isFinal && length <= MAX_CONTROL_BYTES);
    else if (opcode > Opcode.binary) this.#refuse(`opcode ${opcode}`, 'binary data');
    else if (opcode === Opcode.binary && this.#isWithinMessage)
      this.#refuse('another message', 'the rest of the one that began');
    else if (opcode === Opcode.continuation && !this.#isWithinMessage)
      this.#refuse('the rest of a message', 'its begin');
    const lengthBytes = length === LENGTH_IN_64_BITS ? 8 : length === LENGTH_IN_16_BITS ? 2 : 0;
    this.#headSize = START_BYTES + lengthBytes + MASK_BYTES;
  }

  #checkControl(opcode: number, isSmall: boolean): void {
    if (opcode > Opcode.pong) this.#refuse(`opcode ${opcode}`, 'close, ping or pong');
    else if (!isSmall)
      this.#refuse('a large or divided control frame', `at most ${MAX_CONTROL_BYTES} bytes in one`);
  }

  #beginPayload(): void {
    this.#leftBytes = this.#payloadBytes();
    this.#takenBytes = 0;
    this.#isWithinHead = false;
    if (this.#leftBytes === 0) this.#endFrame();
  }

  /** What the head says; a length has one form only, the shortest (RFC 6455 §5.2). */
  #payloadBytes(): number {
    const head = new DataView(this.#head.buffer);
    const length = this.#head[1]! & LENGTH_MASK;
    if (length < LENGTH_IN_16_BITS) return length;
    const is64 = length === LENGTH_IN_64_BITS;
    const bytes = is64 ? head.getUint32(START_BYTES + 4) : head.getUint16(START_BYTES);
    const isTooBig = is64 && head.getUint32(START_BYTES) !== 0;
    if (isTooBig) this.#refuse('4 GiB or more', 'less', CloseCode.tooBig);
    else if (bytes <= (is64 ? MAX_LENGTH_OF_16_BITS : LENGTH_IN_16_BITS - 1))
      this.#refuse(`a length of ${bytes} in ${is64 ? 64 : 16} bits`, 'its shortest form');
    return bytes;
  }

  /** Puts what it takes off the mask at `to` of `into`, which may be the same memory; returns how many bytes that are. */
  #unmask(from: Uint8Array, begin: number, end: number, into: Uint8Array, to: number): number {
    const mask = this.#headSize - MASK_BYTES;
    for (let at = begin, place = to; at < end; at++)
      into[place++] = from[at]! ^ this.#head[mask + (this.#takenBytes++ & 3)]!;
    this.#leftBytes -= end - begin;
    return end - begin;
  }

  #endFrame(): void {
    const payload = this.#control.subarray(0, this.#takenBytes);
    if (this.#opcode === Opcode.ping) this.#onPing(payload);
    else if (this.#opcode === Opcode.close) this.#close(payload);
    else if (!this.#isControl) this.#isWithinMessage = (this.#head[0]! & FINAL_BIT) === 0;
    this.#isWithinHead = true;
    this.#headBytes = 0;
    this.#headSize = START_BYTES;
  }

  #close(payload: Uint8Array): void {
    const code = closeCodeOf(payload);
    if (code === undefined) this.#refuse('half a code', 'a code to close with');
    else if (!isSendableCode(code)) this.#refuse(`code ${code}`, 'one that a close frame may have');
    else if (!isUtf8(payload.subarray(CODE_BYTES)))
      this.#refuse('a reason that is no UTF-8', 'UTF-8', CloseCode.invalidData);
    else this.end = { code, reason: '' };
  }

  #refuse(found: string, expected: string, code: number = CloseCode.protocolError): void {
    this.end ??= { code, reason: `WebSocket frame: found ${found}, expected ${expected}` };
  }
}
