/**
 * A task thread's way to the blocking threads: jobs that may wait on disk, answered with a promise.
 * Called by modules, never per packet. Rule: jobs with the same key go to the same blocking thread, in order; so what one
 * job opened the next one finds, and two viewers who ask for one movie make one index. Thread: the task thread's.
 */
import type { MessagePort } from 'node:worker_threads';
import { MediaError, type MediaErrorCode } from '../stream/media-error';

/** What goes to a blocking thread. */
export interface BlockingRequest {
  readonly id: number;
  readonly job: string;
  readonly argument: unknown;
}

/** What comes back: one of the two. */
export interface BlockingAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly mediaCode?: MediaErrorCode | undefined };
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** The calls of one task thread; see the head of this file. */
export class BlockingCalls {
  readonly #ports: readonly MessagePort[];
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #isClosed = false;

  /** `ports`: one to each blocking thread. */
  constructor(ports: readonly MessagePort[]) {
    this.#ports = ports;
    for (const port of ports) port.on('message', (answer: BlockingAnswer) => this.#settle(answer));
  }

  /**
   * Runs a job. Rejects with MediaError when the job threw one, else with Error; with Error, too, after close().
   * Structured clones both ways: rejects with DataCloneError when `argument` can't be cloned.
   */
  call<Result>(job: string, key: string, argument: unknown): Promise<Result> {
    const id = this.#nextId++;
    return new Promise<Result>((resolve, reject) => {
      if (this.#isClosed) throw new Error('the server stops');
      this.#portOf(key).postMessage({ id, job, argument } satisfies BlockingRequest);
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
    });
  }

  /** Jobs without an answer so far. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Ends the ports; jobs without an answer are rejected. */
  close(): void {
    this.#isClosed = true;
    for (const port of this.#ports) port.close();
    for (const { reject } of this.#waiting.values()) reject(new Error('the server stops'));
    this.#waiting.clear();
  }

  #portOf(key: string): MessagePort {
    let hash = 0;
    for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) >>> 0;
    return this.#ports[hash % this.#ports.length]!;
  }

  #settle({ id, result, error }: BlockingAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else if (error.mediaCode === undefined) waiting?.reject(new Error(error.message));
    else waiting?.reject(new MediaError(error.mediaCode, error.message));
  }
}
