/**
 * An IP address and port as the addon carries them, for listeners, connections and UDP destinations.
 * Rule: immutable. Layout: six 32-bit words: family (4 or 6), port, 16 bytes in network order (IPv4 uses the first four).
 */
import { isIP, SocketAddress as NodeSocketAddress } from 'node:net';

/** Words of an address in the addon's rows. */
export const ADDRESS_WORDS = 6;
/** The words are in the machine's order and the addon is built for little-endian machines only. */
const FIRST_ADDRESS_WORD = 2;
/** The third word of ::ffff:a.b.c.d. */
const MAPPED_IPV4_WORD = 0xffff0000;

/** An immutable IPv4 or IPv6 address with a port. */
export class SocketAddress {
  readonly words: Uint32Array;
  #key: string | undefined;

  private constructor(words: Uint32Array) {
    this.words = words;
  }

  /** Copies an address out of words that the addon wrote; they may be part of a larger array. */
  static fromWords(words: Uint32Array, at = 0): SocketAddress {
    return new SocketAddress(words.slice(at, at + ADDRESS_WORDS));
  }

  /** Makes an address. RangeError when `host` is not a literal IPv4 or IPv6 address or the port is not 0..65535. */
  static of(host: string, port: number): SocketAddress {
    const family = isIP(host);
    if (family === 0) throw new RangeError(`host must be an IPv4 or IPv6 address: ${host}`);
    if (!Number.isInteger(port) || port < 0 || port > 65535)
      throw new RangeError(`port must be 0..65535: ${port}`);
    const words = new Uint32Array(ADDRESS_WORDS);
    words[0] = family;
    words[1] = port;
    const bytes = family === 4 ? host.split('.').map(Number) : ipv6Bytes(host);
    for (const [i, byte] of bytes.entries()) words[FIRST_ADDRESS_WORD + (i >> 2)]! |= byte << ((i & 3) * 8);
    return new SocketAddress(words);
  }

  /** The same host with another port, 0..65535. */
  withPort(port: number): SocketAddress {
    const words = this.words.slice();
    words[1] = port;
    return new SocketAddress(words);
  }

  get family(): 4 | 6 {
    return this.words[0] === 4 ? 4 : 6;
  }

  get port(): number {
    return this.words[1]!;
  }

  /** The address without port, IPv6 without brackets; an IPv4 peer of a dual-stack listener is shown as IPv4. */
  get host(): string {
    if (this.family === 4) return ipv4Text(this.words[FIRST_ADDRESS_WORD]!);
    if (this.#isMappedIpv4()) return ipv4Text(this.words[FIRST_ADDRESS_WORD + 3]!);
    const groups: string[] = [];
    for (let i = 0; i < 16; i += 2) groups.push(((this.#byteAt(i) << 8) | this.#byteAt(i + 1)).toString(16));
    return new NodeSocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
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
    this.#key ??= this.words.join('.');
    return this.#key;
  }

  /** Equal for all addresses of one client: the IPv4 address, or the /64 of an IPv6 one (RFC 6177 §2). */
  get networkKey(): string {
    const { words } = this;
    if (this.family === 4) return String(words[FIRST_ADDRESS_WORD]);
    if (this.#isMappedIpv4()) return String(words[FIRST_ADDRESS_WORD + 3]);
    return `${words[FIRST_ADDRESS_WORD]}.${words[FIRST_ADDRESS_WORD + 1]}`;
  }

  /** host:port, IPv6 in brackets. */
  toString(): string {
    return this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }

  #isMappedIpv4(): boolean {
    const { words } = this;
    const isZero = words[FIRST_ADDRESS_WORD] === 0 && words[FIRST_ADDRESS_WORD + 1] === 0;
    return isZero && words[FIRST_ADDRESS_WORD + 2] === MAPPED_IPV4_WORD;
  }

  // Out of the words themselves: asking a small typed array for its buffer would move it out of the heap for good.
  #byteAt(index: number): number {
    return (this.words[FIRST_ADDRESS_WORD + (index >> 2)]! >>> ((index & 3) * 8)) & 0xff;
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
