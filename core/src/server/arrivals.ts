/**
 * Accepted connections that wait for their task thread. One a thread, made when that starts and signalled by who accepts.
 * Rule: a crowd that connects at once is taken in by a few in each run, behind whoever waits for his turn; who comes when
 * the thread stops is dropped. Thread: its own.
 */
import { TaskEvent } from '../reactor/events';
import { AGAIN, DELETE, PARK } from '../reactor/run-result';
import { Task } from '../reactor/task';
import type { TaskThread } from '../reactor/task-thread';

/** Connections taken in by one run: each costs some 50 us, with the memory it makes. */
export const MAX_ARRIVALS_PER_RUN = 8;

/** Where arrivals wait. */
export interface ArrivalQueue<Arrival> {
  /** Passes on those that come next, as many as one run takes in at most; false when there was none behind them. */
  take(taken: (arrival: Arrival) => void): boolean;
}

/** What becomes of a connection that has arrived. One of the two is called, once, in the order of arrival; neither throws. */
export interface ArrivalSink<Arrival> {
  take(arrival: Arrival): void;
  /** The thread stops. */
  drop(arrival: Arrival): void;
}

/** A task that takes connections in when it is signalled; kill drops those that wait. */
export class Arrivals<Arrival> extends Task {
  readonly #queue: ArrivalQueue<Arrival>;
  readonly #sink: ArrivalSink<Arrival>;
  readonly #take = (arrival: Arrival): void => this.#sink.take(arrival);

  constructor(thread: TaskThread, queue: ArrivalQueue<Arrival>, sink: ArrivalSink<Arrival>) {
    super(thread, 'core');
    this.#queue = queue;
    this.#sink = sink;
  }

  run(events: number): number {
    if (events & TaskEvent.kill) return DELETE;
    return this.#queue.take(this.#take) ? AGAIN : PARK;
  }

  protected override onDeleted(): void {
    while (this.#queue.take((arrival) => this.#sink.drop(arrival)));
  }
}
