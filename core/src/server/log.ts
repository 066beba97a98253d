/** What every part writes its log lines to; the composition root decides where they go. Never on the data path. */

/** Extra facts of a log line: flat values only, no secrets, no URLs with credentials. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Four levels, one line each. Any thread. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** The name of a level. */
export type LogLevel = keyof Log;

/** The levels, most urgent first. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const satisfies readonly LogLevel[];
