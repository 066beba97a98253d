/**
 * The log: one line per entry on stderr, written by the main thread (winston). Worker threads send LogEntry objects here.
 * Rule: an entry stays one line and carries no secret, whatever a client put into it.
 */

import { Writable } from 'node:stream';
import { types } from 'node:util';
import { LOG_LEVELS, type LogLevel } from '@finch/core';
import { createLogger, format, transports } from 'winston';

/** Are an entry's facts by name; `area` says which part of the server speaks (`rtsp`, `native`). */
export type LogFields = Readonly<Record<string, unknown>>;

/** Is an entry as it crosses threads: plain data, safe for structured clone if the fields are. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: LogFields;
}

/** Writes entries of one level each. Thread: main; a call formats and writes at once, so nothing per packet is logged. */
export type Log = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>>;

/** Longer entries are cut, so that a client's endless header can't flood the disk. */
const MAX_LINE_CHARS = 4096;

/** Matches the user part of a URL. Starts at `://` and stops at `/`, so it takes linear time on hostile text. */
const URL_USER_INFO = /:\/\/[^\s/?#]*@/g;
const AUTHORIZATION_HEADER = /(authorization:\s*)[^\r\n]*/gi;
const SECRET_FIELD = /^(.*password|.*secret|.*token|(proxy-)?authorization)$/i;
const HIDDEN = '***';
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * Creates the log; entries below `level` cost a comparison.
 * `output` is stderr unless given (tests), so that stdout has only what was asked for: help, version, the banner.
 */
export function createLog(level: LogLevel, output: Writable = stderrOutput()): Log {
  const logger = createLogger({
    level,
    levels: Object.fromEntries(LOG_LEVELS.map((name, priority) => [name, priority])),
    format: format.printf((info) => formatLine(info.level, String(info.message), info.fields)),
    transports: [new transports.Stream({ stream: output, eol: '\n' })],
  });
  const writerOf = (name: LogLevel) => (message: string, fields?: LogFields) => {
    logger.log({ level: name, message, fields });
  };
  return Object.freeze({
    error: writerOf('error'),
    warn: writerOf('warn'),
    info: writerOf('info'),
    debug: writerOf('debug'),
  });
}

/** Hides what a log must not keep: the user part of every URL and the value of every Authorization header. */
export function redact(text: string): string {
  return text.replace(URL_USER_INFO, `://${HIDDEN}@`).replace(AUTHORIZATION_HEADER, `$1${HIDDEN}`);
}

/** Shape: `2026-01-31T12:00:00.000Z info  [rtsp] message key=value key="two words"`. */
function formatLine(level: string, message: string, fields: unknown): string {
  const { area, ...facts } = isFields(fields) ? fields : {};
  const parts = [new Date().toISOString(), level.padEnd(5)];
  if (area !== undefined) parts.push(`[${formatValue(area)}]`);
  parts.push(onOneLine(redact(message)));
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) parts.push(`${name}=${SECRET_FIELD.test(name) ? HIDDEN : formatValue(value)}`);
  }
  const line = parts.join(' ');
  return line.length > MAX_LINE_CHARS ? `${line.slice(0, MAX_LINE_CHARS)}…` : line;
}

function isFields(value: unknown): value is LogFields {
  return typeof value === 'object' && value !== null;
}

function formatValue(value: unknown): string {
  const text = redact(describeValue(value));
  return /^[^\s"=[\]]+$/.test(text) ? onOneLine(text) : onOneLine(quote(text));
}

function describeValue(value: unknown): string {
  if (types.isNativeError(value)) return value.message;
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return JSON.stringify(value, hideSecretFields);
  } catch (error) {
    return `unprintable (${types.isNativeError(error) ? error.message : 'unknown'})`; // a cycle or a BigInt
  }
}

function hideSecretFields(name: string, value: unknown): unknown {
  if (SECRET_FIELD.test(name)) return HIDDEN;
  return types.isNativeError(value) ? value.message : value;
}

function quote(text: string): string {
  return `"${text.replaceAll('"', "'")}"`;
}

function onOneLine(text: string): string {
  return text.replace(CONTROL_CHARACTERS, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\r') return '\\r';
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** Wraps stderr, which must never be ended; winston ends the stream it is given when the logger closes. */
function stderrOutput(): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      process.stderr.write(line);
      done();
    },
  });
}
