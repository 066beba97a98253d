/**
 * Finds the ends of records in a stream of TLS, without keys: every record begins with its length in clear. Used by a TLS connection
 * for what it receives. Rule: whatever comes, each byte is passed on once and in order; a length that can't be is for TLS to refuse.
 * Spec: RFC 8446 §5.1, §5.2 (and RFC 5246 §6.2.1, whose header is the same). Thread: its connection's.
 */

/** Type, version (2 bytes), length (2 bytes). */
const HEADER_BYTES = 5;
const LENGTH_OFFSET = 3;

/** A place in a stream of records; see the head of this file. */
export class RecordEnds {
  #headerSeen = 0;
  #bodyLeft = 0;

  /** Whether the record of the last next() ended there. */
  get isAtEnd(): boolean {
    return this.#headerSeen === 0;
  }

  /** How many of `bytes`, which follow those of the calls before, belong to the record that is under way: at least one if there is any. */
  next(bytes: Uint8Array): number {
    let at = 0;
    for (; this.#headerSeen < HEADER_BYTES && at < bytes.length; at++, this.#headerSeen++)
      if (this.#headerSeen >= LENGTH_OFFSET) this.#bodyLeft = this.#bodyLeft * 256 + bytes[at]!;
    if (this.#headerSeen < HEADER_BYTES) return at;
    const taken = Math.min(this.#bodyLeft, bytes.length - at);
    this.#bodyLeft -= taken;
    if (this.#bodyLeft === 0) this.#headerSeen = 0;
    return at + taken;
  }
}
