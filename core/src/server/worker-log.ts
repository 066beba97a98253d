/**
 * The log of a worker: lines go to the main thread, which owns the real one, many of them in one message. Rule: never on the
 * data path; lines arrive in order, a line that nobody will see stays where it is, and what is urgent waits for nothing.
 */
import type { MessagePort } from 'node:worker_threads';
import { LOG_LEVELS, type Log, type LogFields, type LogLevel } from './log';
import type { FromWorker, LogLine } from './thread-messages';

/**
 * How long a line waits for others, in milliseconds: every message wakes the main thread, in the way of newcomers. The log
 * writes the time when a line arrives there, so that is how exact its times are.
 */
const GATHER_MS = 50;
/** Lines that wait at most. */
const MAX_GATHERED = 256;

const unseen = (): void => {};

/** The lines of one worker on their way to the main thread; see the head of this file. */
export class WorkerLog {
  readonly #port: MessagePort;
  readonly #level: LogLevel;
  #lines: LogLine[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** Lines less urgent than `level` are dropped. Who ends the thread calls flush() before. */
  constructor(port: MessagePort, level: LogLevel) {
    this.#port = port;
    this.#level = level;
  }

  /** Makes a log whose lines all carry `area`. */
  of(area: string): Log {
    const write = (level: LogLevel): Log[LogLevel] =>
      LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.#level)
        ? unseen
        : (message, fields) => this.#add(level, message, { area, ...fields });
    return { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
  }

  /** Sends what waits, now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0) return;
    this.#port.postMessage({ kind: 'log', lines: this.#lines } satisfies FromWorker);
    this.#lines = [];
  }

  #add(level: LogLevel, message: string, fields: LogFields): void {
    this.#lines.push({ level, message, fields });
    const isUrgent = level === 'error' || level === 'warn';
    if (isUrgent || this.#lines.length >= MAX_GATHERED) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS).unref();
  }
}
