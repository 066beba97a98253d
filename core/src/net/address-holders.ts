/**
 * Who has something to do with an address and port: often one, sometimes several. Used by UDP pairs for those who listen to it, and
 * by protocols for those who send there. Rule: nobody loses his place to another, and who comes when there are too many has none.
 * Thread: its owner's.
 */
import type { SocketAddress } from './socket-address';

/** Holders of one address: what arrives from it is handed to each of them, so a client must not make that dear. */
export const MAX_ADDRESS_HOLDERS = 8;

const NOBODY: readonly never[] = [];

/** The holders of addresses; see the head of this file. */
export class AddressHolders<Holder> {
  readonly #holders = new Map<string, readonly Holder[]>();

  /** Number of addresses that somebody holds. */
  get size(): number {
    return this.#holders.size;
  }

  /** Those who hold an address, the first one first. */
  of({ key }: SocketAddress): readonly Holder[] {
    return this.#holders.get(key) ?? NOBODY;
  }

  /** Makes `holder` one of those who hold an address, unless it is or there are MAX_ADDRESS_HOLDERS. */
  add(address: SocketAddress, holder: Holder): void {
    const holders = this.of(address);
    if (holders.includes(holder) || holders.length >= MAX_ADDRESS_HOLDERS) return;
    this.#holders.set(address.key, [...holders, holder]);
  }

  /** Ends what add() began. */
  remove(address: SocketAddress, holder: Holder): void {
    const holders = this.of(address);
    const others =
      holders.length === 1 && holders[0] === holder ? NOBODY : holders.filter((other) => other !== holder);
    if (others.length > 0) this.#holders.set(address.key, others);
    else this.#holders.delete(address.key);
  }

  /** Forgets them all. */
  clear(): void {
    this.#holders.clear();
  }
}
