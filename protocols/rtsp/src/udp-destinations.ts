/**
 * Which session sends to which UDP address and port of a client. Kept by the service of a task thread, told by the tracks of
 * sessions. Rule: a port is one player's; who sets it up anew has started again, and what went there before ends. Only a client
 * can do so to himself: packets go to the address that SETUP came from, and nowhere else (RFC 2326 §16). The other task threads
 * are told, since the connection of who comes back may be accepted by any.
 */
import type { SocketAddress, TaskThreadHost } from '@finch/core';

const TOPIC = 'UDP destination taken';

/** Whose packets go somewhere. */
export interface DestinationOwner {
  /** Somebody else has set up one of its ports: nothing may be sent there any more, not even BYE. */
  displaced(): void;
}

/** The UDP destinations of the sessions of one task thread; see the head of this file. */
export class UdpDestinations {
  readonly #owners = new Map<string, DestinationOwner>();
  readonly #host: Pick<TaskThreadHost, 'tell' | 'hear'>;

  /** Hears what other task threads take. */
  constructor(host: Pick<TaskThreadHost, 'tell' | 'hear'>) {
    this.#host = host;
    host.hear(TOPIC, (key) => this.#takenElsewhere(key));
  }

  /** Number of addresses and ports that are sent to. */
  get size(): number {
    return this.#owners.size;
  }

  /** Makes an address and port `owner`'s, and tells who had it before. */
  take(address: SocketAddress, owner: DestinationOwner): void {
    const { key } = address;
    const before = this.#owners.get(key);
    this.#owners.set(key, owner);
    if (before === owner) return;
    before?.displaced();
    this.#host.tell(TOPIC, key);
  }

  /** Ends what take() began, unless it is somebody else's by now. */
  leave(address: SocketAddress, owner: DestinationOwner): void {
    if (this.#owners.get(address.key) === owner) this.#owners.delete(address.key);
  }

  #takenElsewhere(key: string): void {
    const before = this.#owners.get(key);
    this.#owners.delete(key);
    before?.displaced();
  }
}
