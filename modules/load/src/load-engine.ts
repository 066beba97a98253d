/**
 * The reactor of the load generator: one task thread on this process's main thread, and the runs on it one after the
 * other. Made by the command and by benchmarks, in a process of their own. Rule: close() leaves nothing behind.
 */
import { lookup } from 'node:dns/promises';
import { monotonicClock, NativePort, PacketBatch, SocketAddress, TaskThread } from '@finch/core';
import { Figures } from './figures';
import type { LoadOptions } from './load-options';
import type { LoadReport } from './load-report';
import { LoadRun } from './load-run';
import { PortPairs } from './media-sockets';
import { ReceiveSet } from './receive-set';

const THREAD_INDEX = 0;
const DEFAULT_RTSP_PORT = 554;
const TURN_BUDGET_US = 20_000;

/** The engine; one a process. */
export class LoadEngine {
  readonly #port: NativePort;
  readonly #thread: TaskThread;
  readonly #batch = new PacketBatch();

  /** `onError` hears of exceptions: bugs of ours. */
  constructor(onError: (error: unknown) => void) {
    this.#port = new NativePort(THREAD_INDEX, () => this.#thread.turn());
    this.#thread = new TaskThread({
      clock: monotonicClock,
      port: this.#port,
      turnBudgetUs: TURN_BUDGET_US,
      onError: (_task, error) => onError(error),
    });
    this.#thread.addFlusher(() => this.#batch.flush());
  }

  /** Runs a load to its end. Throws Error when the URL is none, or its host has no address. One at a time. */
  async run(options: LoadOptions): Promise<LoadReport> {
    const server = await addressOf(options.url);
    const takesRuns = options.takesRuns || options.transport !== 'udp';
    const set = new ReceiveSet(this.#thread, takesRuns, options.napMs);
    const ports = new PortPairs();
    const world = { options, server, set, ports, batch: this.#batch, figures: new Figures() };
    try {
      return await new LoadRun(this.#thread, world).report;
    } finally {
      set.close();
    }
  }

  /** Ends what is still there. */
  async close(): Promise<void> {
    await this.#thread.shutdown();
    this.#batch.close();
    this.#port.close();
  }
}

/** The address that an RTSP URL names. Throws Error when it names none. */
export async function addressOf(url: string): Promise<SocketAddress> {
  const match = /^rtsp:\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?(?:\/|$)/i.exec(url);
  if (match === null) throw new Error(`not an RTSP URL: ${url}`);
  const host = match[1]!.replace(/^\[|\]$/g, '');
  const { address } = await lookup(host);
  return SocketAddress.of(address, Number(match[2] ?? DEFAULT_RTSP_PORT));
}
