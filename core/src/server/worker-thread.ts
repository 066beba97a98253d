/** One worker as the main thread sees it: started, ready, ended. Rule: a worker that dies takes the server's start with it. */
import { type TransferListItem, Worker } from 'node:worker_threads';
import type { Log } from './log';
import type { FromWorker } from './thread-messages';

/**
 * The data path allocates next to nothing, so a small young generation is enough; it is collected quickly, and the default
 * would cost each thread up to 48 MiB.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 8 };

/** A worker with a name for log lines. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;

  /**
   * Starts `entry` (a compiled file). `onMessage` hears what is no log line.
   * An error before it is ready rejects `ready`; a later one goes to `onCrash`.
   */
  constructor(
    readonly name: string,
    entry: string,
    workerData: unknown,
    transferList: TransferListItem[],
    log: Log,
    onMessage: (message: FromWorker) => void,
    onCrash: (error: Error) => void,
  ) {
    this.#worker = new Worker(entry, { name, workerData, transferList, resourceLimits: RESOURCE_LIMITS });
    this.ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    let isReady = false;
    this.ready = new Promise((resolve, reject) => {
      void this.ended.then(() => reject(new Error(`${name} ended before it was ready`)));
      this.#worker.on('error', (error) => {
        if (isReady) onCrash(error);
        else reject(error);
      });
      this.#worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') {
          isReady = true;
          onMessage(message);
          resolve();
        } else if (message.kind === 'log')
          for (const { level, message: text, fields } of message.lines) log[level](text, fields);
        else onMessage(message);
      });
    });
    this.ready.catch(() => {}); // whoever starts the worker hears of it; nobody may be listening yet
  }

  post(message: unknown): void {
    this.#worker.postMessage(message);
  }

  /** Ends the worker wherever it is. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
