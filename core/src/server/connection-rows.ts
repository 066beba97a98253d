/**
 * What the main thread and the task threads tell each other of each connection: that it has been accepted, and that it has ended.
 * Used by the thread pools and the task threads. Rule: rows of a queue in the addon and no messages, which cost a newcomer more than
 * to accept him; they are taken in the order in which they were put in. Nobody wakes to hear of an end: it counts when the next one
 * comes, so no more ends wait than connections were let in.
 */
import { native } from '@finch/native';
import { REFUSALS, type Refusal } from '../module/module';
import { ADDRESS_WORDS, SocketAddress } from '../net/socket-address';
import { closeDescriptor } from '../net/tcp-connection';
import type { ArrivalQueue } from './arrivals';

/** Words of a row: three numbers (of an end, one that says something), and the address of the client behind them. */
const ADDRESS_AT = 3;
const ROW_WORDS = ADDRESS_AT + ADDRESS_WORDS;
/** Ends that are taken at once. */
const ENDS_PER_CALL = 32;
/** The thread that accepts and counts. */
const MAIN_THREAD = 0;

const written = new Uint32Array(ROW_WORDS);

/** An accepted connection. */
export interface AcceptedConnection {
  readonly fd: number;
  /** The place of its service in the list that both threads have. */
  readonly service: number;
  readonly refusal: Refusal | undefined;
  readonly peer: SocketAddress;
}

/** Puts an accepted connection into the queue of a task thread. */
export function putAccepted(threadIndex: number, connection: AcceptedConnection): void {
  const { fd, service, refusal, peer } = connection;
  written[0] = fd;
  written[1] = service;
  written[2] = refusal === undefined ? 0 : 1 + REFUSALS.indexOf(refusal);
  peer.writeTo(written, ADDRESS_AT);
  native.connectionPut(threadIndex, written);
}

/** Tells the main thread that a connection of a task thread has ended. */
export function putEnded(threadIndex: number, peer: SocketAddress): void {
  written[0] = threadIndex;
  peer.writeTo(written, ADDRESS_AT);
  native.connectionPut(MAIN_THREAD, written);
}

/** What putAccepted() put into the queue of a task thread. Thread: that one. */
export class AcceptedQueue implements ArrivalQueue<AcceptedConnection> {
  readonly #threadIndex: number;
  readonly #rows: Uint32Array;

  /** One take() passes on `limit` at most. Those that an earlier thread of this number has left are closed. */
  constructor(threadIndex: number, limit: number) {
    this.#threadIndex = threadIndex;
    this.#rows = new Uint32Array(limit * ROW_WORDS);
    while (this.take(({ fd }) => closeDescriptor(fd)));
  }

  take(taken: (connection: AcceptedConnection) => void): boolean {
    const count = native.connectionTake(this.#threadIndex, this.#rows);
    for (let at = 0; at < count * ROW_WORDS; at += ROW_WORDS)
      taken({
        fd: this.#rows[at]!,
        service: this.#rows[at + 1]!,
        refusal: REFUSALS[this.#rows[at + 2]! - 1],
        peer: SocketAddress.fromWords(this.#rows, at + ADDRESS_AT),
      });
    return count * ROW_WORDS === this.#rows.length;
  }
}

/** The ends that task threads tell of, on the main thread. */
export class EndedQueue {
  readonly #rows = new Uint32Array(ENDS_PER_CALL * ROW_WORDS);

  /** Drops what the threads of an earlier server have left. */
  constructor() {
    while (native.connectionTake(MAIN_THREAD, this.#rows) > 0);
  }

  /** Passes on all ends so far: the thread, and the client's address. */
  take(ended: (threadIndex: number, peer: SocketAddress) => void): void {
    for (let count = ENDS_PER_CALL; count === ENDS_PER_CALL; ) {
      count = native.connectionTake(MAIN_THREAD, this.#rows);
      for (let at = 0; at < count * ROW_WORDS; at += ROW_WORDS)
        ended(this.#rows[at]!, SocketAddress.fromWords(this.#rows, at + ADDRESS_AT));
    }
  }
}
