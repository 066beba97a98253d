/**
 * The task threads and the blocking threads, and the ports between them. Made by the server.
 * Rule: a new connection goes to the task thread with the fewest; it stays where it went, unless its task hands it over.
 * Thread: the main one.
 */
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { native } from '@finch/native';
import type { Refusal } from '../module/module';
import { BATCH_COUNTERS } from '../net/packet-batch';
import { SocketAddress } from '../net/socket-address';
import { TaskEvent } from '../reactor/events';
import { NO_TASK, type TaskRef } from '../reactor/task-ref';
import { ThreadStats } from '../reactor/thread-stats';
import { type AcceptedConnection, EndedQueue, putAccepted } from './connection-rows';
import type { Log, LogLevel } from './log';
import type { MemoryBudget } from './memory-budget';
import { Rendezvous } from './rendezvous';
import type {
  BlockingThreadStart,
  FromWorker,
  ModuleSpec,
  TaskThreadStart,
  ThreadSnapshot,
  ToTaskThread,
} from './thread-messages';
import { WorkerThread } from './worker-thread';

/** Task threads are numbered from 1; the main thread is 0. */
const FIRST_TASK_THREAD = 1;
/** What a blocking thread gets to finish its job and give back its files. */
const BLOCKING_GRACE_MS = 300;

/** What the pools are made of. */
export interface PoolOptions {
  readonly taskThreads: number;
  readonly blockingThreads: number;
  /** Each task thread stays on a processor of its own. */
  readonly pinsTaskThreads: boolean;
  readonly modules: readonly ModuleSpec[];
  /** What connections are accepted for. */
  readonly services: readonly string[];
  readonly longRunLimitUs: number;
  readonly memory: MemoryBudget;
  readonly log: Log;
  /** Less urgent lines of the threads stay there. */
  readonly logLevel: LogLevel;
  /** A connection has ended, wherever it was. */
  readonly onClosed: (peer: SocketAddress) => void;
  /** A worker died: the server can't go on. */
  readonly onCrash: (thread: string, error: Error) => void;
}

/** One task thread as the main thread sees it. */
export class TaskThreadHandle {
  readonly stats: ThreadStats;
  /** What the thread's packet batch has sent, indexed by BatchCounter. */
  readonly counters = new Float64Array(new SharedArrayBuffer(BATCH_COUNTERS * 8));
  /** Names of the task classes seen on the thread, by their id in its statistics. */
  readonly classNames = new Map<number, string>();
  /** Connections given to it, those left out whose ends ThreadPools.takeEnds() has heard of. */
  connections = 0;
  worker!: WorkerThread;
  #arrivals: TaskRef = NO_TASK;
  readonly #snapshots = new Map<number, (snapshot: ThreadSnapshot) => void>();
  readonly stopped: Promise<ThreadSnapshot>;
  #stopped!: (snapshot: ThreadSnapshot) => void;
  #nextSnapshot = 1;
  #hasEnded = false;

  constructor(readonly threadIndex: number) {
    this.stats = new ThreadStats();
    this.stopped = new Promise((resolve) => {
      this.#stopped = resolve;
    });
  }

