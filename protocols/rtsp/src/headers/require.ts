/**
 * Require, Proxy-Require and Unsupported: the options a client cannot do without. Called for every request
 * before its method; a server treats both alike (RFC 2326 §12.27). Rule: an option nobody knows ends the request, and the answer names it. Spec: RFC 2326
 * §12.32, §12.43, §1.5.
 */

import { RtspError } from '../errors';
import { formatTokenList, parseTokenList } from './parameter-list';

/** Parses the option tags of Require in order, as spelled. RtspError 400 when one is no token. */
export function parseRequire(value: string): string[] {
  return parseTokenList('Require', value);
}

/** Formats option tags for Require or Unsupported. TypeError when one is no token. */
export function formatRequire(options: readonly string[]): string {
  return formatTokenList('options', options);
}

/**
 * Throws RtspError 551 with an Unsupported header when `value` (of Require or Proxy-Require, or undefined) names an
 * option that is not in `supported`; RtspError 400 when it is malformed. Tags are compared as spelled.
 */
export function checkRequire(value: string | undefined, supported: ReadonlySet<string>): void {
  if (value === undefined) return;
  const unsupported = parseRequire(value).filter((option) => !supported.has(option));
  if (unsupported.length === 0) return;
  const list = formatRequire(unsupported);
  throw new RtspError('optionNotSupported', `Require: found ${list}, expected ${listOf(supported)}`, {
    Unsupported: list,
  });
}

function listOf(options: ReadonlySet<string>): string {
  return options.size === 0 ? 'no option' : [...options].join(' or ');
}
