/**
 * The entry of a blocking thread: answers jobs one after the other; each may wait on disk. Started by BlockingThreadPool.
 * Rule: a job that throws is answered with its error; the thread goes on.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { MediaError } from '../stream/media-error';
import type { BlockingAnswer, BlockingRequest } from './blocking-calls';
import { loadModules } from './load-modules';
import type { BlockingThreadStart, FromWorker } from './thread-messages';
import { workerLog } from './worker-log';

type Answer = (argument: unknown, caller: number) => unknown;

const jobs = new Map<string, Answer>();

function answer(request: BlockingRequest, caller: number): BlockingAnswer {
  try {
    const job = jobs.get(request.job);
    if (job === undefined) throw new Error(`no module handles the job ${request.job}`);
    return { id: request.id, result: job(request.argument, caller) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      id: request.id,
      error: { message, mediaCode: error instanceof MediaError ? error.code : undefined },
    };
  }
}

function serve(threadIndex: number, port: MessagePort): void {
  port.on('message', (request: BlockingRequest) => port.postMessage(answer(request, threadIndex)));
}

const start = workerData as BlockingThreadStart;
for (const { module, settings } of loadModules(start.modules)) {
  module.onBlockingThread?.({
    settings,
    log: workerLog(parentPort!, module.name),
    handle: (job, handler) => jobs.set(job, handler as Answer),
  });
}
for (const { threadIndex, port } of start.callers) serve(threadIndex, port);
parentPort!.postMessage({ kind: 'ready' } satisfies FromWorker);
