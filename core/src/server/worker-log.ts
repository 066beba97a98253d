/** The log of a worker: lines go to the main thread, which owns the real one. Rule: never on the data path. */
import type { MessagePort } from 'node:worker_threads';
import type { Log, LogLevel } from './log';
import type { FromWorker } from './thread-messages';

/** Makes a log that posts its lines to the main thread; every line carries `area`. */
export function workerLog(port: MessagePort, area: string): Log {
  const write =
    (level: LogLevel): Log[LogLevel] =>
    (message, fields) =>
      port.postMessage({ kind: 'log', level, message, fields: { area, ...fields } } satisfies FromWorker);
  return { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
}
