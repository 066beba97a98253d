/**
 * What all TLS connections of a task thread share: the server's certificate, the batch, who copies runs of packets for them, and the
 * handshakes that are not finished. Made by a service that has a certificate.
 * Rule: unfinished handshakes are bounded in number; of more, the oldest is given up. Spec: RFC 8446. Thread: one.
 */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Log } from '../server/log';
import type { PacketBatch } from './packet-batch';
import type { RunCopier } from './run-copier';

/** Handshakes that a thread has under way: each costs some 50 KB and, when its client goes on with it, two milliseconds. */
export const MAX_HANDSHAKES = 128;

/** The longest record, or many requests. */
const RECEIVE_BYTES = 16 * 1024;

/** A certificate with its chain, and its private key, both in PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
}

/** A handshake that can be given up. */
export interface Handshake {
  giveUp(reason: string): void;
}

/** The shared part of a thread's TLS connections; see the head of this file. */
export class TlsContext {
  readonly secureContext: SecureContext;
  /** Where a connection receives; valid until the next one does. */
  readonly received = new Uint8Array(RECEIVE_BYTES);
  readonly #handshakes = new Set<Handshake>();

  /** Throws Error when certificate and key are no PEM or don't belong together. */
  constructor(
    { certificate, key }: TlsIdentity,
    readonly batch: PacketBatch,
    readonly runs: RunCopier,
    readonly log: Log,
  ) {
    this.secureContext = createSecureContext({ cert: certificate, key });
  }

  /** Handshakes under way. */
  get handshakes(): number {
    return this.#handshakes.size;
  }

  /** Takes note of a new handshake. */
  handshakeBegun(handshake: Handshake): void {
    if (this.#handshakes.size >= MAX_HANDSHAKES) {
      const [oldest] = this.#handshakes;
      this.#handshakes.delete(oldest!);
      oldest!.giveUp(`${MAX_HANDSHAKES} others are under way`);
    }
    this.#handshakes.add(handshake);
  }

  /** Forgets a handshake, however it ended. */
  handshakeEnded(handshake: Handshake): void {
    this.#handshakes.delete(handshake);
  }
}
