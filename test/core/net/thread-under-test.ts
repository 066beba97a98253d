/**
 * A task thread over the addon inside the test's own thread: real sockets, real signals, the test's event loop.
 * Rule: stop() ends it and expects that nothing was left.
 */
import { type Log, type LogLevel, type PacketBatch, SingleThread, Task, type TaskThread } from '@finch/core';
import type { StreamConnectionEvents } from '@finch/core/net/stream-connection';
import { native } from '@finch/native';
import { eventually } from '../../support/deadline';

const THREAD = 20;

export class ThreadUnderTest {
  readonly errors: unknown[] = [];
  readonly #single = new SingleThread((_, error) => this.errors.push(error), THREAD);

  get thread(): TaskThread {
    return this.#single.thread;
  }

  get batch(): PacketBatch {
    return this.#single.batch;
  }

  /** Ends all tasks; expects no errors, no contexts, no timers and no files. */
  async stop(): Promise<void> {
    await this.thread.shutdown();
    this.batch.close();
    await eventually(() => expect(native.contextCount()).toBe(0));
    expect({ timers: native.idleTimerCount(), files: native.fileCount(), errors: this.errors }).toEqual({
      timers: 0,
      files: 0,
      errors: [],
    });
    await this.#single.stop();
  }
}

/** A task that does what its function says, with the events it was given; kill ends it. */
export class FunctionTask extends Task {
  readonly #body: (events: number) => void;

  constructor(thread: TaskThread, body: (events: number) => void) {
    super(thread);
    this.#body = body;
  }

  run(events: number): number {
    if (events & 1) return -1;
    this.#body(events);
    return 0;
  }
}

/** Keeps what a connection tells, and lets it queue what `budgetBytes` allows. */
export class Heard implements StreamConnectionEvents {
  drains = 0;
  readonly breaks: number[] = [];
  readonly queuedBytes: number[] = [];
  budgetBytes = Infinity;
  onBroken: () => void = () => {};
  drained(): void {
    this.drains++;
  }
  holdQueued(sizeBytes: number): boolean {
    if (sizeBytes > this.budgetBytes) return false;
    this.queuedBytes.push(sizeBytes);
    return true;
  }
  broken(code: number): void {
    this.breaks.push(code);
    this.onBroken();
  }
}

/** A log that keeps its lines as "level: message". */
export function linesInto(lines: string[]): Log {
  const at = (level: LogLevel) => (message: string) => {
    lines.push(`${level}: ${message}`);
  };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}
