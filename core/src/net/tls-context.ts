/**
 * What all TLS connections of a task thread share: the server's certificate, the memory in which runs of packets are put together,
 * and the handshakes that are not finished. Made by a service that has a certificate.
 * Rule: unfinished handshakes are bounded in number; of more, the oldest is given up. Spec: RFC 8446. Thread: one.
 */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Log } from '../server/log';
import type { PacketBatch } from './packet-batch';
import { type PacketRun, ROW_WORDS, runPackets, writeInterleavedRun } from './packet-row';

/** Handshakes that a thread has under way: each costs some 50 KB and, when its client goes on with it, two milliseconds. */
export const MAX_HANDSHAKES = 128;
/** Room for the frames of some packets; one frame has at most 65539 bytes (RFC 2326 §10.12). */
const FRAMES_BYTES = 256 * 1024;
/** No descriptor: the row is not flushed. */
const NO_DESCRIPTOR = 0;

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
  readonly #frames = new Uint8Array(FRAMES_BYTES);
  readonly #row = new Uint32Array(ROW_WORDS);
  readonly #handshakes = new Set<Handshake>();

  /** Throws Error when certificate and key are no PEM or don't belong together. */
  constructor(
    { certificate, key }: TlsIdentity,
    readonly batch: PacketBatch,
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

  /** Hands the frames of an interleaved run to `take`, in pieces that are valid during the call. Returns 0 or -errno. */
  eachPiece(run: PacketRun, channel: number, take: (piece: Uint8Array) => void): number {
    const row = this.#row;
    writeInterleavedRun(row, 0, run, NO_DESCRIPTOR, channel);
    while (runPackets(row) > 0) {
      const length = this.batch.copyRun(row, this.#frames);
      if (length < 0) return length;
      take(this.#frames.subarray(0, length));
    }
    return 0;
  }
}
