/**
 * The log of a worker: lines go to the main thread, which owns the real one. Rule: never on the data path; a line that nobody
 * will see stays where it is.
 */
import type { MessagePort } from 'node:worker_threads';
import { LOG_LEVELS, type Log, type LogLevel } from './log';
import type { FromWorker } from './thread-messages';

const unseen = (): void => {};

/** Makes a log that posts its lines to the main thread, down to those of `level`; every line carries `area`. */
export function workerLog(port: MessagePort, area: string, level: LogLevel): Log {
  const write = (of: LogLevel): Log[LogLevel] =>
    LOG_LEVELS.indexOf(of) > LOG_LEVELS.indexOf(level)
      ? unseen
      : (message, fields) =>
          port.postMessage({
            kind: 'log',
            level: of,
            message,
            fields: { area, ...fields },
          } satisfies FromWorker);
  return { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
}
