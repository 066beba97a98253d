/**
 * How many of something each client has, by his address. Used by the admission of connections and of sessions.
 * Rule: an address without any takes no memory. An IPv6 client owns a whole /64 and is counted by it.
 */
import type { SocketAddress } from './socket-address';

/** Counts by address; see the head of this file. */
export class AddressCounts {
  readonly #counts = new Map<string, number>();

  /** Addresses that have any. */
  get size(): number {
    return this.#counts.size;
  }

  /** How many an address has. */
  of(address: SocketAddress): number {
    return this.#counts.get(address.networkKey) ?? 0;
  }

  /** One more. */
  add(address: SocketAddress): void {
    this.#counts.set(address.networkKey, this.of(address) + 1);
  }

  /** One less; nothing when there was none. */
  remove(address: SocketAddress): void {
    const left = this.of(address) - 1;
    if (left > 0) this.#counts.set(address.networkKey, left);
    else this.#counts.delete(address.networkKey);
  }
}
