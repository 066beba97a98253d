/**
 * An IP address and port as the addon carries them, for listeners, connections and UDP destinations.
 * Rule: immutable. Layout: six 32-bit words: family (4 or 6), port, 16 bytes in network order (IPv4 uses the first four).
 */
import { isIP, SocketAddress as NodeSocketAddress } from 'node:net';

/** Words of an address in the addon's rows. */
export const ADDRESS_WORDS = 6;
/** The third word of ::ffff:a.b.c.d, signed; the addon is built for little-endian machines only. */
const MAPPED_IPV4_WORD = 0xffff0000 | 0;

/** An immutable IPv4 or IPv6 address with a port. */
export class SocketAddress {
  readonly family: 4 | 6;
  readonly port: number;
  // The four words of the address, signed: small numbers lie in the object itself, where a viewer's run finds them.
  readonly #word0: number;
  readonly #word1: number;
  readonly #word2: number;
  readonly #word3: number;
  #key: string | undefined;

  /** The address in four words, as they lie in the addon's rows. */
  protected constructor(
    family: 4 | 6,
    port: number,
    word0: number,
    word1: number,
    word2: number,
    word3: number,
  ) {
    this.family = family;
    this.port = port;
    this.#word0 = word0 | 0;
    this.#word1 = word1 | 0;
    this.#word2 = word2 | 0;
    this.#word3 = word3 | 0;
  }

  /** Reads an address out of words that the addon wrote; they may be part of a larger array. */
  static fromWords(words: Uint32Array, at = 0): SocketAddress {
    const family = words[at] === 4 ? 4 : 6;
    const [word0, word1, word2, word3] = [words[at + 2]!, words[at + 3]!, words[at + 4]!, words[at + 5]!];
    return new SocketAddress(family, words[at + 1]!, word0, word1, word2, word3);
  }

  /** Makes an address. RangeError when `host` is not a literal IPv4 or IPv6 address or the port is not 0..65535. */
  static of(host: string, port: number): SocketAddress {
    const family = isIP(host);
    if (family !== 4 && family !== 6) throw new RangeError(`host must be an IPv4 or IPv6 address: ${host}`);
    if (!Number.isInteger(port) || port < 0 || port > 65535)
      throw new RangeError(`port must be 0..65535: ${port}`);
    const words = [0, 0, 0, 0];
    const bytes = family === 4 ? host.split('.').map(Number) : ipv6Bytes(host);
    for (const [i, byte] of bytes.entries()) words[i >> 2]! |= byte << ((i & 3) * 8);
    return new SocketAddress(family, port, words[0]!, words[1]!, words[2]!, words[3]!);
  }

  /** The same host with another port, 0..65535. */
  withPort(port: number): SocketAddress {
    return new SocketAddress(this.family, port, this.#word0, this.#word1, this.#word2, this.#word3);
  }

  /** The six words for the addon, in an array of their own. */
  get words(): Uint32Array {
    const words = new Uint32Array(ADDRESS_WORDS);
    this.writeTo(words, 0);
    return words;
  }

  /** Writes the six words at a place of an array. Hot path. */
  writeTo(words: Uint32Array, at: number): void {
    words[at] = this.family;
    words[at + 1] = this.port;
    words[at + 2] = this.#word0;
    words[at + 3] = this.#word1;
    words[at + 4] = this.#word2;
    words[at + 5] = this.#word3;
  }

  /** The address without port, IPv6 without brackets; an IPv4 peer of a dual-stack listener is shown as IPv4. */
  get host(): string {
    if (this.family === 4) return ipv4Text(this.#word0);
    if (this.#isMappedIpv4()) return ipv4Text(this.#word3);
    const groups: string[] = [];
    for (let i = 0; i < 16; i += 2) groups.push(((this.#byteAt(i) << 8) | this.#byteAt(i + 1)).toString(16));
    return new NodeSocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
  }

  /** Whether it is of the same host, whatever the ports are. */
  isSameHost(other: SocketAddress): boolean {
    return (
      this.family === other.family &&
      this.#word0 === other.#word0 &&
      this.#word1 === other.#word1 &&
      this.#word2 === other.#word2 &&
      this.#word3 === other.#word3
    );
  }

  /** An IPv4-mapped IPv6 address as plain IPv4 (RFC 4291 §2.5.5.2); any other as it is. */
  unmapped(): SocketAddress {
    return this.family === 6 && this.#isMappedIpv4() ? SocketAddress.of(this.host, this.port) : this;
  }

  /** Whether it is of fe80::/10: such an address means nothing without the name of its link (RFC 4007 §6), which is not kept here. */
  get isLinkLocal(): boolean {
    return this.family === 6 && this.#byteAt(0) === 0xfe && (this.#byteAt(1) & 0xc0) === 0x80;
  }

  /** Whether packets to it stay on this machine: 127.0.0.0/8 or ::1. */
  get isLoopback(): boolean {
    return this.host.startsWith('127.') || this.host === '::1';
  }

  /** Equal addresses have equal keys; for Maps. */
  get key(): string {
    this.#key ??= `${this.family}.${this.port}.${this.#word0}.${this.#word1}.${this.#word2}.${this.#word3}`;
    return this.#key;
  }

  /** Equal for all addresses of one client: the IPv4 address, or the /64 of an IPv6 one (RFC 6177 §2). */
  get networkKey(): string {
    if (this.family === 4) return String(this.#word0);
    return this.#isMappedIpv4() ? String(this.#word3) : `${this.#word0}.${this.#word1}`;
  }

  /** host:port, IPv6 in brackets. */
  toString(): string {
    return this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }

  #isMappedIpv4(): boolean {
    return this.#word0 === 0 && this.#word1 === 0 && this.#word2 === MAPPED_IPV4_WORD;
  }

  #byteAt(index: number): number {
    const word = [this.#word0, this.#word1, this.#word2, this.#word3][index >> 2]!;
    return (word >>> ((index & 3) * 8)) & 0xff;
  }
}

function ipv4Text(word: number): string {
  return `${word & 0xff}.${(word >>> 8) & 0xff}.${(word >>> 16) & 0xff}.${word >>> 24}`;
}

function ipv6Bytes(host: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const plain = host
    .split('%')[0]!
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
      [(Number(a) << 8) | Number(b), (Number(c) << 8) | Number(d)]
        .map((group) => group.toString(16))
        .join(':'),
    );
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...before, ...new Array<string>(8 - before.length - after.length).fill('0'), ...after];
  groups.forEach((group, i) => {
    const value = Number.parseInt(group, 16);
    bytes[i * 2] = value >> 8;
    bytes[i * 2 + 1] = value & 0xff;
  });
  return bytes;
}
