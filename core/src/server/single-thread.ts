/**
 * The whole reactor on the JavaScript thread that makes it: for programs without a Server, such as examples and tools.
 * Rule: one a process, because the event thread and the idle-task thread are the process's; stop() ends them again.
 */
import { native } from '@finch/native';
import { PacketBatch } from '../net/packet-batch';
import { monotonicClock, NativePort, nativeIdleTimers } from '../reactor/native-port';
import type { Task } from '../reactor/task';
import { TaskThread } from '../reactor/task-thread';

/** The index that the thread gets when none is asked for. */
const FIRST_THREAD = 0;

/** A task thread with its port, its packet batch and the two native threads that serve it. */
export class SingleThread {
  readonly thread: TaskThread;
  /** Flushed at the end of every turn. */
  readonly batch = new PacketBatch();
  readonly #port: NativePort;

  /**
   * Starts the native threads and takes `threadIndex`, 0..63; throws when that is in use.
   * `onError` hears what tasks throw; by default it becomes an uncaught exception.
   */
  constructor(
    onError: (task: Task | undefined, error: unknown) => void = (_, error) => {
      throw error;
    },
    threadIndex = FIRST_THREAD,
  ) {
    this.#port = new NativePort(threadIndex, () => this.thread.turn());
    native.eventThreadStart();
    native.idleThreadStart();
    this.thread = new TaskThread({
      clock: monotonicClock,
      port: this.#port,
      idleTimers: nativeIdleTimers,
      onError,
    });
    this.thread.addFlusher(() => this.batch.flush());
  }

  /** Kills all tasks; resolves when they and all that served them are gone, and the process may end. */
  async stop(): Promise<void> {
    await this.thread.shutdown();
    this.batch.flush();
    this.batch.close();
    native.idleThreadStop();
    native.eventThreadStop();
    this.#port.close();
  }
}
