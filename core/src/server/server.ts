/**
 * The server: threads, listeners, and their start and stop in order. Made by the composition root, which knows the modules.
 * Rule: start() either serves or leaves nothing behind; stop() ends everything within its grace time. Thread: the main one.
 */
import { native } from '@finch/native';
import type { SocketAddress } from '../net/socket-address';
import { closeDescriptor } from '../net/tcp-connection';
import type { ConnectionSink, TcpListener } from '../net/tcp-listener';
import { monotonicClock, NativePort, nativeIdleTimers } from '../reactor/native-port';
import { TaskThread } from '../reactor/task-thread';
import type { ThreadStats } from '../reactor/thread-stats';
import { Admission, type AdmissionLimits, MAX_SURPLUS } from './admission';
import { type ListenerSpec, openListeners } from './listen-addresses';
import { LiveStatistics } from './live-statistics';
import type { Log, LogLevel } from './log';
import { connectionsByDescriptors } from './machine-limits';
import { MemoryBudget, type MemoryUse } from './memory-budget';
import { Supervisor } from './supervisor';
import type { ModuleSpec, ThreadSnapshot } from './thread-messages';
import { ThreadPools } from './thread-pools';

const MAIN_THREAD = 0;
/** What sessions get to say farewell before their thread is terminated. */
const STOP_GRACE_MS = 1200;

/** Surplus clients for each connection that there is a descriptor for: they use those that are kept for other things. */
const SURPLUS_SHARE = 1 / 16;

/** What a server is made of. Plain data but for the log and the crash handler. */
export interface ServerOptions {
  readonly listeners: readonly ListenerSpec[];
  readonly modules: readonly ModuleSpec[];
  /** 1..32 */
  readonly taskThreads: number;
  /** 1..32 */
  readonly blockingThreads: number;
  /** Each task thread stays on a processor of its own, of those that the process may use; else the kernel moves them. */
  readonly pinsTaskThreads?: boolean;
  readonly maxConnections: number;
  /** Of one client address; of one /64 where that is IPv6. */
  readonly maxConnectionsPerAddress: number;
  /** What clients may cost, in bytes. */
  readonly memoryBudgetBytes: number;
  /** A task that holds its thread for longer is named in the log. */
  readonly watchdogLimitMs: number;
  /** Between two log lines of live figures for each task thread; 0 for none. */
  readonly statisticsIntervalMs: number;
  readonly log: Log;
  /** Less urgent lines of the threads don't reach the log. */
  readonly logLevel: LogLevel;
  /** A thread died. The server can't go on; the process should end and be started again. */
  readonly onCrash: (thread: string, error: Error) => void;
}

/** What is alive, for people and for leak tests. */
export interface ServerSnapshot {
  readonly threads: readonly ThreadSnapshot[];
  readonly connections: number;
  /** Of these, those that were given away by one thread and not yet claimed by another: halves of tunnels that wait for the other. */
  readonly unclaimed: number;
  /** Descriptors in the event thread's care. */
  readonly contexts: number;
  /** Files that are mapped. */
  readonly files: number;
  readonly idleTimers: number;
  /** Bytes of the memory budget that are spent. */
  readonly memory: MemoryUse;
}

