/**
 * The base64 of RTSP tunnelled over HTTP: what a client sends in its POST. Owned by whoever reads the POST half.
 * Rule: clients pad each message for itself, so padding ends a group and not the stream; white space is passed over, and
 * anything else is an error. Spec: RFC 4648 §4, Apple's "Tunnelling RTSP and RTP through HTTP".
 */
import { RtspParseError } from './rtsp-parse-error';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** What a byte stands for: 0..63, or one of the two marks. */
const MEANINGS = new Uint8Array(256).fill(0xff);
const PADDING = 64;
const WHITE_SPACE = 65;
for (let value = 0; value < ALPHABET.length; value += 1) MEANINGS[ALPHABET.charCodeAt(value)] = value;
MEANINGS['='.charCodeAt(0)] = PADDING;
for (const character of '\r\n\t ') MEANINGS[character.charCodeAt(0)] = WHITE_SPACE;

/** Characters of a group, which stand for three bytes. */
const GROUP = 4;
const BITS = 6;

/** Decodes one POST, cut into chunks anywhere. Errors: RtspParseError `bad-base64`; then the stream is lost. */
export class TunnelDecoder {
  /** Characters of the current group so far, padding included. */
  #taken = 0;
  #isPadded = false;
  #bits = 0;

  /** Tells whether a group is unfinished. */
  get isWithinGroup(): boolean {
    return this.#taken > 0;
  }

  /**
   * Decodes a chunk in place, each byte as soon as its bits are there; returns how many bytes now stand at its begin.
   * Owner: `chunk` is the caller's; nothing of it is kept.
   */
  decode(chunk: Uint8Array): number {
    let length = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const meaning = MEANINGS[chunk[at]!]!;
      if (meaning === WHITE_SPACE) continue;
      if (meaning === PADDING) this.#pad();
      else if (meaning > WHITE_SPACE || this.#isPadded) throw unexpected(chunk[at]!);
      else if (this.#take(meaning)) chunk[length++] = (this.#bits >>> this.#leftBits()) & 0xff;
      if (this.#taken === GROUP) this.#endGroup();
    }
    return length;
  }

  /** Takes six bits; tells whether they complete a byte, as all but the first of a group do. */
  #take(value: number): boolean {
    this.#bits = (this.#bits << BITS) | value;
    this.#taken += 1;
    return this.#taken > 1;
  }

  /** Bits behind the last whole byte of the group. */
  #leftBits(): number {
    return (this.#taken * BITS) % 8;
  }

  #pad(): void {
    if (this.#taken < 2) throw unexpected('='.charCodeAt(0));
    this.#isPadded = true;
    this.#taken += 1;
  }

  #endGroup(): void {
    this.#taken = 0;
    this.#isPadded = false;
    this.#bits = 0;
  }
}

function unexpected(byte: number): RtspParseError {
  const found = byte.toString(16).padStart(2, '0');
  return new RtspParseError('bad-base64', `tunnel: found 0x${found}, expected base64 (RFC 4648 §4)`);
}
