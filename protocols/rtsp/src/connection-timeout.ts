/**
 * How long a connection may be silent, and how long a request may take to come. Used by the connection, which is signalled
 * `timeout`. Rule: only what is whole is a sign of life; time for a request, or for the other half of a tunnel, runs from its
 * first byte, however slowly the others come.
 */
import { type Refusal, type Task, TimeoutTask } from '@finch/core';
import type { RtspSettings } from './rtsp-settings';

/** How long a client that is over a limit gets to ask, and to hear so, in milliseconds. */
const SURPLUS_TIMEOUT_MS = 2_000;

/** The two times, in milliseconds. */
export interface ConnectionTimes {
  /** Between requests. */
  readonly idleMs: number;
  /** From the first byte of a request to its last; no longer than idleMs. */
  readonly requestMs: number;
}

/** The times of a connection; short ones when it is refused. */
export function connectionTimes(settings: RtspSettings, refusal: Refusal | undefined): ConnectionTimes {
  const idleMs = refusal === undefined ? settings.idleTimeoutSeconds * 1000 : SURPLUS_TIMEOUT_MS;
  return { idleMs, requestMs: Math.min(settings.requestTimeoutSeconds * 1000, idleMs) };
}

/** The timeout of one connection; see the head of this file. */
export class ConnectionTimeout {
  readonly #times: ConnectionTimes;
  readonly #timeout: TimeoutTask;
  #isHalfOpen = false;

  /** Begins to count the idle time of `connection`. */
  constructor(connection: Task, times: ConnectionTimes) {
    this.#times = times;
    this.#timeout = new TimeoutTask(connection, times.idleMs);
  }

  /** Whether something has begun and not ended: a request, or a tunnel. */
  get isHalfOpen(): boolean {
    return this.#isHalfOpen;
  }

  /** Says whether something has begun and not ended. A change begins the time anew. */
  set isHalfOpen(isHalfOpen: boolean) {
    if (isHalfOpen === this.#isHalfOpen) return;
    this.#isHalfOpen = isHalfOpen;
    this.#timeout.changeTimeout(isHalfOpen ? this.#times.requestMs : this.#times.idleMs);
  }

  /** Notes a sign of life. Hot path: one store. */
  refresh(): void {
    this.#timeout.refresh();
  }

  /** Ends it for good. */
  cancel(): void {
    this.#timeout.cancel();
  }
}
