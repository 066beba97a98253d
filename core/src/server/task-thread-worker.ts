/**
 * The entry of a task thread: one worker with its scheduler, packet batch and modules. Started by TaskThreadPool.
 * Rule: everything a session owns lives on this thread; what crosses is signals, accepted descriptors and plain messages.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { native } from '@finch/native';
import type { ConnectionService, TaskThreadHost } from '../module/module';
import { RoleChain } from '../module/roles';
import { errnoName } from '../net/errno';
import { PacketBatch } from '../net/packet-batch';
import type { SocketAddress } from '../net/socket-address';
import { closeDescriptor } from '../net/tcp-connection';
import { TaskEvent } from '../reactor/events';
import { monotonicClock, NativePort, nativeIdleTimers } from '../reactor/native-port';
import type { Task } from '../reactor/task';
import { TaskThread } from '../reactor/task-thread';
import { ThreadStats } from '../reactor/thread-stats';
import { Arrivals, MAX_ARRIVALS_PER_RUN } from './arrivals';
import { BlockingCalls } from './blocking-calls';
import { ConnectionClaims } from './connection-claims';
import { type AcceptedConnection, AcceptedQueue, putEnded } from './connection-rows';
import { loadModules } from './load-modules';
import type { Log } from './log';
import { MemoryBudget } from './memory-budget';
import type { FromWorker, TaskThreadStart, ThreadSnapshot, ToTaskThread } from './thread-messages';
import { WorkerLog } from './worker-log';

const US_PER_MS = 1000;

class TaskThreadWorker {
  readonly #services = new Map<string, ConnectionService>();
  readonly #counts = new Map<string, () => number>();
  readonly #port: NativePort;
  readonly #batch: PacketBatch;
  readonly #blocking: BlockingCalls;
  readonly #thread: TaskThread;
  readonly #claims: ConnectionClaims;
  readonly #memory: MemoryBudget;
  readonly #lines: WorkerLog;
  readonly #log: Log;
  readonly #arrivals: Arrivals<AcceptedConnection>;

  constructor(readonly start: TaskThreadStart) {
    this.#claims = new ConnectionClaims(
      (message) => this.#post(message),
      (peer) => this.#connectionClosed(peer),
    );
    const stats = new ThreadStats(start.statsMemory);
    this.#lines = new WorkerLog(parentPort!, start.logLevel);
    this.#log = this.#lines.of('core');
    process.once('exit', () => this.#lines.flush());
    this.#memory = new MemoryBudget(start.memory.limitBytes, start.memory.page);
    this.#batch = new PacketBatch(new Float64Array(start.countersMemory));
    watchGarbageCollection(stats);
    if (start.processor !== null) this.#pin(start.processor);
    this.#port = new NativePort(start.threadIndex, () => this.#thread.turn());
    this.#blocking = new BlockingCalls(start.blockingPorts);
    this.#thread = new TaskThread({
      clock: monotonicClock,
      port: this.#port,
      idleTimers: nativeIdleTimers,
      stats,
      longRunLimitUs: start.longRunLimitUs,
      onError: (task, error) => this.#log.error(describeFailure(task, error)),
      onTaskClass: (classId, className, moduleName) =>
        this.#post({ kind: 'task-class', classId, className, moduleName }),
      onLongRun: (className, moduleName, heldUs) =>
        this.#log.warn(
          `${className} of module ${moduleName} held task thread ${start.threadIndex} for ${Math.round(heldUs / 1000)} ms`,
        ),
    });
    this.#thread.addFlusher(() => this.#batch.flush());
    const roles = new RoleChain();
    loadModules(start.modules, (module, settings) =>
      module.onTaskThread?.(this.#hostFor(module.name, settings, roles)),
    );
    this.#arrivals = new Arrivals(this.#thread, new AcceptedQueue(start.threadIndex, MAX_ARRIVALS_PER_RUN), {
      take: (arrival) => this.#accept(arrival),
      drop: (arrival) => this.#drop(arrival),
    });
    parentPort!.on('message', (message: ToTaskThread) => this.#receive(message));
    this.#lines.flush();
    this.#post({ kind: 'ready', arrivals: this.#arrivals.ref });
  }

  #pin(processor: number): void {
    const result = native.pinThread(processor);
    if (result < 0)
      this.#log.warn(
        `task thread ${this.start.threadIndex} is not kept on one processor: ${errnoName(result)}`,
      );
  }

  #hostFor(moduleName: string, settings: TaskThreadHost['settings'], roles: RoleChain): TaskThreadHost {
    return {
      thread: this.#thread,
      threadIndex: this.start.threadIndex,
      threadCount: this.start.threadCount,
      batch: this.#batch,
      roles,
      blocking: this.#blocking,
      settings,
      log: this.#lines.of(moduleName),
      serve: (name, service) => this.#services.set(name, service),
      memory: this.#memory,
      connectionClosed: (peer) => this.#connectionClosed(peer),
      claim: (key, take) => this.#claims.claim(`${moduleName} ${key}`, take),
      handOver: (key, connection) => this.#claims.handOver(`${moduleName} ${key}`, connection),
      count: (name, read) => this.#counts.set(name, read),
    };
  }

  #receive(message: ToTaskThread): void {
    switch (message.kind) {
      case 'delivered':
        this.#claims.delivered(message);
        break;
      case 'inspect':
        this.#post({ kind: 'snapshot', id: message.id, snapshot: this.#snapshot() });
        break;
      case 'stop':
        void this.#stop();
    }
  }

  #connectionClosed(peer: SocketAddress): void {
    putEnded(this.start.threadIndex, peer);
  }

  #drop({ fd, peer }: AcceptedConnection): void {
    closeDescriptor(fd);
    this.#connectionClosed(peer);
  }

  #accept(connection: AcceptedConnection): void {
    const name = this.start.services[connection.service] ?? '';
    const acceptor = this.#services.get(name);
    if (acceptor === undefined) {
      this.#drop(connection);
      this.#log.error(`a connection for the service "${name}" was closed: no module serves it`);
      return;
    }
    try {
      acceptor.accept(connection.fd, connection.peer, connection.refusal);
    } catch (error) {
      // The others who wait are taken in all the same; whose the descriptor is by now, nobody knows.
      this.#log.error(`the service "${name}" failed to take a connection in: ${describe(error)}`);
    }
  }

  // In this order: nobody is taken in any more, sessions say farewell, every task ends, then what they stood on goes.
  async #stop(): Promise<void> {
    this.#arrivals.signal(TaskEvent.kill);
    await Promise.all([...this.#services.values()].map((service) => service.stop()));
    await this.#thread.shutdown();
    this.#batch.flush();
    // Whoever asked for what is still being done there has gone, and nobody waits for it any more.
    this.#blocking.close();
    this.#lines.flush();
    this.#post({ kind: 'stopped', snapshot: this.#snapshot() });
    this.#batch.close();
    this.#port.close();
    parentPort!.close();
  }

  #snapshot(): ThreadSnapshot {
    const tasks: Record<string, number> = {};
    for (const { className } of this.#thread.tasks()) tasks[className] = (tasks[className] ?? 0) + 1;
    const counts: Record<string, number> = { 'blocking calls': this.#blocking.pending };
    for (const [name, read] of this.#counts) counts[name] = read();
    return { threadIndex: this.start.threadIndex, tasks, counts };
  }

  #post(message: FromWorker): void {
    parentPort!.postMessage(message);
  }
}

/** Counts this thread's garbage collections in its statistics. */
function watchGarbageCollection(stats: ThreadStats): void {
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) stats.countGcPause(duration * US_PER_MS);
  }).observe({ entryTypes: ['gc'] });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** One log entry for what a task threw. */
function describeFailure(task: Task | undefined, error: unknown): string {
  const what = describe(error);
  return task === undefined
    ? `a flusher failed: ${what}`
    : `${task.constructor.name} failed and was ended: ${what}`;
}

new TaskThreadWorker(workerData as TaskThreadStart);
