/**
 * Public (what the server can do) and Allow (what this URL can do): lists of methods. Formatted by OPTIONS
 * and by the answers 405 and 455. Rule: both are derived from the method table. Spec: RFC 2326 §12.28, §12.4.
 */

import { formatTokenList, parseTokenList } from './parameter-list';

/** Parses a Public or Allow header to its methods in order. RtspError 400 when one is no token. */
export function parseMethodList(value: string): string[] {
  return parseTokenList('Public', value);
}

/** Formats methods for Public or Allow: `OPTIONS, DESCRIBE`. TypeError when one is no token. */
export function formatMethodList(methods: readonly string[]): string {
  return formatTokenList('methods', methods);
}
