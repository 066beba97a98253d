/**
 * Accepted connections that wait for their task thread. Made by the thread when one comes, gone when none is left.
 * Rule: a crowd that connects at once is taken in by a few in each run, behind whoever waits for his turn; who comes when
 * the thread stops is dropped. Thread: its own.
 */
import { TaskEvent } from '../reactor/events';
import { AGAIN, DELETE } from '../reactor/run-result';
import { Task } from '../reactor/task';
import type { TaskThread } from '../reactor/task-thread';

/** Connections taken in by one run: each costs some 50 us, with the memory it makes. */
export const MAX_ARRIVALS_PER_RUN = 8;

/** What becomes of a connection that has arrived. One of the two is called, once, in the order of arrival. */
export interface ArrivalSink<Arrival> {
  take(arrival: Arrival): void;
  /** The thread stops. */
  drop(arrival: Arrival): void;
}

/** A task that takes connections in; kill drops those that wait. */
export class Arrivals<Arrival> extends Task {
  readonly #sink: ArrivalSink<Arrival>;
  readonly #waiting: Arrival[] = [];

  constructor(thread: TaskThread, sink: ArrivalSink<Arrival>) {
    super(thread, 'core');
    this.#sink = sink;
  }

  /** Has `arrival` taken in when it is its turn. TypeError when the task is gone. */
  add(arrival: Arrival): void {
    if (this.isDeleted) throw new TypeError('these arrivals are over');
    this.#waiting.push(arrival);
    this.signal(TaskEvent.update);
  }

  run(events: number): number {
    if (events & TaskEvent.kill) return DELETE;
    // Each leaves before it is taken: nothing is kept of it, however long the crowd goes on, and none is dropped twice.
    for (let left = MAX_ARRIVALS_PER_RUN; left > 0 && this.#waiting.length > 0; left--)
      this.#sink.take(this.#waiting.shift()!);
    return this.#waiting.length === 0 ? DELETE : AGAIN;
  }

  protected override onDeleted(): void {
    for (const arrival of this.#waiting) this.#sink.drop(arrival);
  }
}
