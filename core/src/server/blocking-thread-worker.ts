/**
 * The entry of a blocking thread: answers jobs one after the other; each may wait on disk. Started by BlockingThreadPool.
 * Rule: a job that throws is answered with its error; the thread goes on.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { MediaError } from '../stream/media-error';
import { yieldThread } from './background-priority';
import type { BlockingAnswer, BlockingRequest } from './blocking-calls';
import { loadModules } from './load-modules';
import { MemoryBudget } from './memory-budget';
import type { BlockingThreadStart, FromWorker } from './thread-messages';
import { WorkerLog } from './worker-log';

type Answer = (argument: unknown, caller: number) => unknown;

const jobs = new Map<string, Answer>();
const stopHooks: (() => void)[] = [];

function answer(request: BlockingRequest, caller: number): BlockingAnswer {
  try {
    const job = jobs.get(request.job);
    if (job === undefined) throw new Error(`no module handles the job ${request.job}`);
    return { id: request.id, result: job(request.argument, caller) };
  } catch (error) {
    const mediaCode = error instanceof MediaError ? error.code : undefined;
    return { id: request.id, error: { message: messageOf(error), mediaCode } };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function serve(threadIndex: number, port: MessagePort): void {
  port.on('message', (request: BlockingRequest) => {
    try {
      port.postMessage(answer(request, threadIndex));
    } catch (error) {
      const message = `the result of ${request.job} can't be sent: ${messageOf(error)}`;
      port.postMessage({ id: request.id, error: { message } } satisfies BlockingAnswer);
    }
  });
}

const start = workerData as BlockingThreadStart;
const memory = new MemoryBudget(start.memory.limitBytes, start.memory.page);
const log = new WorkerLog(parentPort!, start.logLevel);
process.once('exit', () => log.flush());
loadModules(start.modules, (module, settings) => {
  module.onBlockingThread?.({
    settings,
    memory,
    log: log.of(module.name),
    handle: (job, handler) => jobs.set(job, handler as Answer),
    onStop: (stopping) => stopHooks.push(stopping),
  });
});
for (const { threadIndex, port } of start.callers) serve(threadIndex, port);
// The only message there is: the task threads have ended, and so their ports have closed.
parentPort!.once('message', () => {
  for (const stopping of stopHooks) stopping();
  for (const { port } of start.callers) port.close();
});
yieldThread(); // from now on: a server that starts has no viewers yet
log.flush();
parentPort!.postMessage({ kind: 'ready' } satisfies FromWorker);
