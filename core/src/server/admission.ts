/**
 * Who may connect: so many clients in all, so many of one address. Asked by the server for each accepted connection.
 * Rule: a client over a limit is let in to hear so, as surplus; those are few, and all beyond them are closed unheard, so
 * that a flood costs one accept each. Spec: RFC 2326 §11.3 (453). Thread: the main one.
 */
import type { Refusal } from '../module/module';
import { AddressCounts } from '../net/address-counts';
import type { SocketAddress } from '../net/socket-address';

/** Surplus clients at a time at most: in all, and of one address. */
export const MAX_SURPLUS = 256;
const MAX_SURPLUS_PER_ADDRESS = 32;

/** What becomes of a connection: undefined is welcome, a Refusal is what it shall hear, `closed` is closed at once. */
export type Verdict = Refusal | 'closed' | undefined;

/** The limits; each is 1 or more. */
export interface AdmissionLimits {
  /** Surplus clients at a time, MAX_SURPLUS unless there are few descriptors. */
  readonly maxSurplus: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** Counts connections by address; see the head of this file. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #ofAddress = new AddressCounts();

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Addresses that have connections. */
  get addresses(): number {
    return this.#ofAddress.size;
  }

  /** Judges a new connection when there are `connections` others, and counts it unless it is to be closed. */
  arrived(peer: SocketAddress, connections: number): Verdict {
    const verdict = this.#judge(this.#ofAddress.of(peer), connections);
    if (verdict !== 'closed') this.#ofAddress.add(peer);
    return verdict;
  }

  /** Takes note of the end of a connection that was counted. */
  left(peer: SocketAddress): void {
    this.#ofAddress.remove(peer);
  }

  #judge(ofAddress: number, connections: number): Verdict {
    const { maxConnections, maxConnectionsPerAddress, maxSurplus } = this.#limits;
    if (ofAddress >= maxConnectionsPerAddress + MAX_SURPLUS_PER_ADDRESS) return 'closed';
    if (connections >= maxConnections + maxSurplus) return 'closed';
    if (ofAddress >= maxConnectionsPerAddress) return 'address-full';
    return connections >= maxConnections ? 'server-full' : undefined;
  }
}
