/**
 * Who has something to do with an address and port: often one, sometimes several. Used by UDP pairs for those who listen to it, and
 * by protocols for those who send there. Rule: nobody loses his place to another. Thread: its owner's.
 */
import type { SocketAddress } from './socket-address';

/** The holders of addresses; see the head of this file. */
export class AddressHolders<Holder> {
  readonly #holders = new Map<string, readonly Holder[]>();

  /** Number of addresses that somebody holds. */
  get size(): number {
    return this.#holders.size;
  }

  /** Those who hold an address, the first one first. */
  of({ key }: SocketAddress): readonly Holder[] {
    return this.#holders.get(key) ?? [];
  }

  /** Makes `holder` one of those who hold an address; a second call does nothing. */
  add(address: SocketAddress, holder: Holder): void {
    const holders = this.of(address);
    if (!holders.includes(holder)) this.#holders.set(address.key, [...holders, holder]);
  }

  /** Ends what add() began. */
  remove(address: SocketAddress, holder: Holder): void {
    const others = this.of(address).filter((other) => other !== holder);
    if (others.length > 0) this.#holders.set(address.key, others);
    else this.#holders.delete(address.key);
  }

  /** Forgets them all. */
  clear(): void {
    this.#holders.clear();
  }
}
