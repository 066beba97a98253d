/**
 * The two grammars most headers share: lists split by a separator outside of quoted strings, and `name=value`
 * parameters. Called by the header parsers of this folder. Rule: linear in the length of the value, and
 * bounded in the number of items. Spec: RFC 2326 §15.1, RFC 2068 §2.1 (#rule), §2.2 (token, quoted-string).
 */

import { headerError, type RtspErrorCode } from '../errors';

/** Bounds the items (alternatives, parameters, options) of one list; real requests have fewer than ten. */
export const MAX_LIST_ITEMS = 64;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Holds one parameter of a header. */
export interface Parameter {
  /** In lower case. */
  readonly name: string;
  /** Without its quotes; undefined when there is no `=`. */
  readonly value: string | undefined;
}

/** Tells whether `text` is a token: visible ASCII without separators (RFC 2068 §2.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * Splits a header value at `separator`, leaving quoted strings whole; items are trimmed and empty ones
 * dropped.
 * Errors: RtspError `code` (400 unless the header has its own) naming `header`, on an open quote or more than
 * MAX_LIST_ITEMS items.
 */
export function splitList(
  header: string,
  value: string,
  separator: ',' | ';',
  code: RtspErrorCode = 'badRequest',
): string[] {
  const items: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i <= value.length; i++) {
    const char = value[i];
    if (isQuoted && char === '\\') i++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (i === value.length || (!isQuoted && char === separator)) {
      const item = value.slice(start, i).trim();
      if (item !== '') items.push(item);
      start = i + 1;
    }
  }
  if (isQuoted) throw headerError(code, header, value, 'a closing quote');
  if (items.length > MAX_LIST_ITEMS)
    throw headerError(code, header, value, `at most ${MAX_LIST_ITEMS} items`);
  return items;
}

/**
 * Splits `name=value` or `name`; the value loses its quotes and backslashes, whitespace around `=` is
 * dropped.
 */
export function splitParameter(item: string): Parameter {
  const equals = item.indexOf('=');
  if (equals < 0) return { name: item.trim().toLowerCase(), value: undefined };
  return { name: item.slice(0, equals).trim().toLowerCase(), value: unquote(item.slice(equals + 1).trim()) };
}

function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text.slice(1, -1).replace(/\\(.)/gs, '$1');
}

/**
 * Parses a comma-separated list of tokens; empty when the value is empty.
 * Errors: RtspError 400 naming `header` when an item is no token.
 */
export function parseTokenList(header: string, value: string): string[] {
  const tokens = splitList(header, value, ',');
  for (const token of tokens) if (!isToken(token)) throw headerError('badRequest', header, token, 'a token');
  return tokens;
}

/** Formats a comma-separated list of tokens. TypeError naming `argument` when an item is no token. */
export function formatTokenList(argument: string, tokens: readonly string[]): string {
  for (const token of tokens)
    if (!isToken(token)) throw new TypeError(`${argument} must hold tokens: ${token}`);
  return tokens.join(', ');
}
