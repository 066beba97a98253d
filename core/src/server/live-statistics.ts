/**
 * What each task thread did lately, as a log line now and then. Reads the statistics pages that the threads write; asks them
 * nothing. Made by the server. Rule: rates and percentiles are of the last interval, not since the start. Thread: the main one.
 */
import { BatchCounter } from '../net/packet-batch';
import { StatsField } from '../reactor/thread-stats';
import type { Log, LogFields } from './log';
import type { TaskThreadHandle, ThreadPools } from './thread-pools';

const MS_PER_S = 1000;
const US_PER_S = 1_000_000;

type StatisticsSource = Pick<ThreadPools, 'taskThreads' | 'takeEnds'>;

/** The figures of one thread when they were last told. */
interface Earlier {
  readonly stats: Float64Array;
  readonly counters: Float64Array;
}

/** Tells the figures of all task threads at an interval. */
export class LiveStatistics {
  readonly #pools: StatisticsSource;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  readonly #intervalS: number;
  #earlier: Earlier[];

  private constructor(pools: StatisticsSource, intervalMs: number, log: Log) {
    this.#pools = pools;
    this.#log = log;
    this.#intervalS = intervalMs / MS_PER_S;
    this.#earlier = pools.taskThreads.map(copyOf);
    this.#timer = setInterval(() => this.#tell(), intervalMs);
  }

  /** Begins to tell, unless `intervalMs` is 0. */
  static start(pools: StatisticsSource, intervalMs: number, log: Log): LiveStatistics | undefined {
    return intervalMs > 0 ? new LiveStatistics(pools, intervalMs, log) : undefined;
  }

  /** Ends it. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    const { taskThreads } = this.#pools;
    this.#pools.takeEnds();
    taskThreads.forEach((thread, i) => {
      this.#log.info(
        `task thread ${thread.threadIndex}`,
        figuresOf(thread, this.#earlier[i]!, this.#intervalS),
      );
    });
    this.#earlier = taskThreads.map(copyOf);
  }
}

function copyOf({ stats, counters }: TaskThreadHandle): Earlier {
  return { stats: stats.copy(), counters: new Float64Array(counters) };
}

/** The figures of a thread since `earlier`, `seconds` ago. */
export function figuresOf(thread: TaskThreadHandle, earlier: Earlier, seconds: number): LogFields {
  const { stats, counters, connections } = thread;
  const since = (field: number) => stats.read(field) - earlier.stats[field]!;
  const sent = (counter: number) => counters[counter]! - earlier.counters[counter]!;
  const perSecond = (count: number) => Math.round(count / seconds);
  const packets = sent(BatchCounter.packets);
  return {
    connections,
    tasks: stats.read(StatsField.tasks),
    queue: stats.read(StatsField.queueLength),
    'turns/s': perSecond(since(StatsField.turns)),
    'runs/s': perSecond(since(StatsField.runs)),
    'running %': round((since(StatsField.runTimeUs) / (seconds * US_PER_S)) * 100),
    'late p50 ms': round(stats.latenessPercentileUs(0.5, earlier.stats) / MS_PER_S),
    'late p99 ms': round(stats.latenessPercentileUs(0.99, earlier.stats) / MS_PER_S),
    'packets/s': perSecond(packets),
    'Mbit/s': round((sent(BatchCounter.bytes) * 8) / seconds / 1e6),
    'packets/call': round(packets / Math.max(sent(BatchCounter.systemCalls), 1)),
    'gc ms/s': round(since(StatsField.gcPauseUs) / seconds / MS_PER_S),
    'longest gc ms': round(stats.read(StatsField.longestGcPauseUs) / MS_PER_S),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
