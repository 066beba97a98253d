/**
 * One connection of an attacker: sends bytes as they are, notes what comes back. Used by the torture suite.
 * Rule: it judges nothing but that the connection ends in time when it should.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { Changes } from '../support/deadline';

/** The attackers' address: a host of its own, so that its limits are not the viewers'. */
export const ATTACKER = '127.0.0.66';
/** Bytes of what comes back that are kept: the first ones, and the last ones. */
const KEPT_BYTES = 65_536;

/** A connection; see the head of this file. */
export class Attacker extends Changes {
  static readonly #open = new Set<Attacker>();
  isClosed = false;
  receivedBytes = 0;
  #text = '';

  /** `raw` is the socket below TLS, or `socket` itself. */
  private constructor(
    readonly socket: Socket,
    readonly raw: Socket = socket,
  ) {
    super();
    Attacker.#open.add(this);
    raw.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      this.receivedBytes += bytes.length;
      if (this.#text.length < KEPT_BYTES) this.#text += bytes.toString('latin1');
      this.changed();
    });
    socket.on('error', () => {}); // resets are part of it
    socket.on('close', () => {
      this.isClosed = true;
      Attacker.#open.delete(this);
      this.changed();
    });
  }

  /** Connects; the server may close at once. */
  static connect(port: number, localAddress = ATTACKER): Promise<Attacker> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true, allowHalfOpen: false });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Attacker(socket));
      });
    });
  }

  /**
   * Connects, and shakes hands for TLS; the server's certificate does not matter to an attacker. `begun` is called before it does.
   */
  static connectEncrypted(
    port: number,
    localAddress = ATTACKER,
    begun: (socket: TLSSocket) => void = () => {},
  ): Promise<Attacker> {
    return new Promise((resolve, reject) => {
      const raw = connect({ host: '127.0.0.1', port, localAddress, noDelay: true, allowHalfOpen: false });
      const socket = connectTls({ socket: raw, rejectUnauthorized: false });
      begun(socket);
      raw.once('error', reject);
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        raw.off('error', reject);
        socket.off('error', reject);
        resolve(new Attacker(socket, raw));
      });
    });
  }

  /** What came back, as far as it was kept. */
  get text(): string {
    return this.#text;
  }

  /** Status codes of what looks like answers. */
  get statuses(): number[] {
    return [...this.#text.matchAll(/(?:RTSP|HTTP)\/1\.[01] (\d{3}) /g)].map((match) => Number(match[1]));
  }

  send(bytes: string | Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Resolves when so many answers have come, or the connection has ended. */
  answered(count: number): Promise<true> {
    return this.until(() => this.isClosed || this.statuses.length >= count, `${count} answers`);
  }

  /** Ends its side in good order; resolves when the server has ended the other. */
  async finish(timeoutMs?: number): Promise<void> {
    this.socket.end();
    await this.closed(timeoutMs);
  }

  /** Resolves when the connection has ended. */
  async closed(timeoutMs?: number): Promise<void> {
    await this.until(() => this.isClosed, 'the server to end the connection', timeoutMs);
  }

  /** Resets it; one that has been ended can't be reset any more, and is closed. */
  async reset(): Promise<void> {
    if (this.raw.writableEnded) this.raw.destroy();
    else this.raw.resetAndDestroy();
    await this.closed();
  }

  /** Leaves when all is sent, which may be never: the server need not read it. */
  leave(): void {
    this.socket.destroySoon();
  }

  /** Drops those that are still there, whatever they wait for. */
  static dropAll(): void {
    for (const { raw } of Attacker.#open) raw.destroy();
  }
}
