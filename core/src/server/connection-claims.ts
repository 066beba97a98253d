/**
 * A task thread's side of the rendezvous: its claims, and what it gives away. Used by the task thread's worker, behind
 * TaskThreadHost. Rule: a connection that comes for a claim that has ended meanwhile is closed and counted.
 */
import type { HandedConnection } from '../module/module';
import { SocketAddress } from '../net/socket-address';
import { closeDescriptor } from '../net/tcp-connection';
import type { DeliveredMessage, FromWorker } from './thread-messages';

/** Claims of one task thread by number. */
export class ConnectionClaims {
  readonly #takers = new Map<number, (connection: HandedConnection) => void>();
  readonly #post: (message: FromWorker) => void;
  readonly #ended: (peer: SocketAddress) => void;
  #next = 1;

  /** `post` takes messages to the main thread, `ended` the end of a connection. */
  constructor(post: (message: FromWorker) => void, ended: (peer: SocketAddress) => void) {
    this.#post = post;
    this.#ended = ended;
  }

  /** Claims what is handed over under `key`; returns how to end that, which may be called twice. */
  claim(key: string, take: (connection: HandedConnection) => void): () => void {
    const id = this.#next++;
    this.#takers.set(id, take);
    this.#post({ kind: 'claim', key, id });
    return () => {
      if (this.#takers.delete(id)) this.#post({ kind: 'claim-ended', key, id });
    };
  }

  /** Gives a descriptor away. */
  handOver(key: string, { peer, ...connection }: HandedConnection): void {
    this.#post({ kind: 'handed-over', key, peer: peer.words, ...connection });
  }

  /** Passes a delivered descriptor to its claim. */
  delivered({ claim, fd, peer, bytes, notes }: DeliveredMessage): void {
    const take = this.#takers.get(claim);
    if (take !== undefined) {
      take({ fd, peer: SocketAddress.fromWords(peer), bytes, notes });
      return;
    }
    closeDescriptor(fd);
    this.#ended(SocketAddress.fromWords(peer));
  }
}
