/** What is wrong with the configuration. Thrown by everything in this folder, printed as one line by main. */

const MAX_QUOTED_CHARS = 80;

/**
 * Says in one line which flag, variable or file line is wrong, what was found there and what was expected.
 * The command prints `message` on stderr and exits with 1.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(
    readonly source: string,
    readonly found: string,
    readonly expected: string,
  ) {
    super(`${source}: found ${found}, expected ${expected}`);
  }
}

/** Quotes a text for a message: on one line, control characters escaped, at most 80 characters of it. */
export function quoteFound(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED_CHARS ? `${text.slice(0, MAX_QUOTED_CHARS)}…` : text);
}
