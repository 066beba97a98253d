/**
 * Which sessions send to which UDP addresses and ports of clients. Kept by the service of a task thread, told by the tracks of
 * sessions. Rule: a client who has crashed and comes back on his ports gets what he asks for now, and nothing of before; but an
 * address may be that of many (NAT), so a session whose client is still connected loses nothing to others. A session of another
 * task thread is not found here: it ends by its timeout. Spec: RFC 2326 §10.4, §16.
 */
import { AddressHolders, type SocketAddress } from '@finch/core';
import type { SessionConnection } from './session-connection';

/** Whose packets go somewhere. */
export interface DestinationOwner {
  /** Whether who sets up its ports on `connection` may have them: nobody else is connected whose they could be. */
  yieldsTo(connection: SessionConnection): boolean;
  /** Some of these addresses are its own, and somebody else's from now on: nothing may be sent there, not even BYE. */
  displaced(taken: readonly SocketAddress[]): void;
}

/** The UDP destinations of one task thread; see the head of this file. */
export class UdpDestinations {
  readonly #owners = new AddressHolders<DestinationOwner>();

  /** Number of addresses and ports that are sent to. */
  get size(): number {
    return this.#owners.size;
  }

  /** Has `owner` send to addresses that were set up on `connection`; displaces those who sent there and yield to it. */
  take(addresses: readonly SocketAddress[], owner: DestinationOwner, connection: SessionConnection): void {
    if (addresses.some((address) => this.#owners.of(address).length > 0))
      this.#displace(addresses, owner, connection);
    for (const address of addresses) this.#owners.add(address, owner);
  }

  #displace(
    addresses: readonly SocketAddress[],
    owner: DestinationOwner,
    connection: SessionConnection,
  ): void {
    const others = new Set(addresses.flatMap((address) => this.#owners.of(address)));
    others.delete(owner);
    for (const other of others) if (other.yieldsTo(connection)) other.displaced(addresses);
  }

  /** Ends what take() began for one of the addresses. */
  leave(address: SocketAddress, owner: DestinationOwner): void {
    this.#owners.remove(address, owner);
  }
}
