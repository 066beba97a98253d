/**
 * Lets handshakes begin one after another, with time between them. Made by a service with TLS, for each task thread.
 * Rule: a handshake costs its thread milliseconds, so a crowd that comes at once waits, and the viewers who play do not; who waits
 * is bounded in number. Thread: one.
 */
import { TaskEvent } from '../reactor/events';
import { after, DELETE, PARK } from '../reactor/run-result';
import { Task } from '../reactor/task';

/** Between the beginnings of two handshakes, in microseconds: some two fifths of a thread at most. */
export const HANDSHAKE_INTERVAL_US = 5000;
/** Connections that wait for their handshake on one thread; of more, the newest is closed. */
export const MAX_WAITING_HANDSHAKES = 1000;
/** The same for those who will only hear that they are too many: a second's worth, so that they hear it in time or not at all. */
export const MAX_WAITING_SURPLUS = 200;

/** A connection that waits. One of the two is called, once. */
export interface WaitingHandshake {
  begin(): void;
  /** There are too many, or the thread ends. */
  drop(): void;
}

/** A task that begins handshakes; kill drops those that wait, and all that come later. */
export class HandshakePace extends Task {
  readonly #waiting: WaitingHandshake[] = [];
  #nextUs = 0;

  /** Begins the handshake when it is its turn; one behind `mostWaiting` others is dropped. */
  add(handshake: WaitingHandshake, mostWaiting = MAX_WAITING_HANDSHAKES): void {
    if (this.isDeleted || this.#waiting.length >= mostWaiting) {
      handshake.drop();
      return;
    }
    this.#waiting.push(handshake);
    this.signal(TaskEvent.update);
  }

  run(events: number): number {
    if (events & TaskEvent.kill) return DELETE;
    const { nowUs } = this.thread;
    if (nowUs >= this.#nextUs) {
      const next = this.#waiting.shift();
      if (next === undefined) return PARK;
      this.#nextUs = nowUs + HANDSHAKE_INTERVAL_US;
      next.begin();
    }
    return after((this.#nextUs - nowUs) / 1000);
  }

  protected override onDeleted(): void {
    for (const handshake of this.#waiting.splice(0)) handshake.drop();
  }
}
