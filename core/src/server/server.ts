/**
 * The server: threads, listeners, and their start and stop in order. Made by the composition root, which knows the modules.
 * Rule: start() either serves or leaves nothing behind; stop() ends everything within its grace time. Thread: the main one.
 */
import { native } from '@finch/native';
import type { SocketAddress } from '../net/socket-address';
import { type ConnectionSink, TcpListener } from '../net/tcp-listener';
import { monotonicClock, NativePort, nativeIdleTimers } from '../reactor/native-port';
import { TaskThread } from '../reactor/task-thread';
import { LiveStatistics } from './live-statistics';
import type { Log } from './log';
import { Supervisor } from './supervisor';
import type { ModuleSpec, ThreadSnapshot } from './thread-messages';
import { ThreadPools } from './thread-pools';

const MAIN_THREAD = 0;
/** What sessions get to say farewell before their thread is terminated. */
const STOP_GRACE_MS = 1200;

/** An address and the service that answers there. */
export interface ListenerSpec {
  readonly service: string;
  readonly address: SocketAddress;
}

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
  /** A task that holds its thread for longer is named in the log. */
  readonly watchdogLimitMs: number;
  /** Between two log lines of live figures for each task thread; 0 for none. */
  readonly statisticsIntervalMs: number;
  readonly log: Log;
  /** A thread died. The server can't go on; the process should end and be started again. */
  readonly onCrash: (thread: string, error: Error) => void;
}

/** What is alive, for people and for leak tests. */
export interface ServerSnapshot {
  readonly threads: readonly ThreadSnapshot[];
  readonly connections: number;
  /** Descriptors in the event thread's care. */
  readonly contexts: number;
  /** Files that are mapped. */
  readonly files: number;
  readonly idleTimers: number;
}

/** One a process: the event thread and the idle-task thread are the process's. */
export class Server {
  readonly #options: ServerOptions;
  readonly #listeners: TcpListener[] = [];
  readonly #main: TaskThread;
  readonly #port: NativePort;
  #pools: ThreadPools | undefined;
  #statistics: LiveStatistics | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
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

  /** Where the server listens, in the order of the options; known after start(). */
  get addresses(): readonly SocketAddress[] {
    return this.#listeners.map(({ address }) => address);
  }

  /** Starts all threads, then listens. Throws ListenError when an address is taken, or what a module threw. */
  async start(): Promise<void> {
    const { options, pools } = { options: this.#options, pools: this.#startThreads() };
    try {
      await pools.ready();
      this.#statistics = LiveStatistics.start(pools.taskThreads, options.statisticsIntervalMs, options.log);
      new Supervisor(this.#main, pools.taskThreads, options.watchdogLimitMs * 1000, options.log);
      for (const { service, address } of options.listeners) {
        this.#listeners.push(
          new TcpListener(this.#main, address, this.#sinkFor(service, pools), options.log),
        );
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** What is alive now. */
  async inspect(): Promise<ServerSnapshot> {
    const threads = await Promise.all((this.#pools?.taskThreads ?? []).map((thread) => thread.inspect()));
    return {
      threads,
      connections: this.#pools?.connections ?? 0,
      contexts: native.contextCount(),
      files: native.fileCount(),
      idleTimers: native.idleTimerCount(),
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
      longRunLimitUs,
      log,
      onCrash,
    });
    return this.#pools;
  }

  #sinkFor(service: string, pools: ThreadPools): ConnectionSink {
    return {
      accepted: (fd, peer, isSurplus) => pools.leastLoaded().accept(service, fd, peer, isSurplus),
      isFull: () => pools.connections >= this.#options.maxConnections,
    };
  }
}
