/**
 * The character classes of the grammar. Used by the parsers, which refuse what is outside of them, and by the writer,
 * which never sends it. Rule: loops only; a regular expression that trims can be made to take quadratic time.
 * Spec: RFC 2326 §15.1.
 */

/** Line feed. */
export const LF = 0x0a;
/** Carriage return. */
export const CR = 0x0d;
/** First byte of an interleaved frame (RFC 2326 §10.12). */
export const DOLLAR = 0x24;

const TAB = 0x09;
const SPACE = 0x20;
const DELETE = 0x7f;
const TOKEN_BYTES = tokenBytes();

function tokenBytes(): Uint8Array {
  const table = new Uint8Array(256);
  const marks = "!#$%&'*+-.^_`|~";
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  for (const character of `${marks}0123456789${letters}${letters.toUpperCase()}`) {
    table[character.charCodeAt(0)] = 1;
  }
  return table;
}

/** Tells whether a byte can be part of a method or of a header name: 1 or 0. */
export function isTokenByte(byte: number): boolean {
  return TOKEN_BYTES[byte] === 1;
}

/** Tells whether the text is a token: one character or more, no separator, no control character. */
export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (TOKEN_BYTES[text.charCodeAt(at)] !== 1) return false;
  }
  return text.length > 0;
}

/** Tells whether the character is linear white space: a space or a tab. */
export function isBlank(character: number): boolean {
  return character === SPACE || character === TAB;
}

/** Returns the text without the spaces and tabs at both ends. */
export function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

/** Returns the index of the first control character of a text, CR and LF included and the tab excepted; else -1. */
export function indexOfControl(text: string): number {
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if ((character < SPACE && character !== TAB) || character === DELETE) return at;
  }
  return -1;
}

/** Tells whether a byte is visible ASCII or a space. */
export function isPlainByte(byte: number): boolean {
  return byte >= SPACE && byte < DELETE;
}

/** Tells whether a byte is a control character other than tab, CR and LF. */
export function isControlByte(byte: number): boolean {
  return byte < SPACE ? byte !== TAB && byte !== CR && byte !== LF : byte === DELETE;
}
