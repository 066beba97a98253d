/**
 * The encrypted side of a TLS connection, as the stream that node:tls asks for: a TcpConnection of the reactor below it. Made by a
 * TLS connection. Rule: nothing moves by itself. What was received is pushed in by the connection, in its owner's turn, and is
 * decrypted there and then; what TLS sends is written at once, and TLS waits while the socket is full. Thread: the owner's.
 */
import { Duplex } from 'node:stream';
import type { TcpConnection } from './tcp-connection';

/** The stream below TLS; see the head of this file. */
export class TlsWire extends Duplex {
  readonly #tcp: TcpConnection;
  /** Tells TLS that what it sent has left; there while that waits for room. */
  #sent: (() => void) | undefined;
  #isLast = false;

  constructor(tcp: TcpConnection) {
    super({ allowHalfOpen: true });
    this.#tcp = tcp;
  }

  /** The socket has taken all that waited. */
  hasRoom(): void {
    const sent = this.#sent;
    this.#sent = undefined;
    sent?.();
  }

  /** From now on what the socket does not take at once ends it: nobody would hear that it has room. */
  becomeLast(): void {
    this.#isLast = true;
    if (this.#tcp.isFull) this.destroy();
  }

  override _read(): void {}

  override _write(bytes: Uint8Array, _: BufferEncoding, sent: () => void): void {
    this.#tcp.sendNow(bytes);
    if (!this.#tcp.isFull) sent();
    else if (this.#isLast) this.destroy();
    else this.#sent = sent;
  }

  override _final(done: () => void): void {
    this.destroy();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#tcp.close();
    done(error);
  }
}
