/**
 * Where a connection that one task thread gives away meets the task thread that claims it, whichever comes first. Owned by
 * the thread pools. Rule: a descriptor that is handed over belongs to nobody else until it is delivered or closed, and those
 * that wait are bounded in number and in time. Thread: the main one.
 */
import { closeDescriptor } from '../net/tcp-connection';
import type { HandedOverMessage, ToTaskThread } from './thread-messages';

/** What a descriptor waits at most for its claim, in milliseconds: two connects of one client lie between. */
export const CLAIM_WAIT_MS = 10_000;
/** Descriptors that wait at a time; of more, the oldest is closed. */
export const MAX_WAITING = 1024;

/** A task thread as the rendezvous sees it. */
export interface MeetingThread {
  /** Connections that it has; the rendezvous moves those that it delivers. */
  connections: number;
  post(message: ToTaskThread): void;
}

interface Claim {
  readonly thread: MeetingThread;
  readonly id: number;
}

interface Waiting {
  readonly connection: HandedOverMessage;
  readonly timer: NodeJS.Timeout;
}

/** Claims and waiting descriptors by key; see the head of this file. */
export class Rendezvous {
  readonly #claims = new Map<string, Claim>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #onGivenUp: (peer: Uint32Array) => void;
  #isClosed = false;

  /** `onGivenUp` hears of each connection that is closed here; `peer` is its address. */
  constructor(onGivenUp: (peer: Uint32Array) => void) {
    this.#onGivenUp = onGivenUp;
  }

  /** Descriptors that wait for their claim: connections of nobody yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes note of a thread's claim, in place of an earlier one of this key, and delivers what waits for it. */
  claim(thread: MeetingThread, key: string, id: number): void {
    this.#claims.set(key, { thread, id });
    const connection = this.#takeWaiting(key);
    if (connection !== undefined) this.#deliver({ thread, id }, connection);
  }

  /** Forgets a claim, if it is still the one of its key. */
  claimEnded(thread: MeetingThread, key: string, id: number): void {
    const claim = this.#claims.get(key);
    if (claim?.thread === thread && claim.id === id) this.#claims.delete(key);
  }

  /** Takes over a descriptor of `from` and delivers it to who claims its key, now or later. */
  handOver(from: MeetingThread, connection: HandedOverMessage): void {
    from.connections--;
    const claim = this.#claims.get(connection.key);
    if (this.#isClosed) this.#close(connection);
    else if (claim !== undefined) this.#deliver(claim, connection);
    else this.#wait(connection);
  }

  /** Closes what waits, and what is handed over from now on. */
  close(): void {
    this.#isClosed = true;
    this.#claims.clear();
    for (const key of [...this.#waiting.keys()]) this.#giveUp(key);
  }

  #deliver({ thread, id }: Claim, { fd, peer, bytes, notes }: HandedOverMessage): void {
    thread.connections++;
    thread.post({ kind: 'delivered', claim: id, fd, peer, bytes, notes });
  }

  #wait(connection: HandedOverMessage): void {
    const { key } = connection;
    this.#giveUp(key);
    if (this.#waiting.size >= MAX_WAITING) this.#giveUp(this.#waiting.keys().next().value!);
    const timer = setTimeout(() => this.#giveUp(key), CLAIM_WAIT_MS);
    timer.unref();
    this.#waiting.set(key, { connection, timer });
  }

  #giveUp(key: string): void {
    const connection = this.#takeWaiting(key);
    if (connection !== undefined) this.#close(connection);
  }

  #close({ fd, peer }: HandedOverMessage): void {
    closeDescriptor(fd);
    this.#onGivenUp(peer);
  }

  #takeWaiting(key: string): HandedOverMessage | undefined {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return undefined;
    clearTimeout(waiting.timer);
    this.#waiting.delete(key);
    return waiting.connection;
  }
}
