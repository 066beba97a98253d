/**
 * Sockets for tests, straight over the addon. Rule: who opens one closes it. What was sent over the loopback has mostly
 * arrived when the send returns, but not on a busy machine, and not through a full window: who takes says how much is to come.
 */
import { isIPv6 } from 'node:net';
import { constants } from 'node:os';
import { native } from '@finch/native';

export const {
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EPIPE,
  ECONNRESET,
  ELOOP,
  EISDIR,
  ENOENT,
  EMSGSIZE,
  ENOBUFS,
  ESRCH,
} = constants.errno;

/** The six words of an address, written by hand: family, port, 16 bytes in network order. */
export function addressWords(host: '127.0.0.1' | '::1' | '0.0.0.0' | '::', port: number): Uint32Array {
  const words = new Uint32Array(6);
  words[0] = isIPv6(host) ? 6 : 4;
  words[1] = port;
  const bytes = new Uint8Array(words.buffer, 8);
  if (host === '127.0.0.1') bytes.set([127, 0, 0, 1]);
  if (host === '::1') bytes[15] = 1;
  return words;
}

/** Where the socket is bound. */
export function nameOf(fd: number): Uint32Array {
  const words = new Uint32Array(6);
  if (native.socketName(fd, words) !== 0) throw new Error(`socket ${fd} has no name`);
  return words;
}

/** Expects these datagrams in this order. Fast, where toEqual() would look at each byte as a number. */
export function expectDatagrams(got: readonly Uint8Array[], wanted: readonly Uint8Array[]): void {
  expect(got.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
  expectBytes(Buffer.concat(got), Buffer.concat(wanted));
}

/** Expects these bytes; a failure tells the first place that differs. */
export function expectBytes(got: Uint8Array, wanted: Uint8Array): void {
  expect(got.length).toBe(wanted.length);
  const place = Buffer.compare(got, wanted) === 0 ? -1 : got.findIndex((byte, i) => byte !== wanted[i]);
  expect({ firstDifferenceAt: place }).toEqual({ firstDifferenceAt: -1 });
}

/** No kernel takes so long to bring what was sent. */
const ARRIVAL_LIMIT_MS = 10_000;
const neverWoken = new Int32Array(new SharedArrayBuffer(4));

/** Calls `take` until it says that all has arrived, or the limit is over. */
function untilArrived(take: () => boolean): void {
  const endMs = performance.now() + ARRIVAL_LIMIT_MS;
  while (!take() && performance.now() < endMs) Atomics.wait(neverWoken, 0, 0, 1);
}

/** What a call that takes from a socket returns once there is something to take. */
export function onceArrived(call: () => number): number {
  let result = -EAGAIN;
  untilArrived(() => {
    result = call();
    return result !== -EAGAIN;
  });
  return result;
}

const SLOT_BYTES = 66_000;
const SLOTS = 32;

/** A UDP socket that takes datagrams. */
export class UdpSink {
  readonly fd: number;
  readonly address: Uint32Array;
  readonly #into = new Uint8Array(SLOT_BYTES * SLOTS);
  readonly #rows = new Uint32Array(SLOTS * 7);

  constructor(host: '127.0.0.1' | '::1' = '127.0.0.1', bufferBytes = 4 << 20) {
    this.fd = native.udpBind(addressWords(host, 0), bufferBytes, bufferBytes);
    if (this.fd < 0) throw new Error(`no UDP socket on ${host}: ${this.fd}`);
    this.address = nameOf(this.fd);
  }

  /** The datagrams that have arrived, in order: at least `count`, which are waited for. */
  take(count: number): Buffer[] {
    return this.takeWithSenders(count).map(({ bytes }) => bytes);
  }

  takeWithSenders(count: number): { bytes: Buffer; from: Uint32Array }[] {
    const taken: { bytes: Buffer; from: Uint32Array }[] = [];
    untilArrived(() => {
      this.#receive(taken);
      return taken.length >= count;
    });
    return taken;
  }

  #receive(taken: { bytes: Buffer; from: Uint32Array }[]): void {
    for (;;) {
      const count = native.udpReceive(this.fd, this.#into, SLOT_BYTES, this.#rows);
      if (count <= 0) return;
      for (let i = 0; i < count; i++) {
        const begin = i * SLOT_BYTES;
        taken.push({
          bytes: Buffer.from(this.#into.slice(begin, begin + this.#rows[i * 7]!)),
          from: this.#rows.slice(i * 7 + 1, i * 7 + 7),
        });
      }
    }
  }

  close(): void {
    native.socketClose(this.fd);
  }
}

/** Both ends of a TCP connection. */
export class TcpPair {
  readonly server: number;
  readonly client: number;
  readonly #into = new Uint8Array(1 << 18);
  readonly #open: Set<number>;

  /** A receive buffer of a few kilobytes makes the stream full soon. */
  constructor(receiveBufferBytes = 0, host: '127.0.0.1' | '::1' = '127.0.0.1') {
    const listener = native.tcpListen(addressWords(host, 0), false);
    this.client = native.tcpConnect(nameOf(listener), null, receiveBufferBytes);
    this.server = onceArrived(() => native.tcpAccept(listener, new Uint32Array(6)));
    native.socketClose(listener);
    if (this.client < 0 || this.server < 0) throw new Error(`no connection: ${this.client}, ${this.server}`);
    this.#open = new Set([this.client, this.server]);
  }

  /** What has arrived at the client by now, at most `most` bytes. */
  take(most = Infinity): Buffer {
    const pieces: Buffer[] = [];
    for (let left = most; left > 0; ) {
      const count = native.tcpReceive(this.client, this.#into.subarray(0, Math.min(left, this.#into.length)));
      if (count <= 0) break;
      pieces.push(Buffer.from(this.#into.slice(0, count)));
      left -= count;
    }
    return Buffer.concat(pieces);
  }

  /** The next `sizeBytes` for the client, waited for; fewer when they don't come. */
  takeExactly(sizeBytes: number): Buffer {
    const pieces: Buffer[] = [];
    let left = sizeBytes;
    untilArrived(() => {
      const piece = this.take(left);
      pieces.push(piece);
      left -= piece.length;
      return left === 0;
    });
    return Buffer.concat(pieces);
  }

  /** Closes an end. */
  close(end: number): void {
    if (this.#open.delete(end)) native.socketClose(end);
  }

  closeBoth(): void {
    this.close(this.client);
    this.close(this.server);
  }

  /** The client goes with bytes unread, and the server has heard of the reset when this returns. */
  reset(): void {
    native.tcpSend(this.server, new Uint8Array(5), 0);
    this.close(this.client);
    onceArrived(() => native.tcpReceive(this.server, new Uint8Array(1)));
  }

  /** Says that somebody else closes the end (the event thread). */
  disown(end: number): number {
    this.#open.delete(end);
    return end;
  }
}