  accept(connection: AcceptedConnection): void {
    this.connections++;
    putAccepted(this.threadIndex, connection);
    native.signalTask(this.#arrivals, TaskEvent.update);
  }

  /** Asks what lives on the thread: nothing, when it has ended. */
  inspect(): Promise<ThreadSnapshot> {
    if (this.#hasEnded) return Promise.resolve(this.#nothing());
    const id = this.#nextSnapshot++;
    return new Promise((resolve) => {
      this.#snapshots.set(id, resolve);
      this.post({ kind: 'inspect', id });
    });
  }

  /** Answers those who still wait for a snapshot. */
  ended(): void {
    this.#hasEnded = true;
    for (const resolve of this.#snapshots.values()) resolve(this.#nothing());
    this.#snapshots.clear();
  }

  #nothing(): ThreadSnapshot {
    return { threadIndex: this.threadIndex, tasks: {}, counts: {} };
  }

  post(message: ToTaskThread): void {
    this.worker.post(message);
  }

  receive(message: FromWorker): void {
    if (message.kind === 'ready') this.#arrivals = message.arrivals ?? NO_TASK;
    else if (message.kind === 'task-class')
      this.classNames.set(message.classId, `${message.className} of module ${message.moduleName}`);
    else if (message.kind === 'stopped') this.#stopped(message.snapshot);
    else if (message.kind === 'snapshot') {
      this.#snapshots.get(message.id)?.(message.snapshot);
      this.#snapshots.delete(message.id);
    }
  }
}

/** All workers of a server; see the head of this file. */
export class ThreadPools {
  readonly taskThreads: readonly TaskThreadHandle[];
  readonly #blocking: WorkerThread[] = [];
  readonly #ended = new EndedQueue();
  readonly #rendezvous: Rendezvous;

  constructor(readonly options: PoolOptions) {
    const { logLevel } = options;
    const memory = { limitBytes: options.memory.limitBytes, page: options.memory.page };
    this.#rendezvous = new Rendezvous((peer) => this.#closed(peer));
    this.taskThreads = Array.from(
      { length: options.taskThreads },
      (_, i) => new TaskThreadHandle(FIRST_TASK_THREAD + i),
    );
    const channels = this.taskThreads.map(() =>
      Array.from({ length: options.blockingThreads }, () => new MessageChannel()),
    );
    for (let i = 0; i < options.blockingThreads; i++) {
      const callers = this.taskThreads.map(({ threadIndex }, j) => ({
        threadIndex,
        port: channels[j]![i]!.port2,
      }));
      const data: BlockingThreadStart = { modules: options.modules, callers, memory, logLevel };
      this.#blocking.push(
        this.#startWorker(
          `blocking thread ${i + 1}`,
          'blocking-thread-worker',
          data,
          callers.map(({ port }) => port),
          () => {},
        ),
      );
    }
    this.taskThreads.forEach((handle, j) => {
      const blockingPorts = channels[j]!.map(({ port1 }) => port1);
      const data: TaskThreadStart = {
        threadIndex: handle.threadIndex,
        threadCount: this.taskThreads.length,
        statsMemory: handle.stats.page.buffer,
        countersMemory: handle.counters.buffer,
        modules: options.modules,
        services: options.services,
        blockingPorts,
        longRunLimitUs: options.longRunLimitUs,
        memory,
        logLevel,
        processor: options.pinsTaskThreads ? j : null,
      };
      handle.worker = this.#startWorker(
        `task thread ${handle.threadIndex}`,
        'task-thread-worker',
        data,
        blockingPorts,
        (message) => this.#receive(handle, message),
      );
      void handle.worker.ended.then(() => handle.ended());
    });
  }

  /** Resolves when every thread serves; rejects with the error of the first that can't. */
  async ready(): Promise<void> {
    await Promise.all([
      ...this.taskThreads.map(({ worker }) => worker.ready),
      ...this.#blocking.map(({ ready }) => ready),
    ]);
  }

  /** Gives an accepted connection to the task thread with the fewest. `service` is one of the options' list. */
  accept(service: string, fd: number, peer: SocketAddress, refusal: Refusal | undefined): void {
    this.#leastLoaded().accept({ service: this.options.services.indexOf(service), fd, peer, refusal });
  }

  #leastLoaded(): TaskThreadHandle {
    return this.taskThreads.reduce((least, thread) =>
      thread.connections < least.connections ? thread : least,
    );
  }

  /** Takes note of the connections that have ended until now; before that they count. */
  takeEnds(): void {
    this.#ended.take((threadIndex, peer) => {
      this.taskThreads[threadIndex - FIRST_TASK_THREAD]!.connections--;
      this.options.onClosed(peer);
    });
  }

  /** Connections of all threads. */
  get connections(): number {
    return this.taskThreads.reduce((sum, thread) => sum + thread.connections, this.unclaimed);
  }

  /** Connections that one thread has given away and no other has claimed so far. */
  get unclaimed(): number {
    return this.#rendezvous.waiting;
  }

  /** Ends all threads in good order; those that have not ended after `graceMs` are terminated. Returns what was left on each. */
  async stop(graceMs: number): Promise<ThreadSnapshot[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), graceMs);
    });
    this.#rendezvous.close(); // nothing is delivered to a thread that stops
    for (const thread of this.taskThreads) thread.post({ kind: 'stop' });
    const snapshots = await Promise.all(
      // A thread that died, or never came to life, has nothing to say.
      this.taskThreads.map(({ stopped, worker }) => Promise.race([stopped, worker.ended, late])),
    );
    clearTimeout(timer);
    this.taskThreads.forEach(({ worker }, i) => {
      if (snapshots[i] === null)
        this.options.log.warn(`${worker.name} did not stop in ${graceMs} ms: terminated`);
    });
    await Promise.all(this.taskThreads.map(({ worker }) => worker.terminate()));
    await this.#stopBlocking();
    return snapshots.filter((snapshot) => snapshot !== null && snapshot !== undefined);
  }

  #closed(peer: Uint32Array): void {
    this.options.onClosed(SocketAddress.fromWords(peer));
  }

  #receive(thread: TaskThreadHandle, message: FromWorker): void {
    if (message.kind === 'handed-over') this.#rendezvous.handOver(thread, message);
    else if (message.kind === 'claim') this.#rendezvous.claim(thread, message.key, message.id);
    else if (message.kind === 'claim-ended') this.#rendezvous.claimEnded(thread, message.key, message.id);
    else thread.receive(message);
  }

  // After the task threads, so that nobody asks for anything any more. One that waits on a disk is not waited for.
  async #stopBlocking(): Promise<void> {
    for (const worker of this.#blocking) worker.post({ kind: 'stop' });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, BLOCKING_GRACE_MS);
    });
    await Promise.race([Promise.all(this.#blocking.map(({ ended }) => ended)), late]);
    clearTimeout(timer);
    await Promise.all(this.#blocking.map((worker) => worker.terminate()));
  }

  #startWorker(
    name: string,
    entry: string,
    data: unknown,
    ports: import('node:worker_threads').MessagePort[],
    onMessage: (message: FromWorker) => void,
  ): WorkerThread {
    const path = join(__dirname, `${entry}.js`);
    return new WorkerThread(name, path, data, ports, this.options.log, onMessage, (error) =>
      this.options.onCrash(name, error),
    );
  }
}