/** One a process: the event thread and the idle-task thread are the process's. */
export class Server {
  readonly #options: ServerOptions;
  readonly #listeners = new Map<string, readonly TcpListener[]>();
  readonly #main: TaskThread;
  readonly #port: NativePort;
  readonly #memory: MemoryBudget;
  readonly #admission: Admission;
  #pools: ThreadPools | undefined;
  #statistics: LiveStatistics | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#memory = new MemoryBudget(options.memoryBudgetBytes);
    this.#admission = new Admission(admissionLimits(options));
    this.#port = new NativePort(MAIN_THREAD, () => this.#main.turn());
    this.#main = new TaskThread({
      clock: monotonicClock,
      port: this.#port,
      idleTimers: nativeIdleTimers,
      onError: (task, error) =>
        options.log.error(
          `${task?.constructor.name ?? 'a flusher'} failed: ${error instanceof Error ? error.stack : error}`,
        ),
    });
  }

  /** Where the server listens for a service: all have one port. Known after start(); none for a service that is not served. */
  addressesOf(service: string): readonly SocketAddress[] {
    return (this.#listeners.get(service) ?? []).map(({ address }) => address);
  }

  /** Starts all threads, then listens. Throws ListenError when an address is taken, or what a module threw. */
  async start(): Promise<void> {
    const { options, pools } = { options: this.#options, pools: this.#startThreads() };
    try {
      await pools.ready();
      this.#statistics = LiveStatistics.start(pools, options.statisticsIntervalMs, options.log);
      new Supervisor(this.#main, pools.taskThreads, options.watchdogLimitMs * 1000, options.log);
      for (const spec of options.listeners) {
        const sink = this.#sinkFor(spec.service, pools);
        this.#listeners.set(
          spec.service,
          openListeners(spec, { thread: this.#main, sink, log: options.log }),
        );
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Figures of each task thread, which go on while they are read; none before start(). */
  get statistics(): readonly ThreadStats[] {
    return (this.#pools?.taskThreads ?? []).map(({ stats }) => stats);
  }

  /** What is alive now. */
  async inspect(): Promise<ServerSnapshot> {
    const threads = await Promise.all((this.#pools?.taskThreads ?? []).map((thread) => thread.inspect()));
    this.#pools?.takeEnds();
    return {
      threads,
      connections: this.#pools?.connections ?? 0,
      unclaimed: this.#pools?.unclaimed ?? 0,
      contexts: native.contextCount(),
      files: native.fileCount(),
      idleTimers: native.idleTimerCount(),
      memory: this.#memory.use,
    };
  }

  /** Stops listening, ends all sessions, then all threads. Returns what was left on each task thread: nothing, if all is well. */
  async stop(): Promise<readonly ThreadSnapshot[]> {
    this.#statistics?.stop();
    await this.#main.shutdown();
    const snapshots = (await this.#pools?.stop(STOP_GRACE_MS)) ?? [];
    native.idleThreadStop();
    native.eventThreadStop();
    this.#port.close();
    return snapshots;
  }

  #startThreads(): ThreadPools {
    const {
      taskThreads,
      blockingThreads,
      pinsTaskThreads = false,
      modules,
      watchdogLimitMs,
      log,
      logLevel,
      onCrash,
    } = this.#options;
    native.eventThreadStart();
    native.idleThreadStart();
    const longRunLimitUs = watchdogLimitMs * 1000;
    this.#pools = new ThreadPools({
      taskThreads,
      blockingThreads,
      pinsTaskThreads,
      modules,
      services: this.#options.listeners.map(({ service }) => service),
      longRunLimitUs,
      memory: this.#memory,
      log,
      logLevel,
      onClosed: (peer) => this.#admission.left(peer),
      onCrash,
    });
    return this.#pools;
  }

  #sinkFor(service: string, pools: ThreadPools): ConnectionSink {
    return {
      accepted: (fd, peer) => {
        pools.takeEnds();
        const verdict = this.#admission.arrived(peer, pools.connections);
        if (verdict === 'closed') closeDescriptor(fd);
        else pools.accept(service, fd, peer, verdict);
      },
    };
  }
}

/** What the options allow, or less where there are not so many descriptors. */
function admissionLimits({ maxConnections, maxConnectionsPerAddress, log }: ServerOptions): AdmissionLimits {
  const possible = connectionsByDescriptors();
  if (possible < maxConnections)
    log.warn(`descriptors for ${possible} connections, expected ${maxConnections}: raise "ulimit -n"`);
  return {
    maxConnections: Math.min(maxConnections, possible),
    maxConnectionsPerAddress,
    maxSurplus: Math.min(MAX_SURPLUS, Math.ceil(possible * SURPLUS_SHARE)),
  };
}
