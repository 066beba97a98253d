/** Addresses as they cross to the addon. */
import { SocketAddress } from '@finch/core/net/socket-address';
import fc from 'fast-check';

const bytesOf = ({ words }: SocketAddress) => [...new Uint8Array(words.buffer, words.byteOffset + 8, 16)];
const zeros = (count: number) => new Array<number>(count).fill(0);

describe('SocketAddress.of', () => {
  it.each([
    ['0.0.0.0', 4, zeros(16), '0.0.0.0'],
    ['192.168.1.20', 4, [192, 168, 1, 20, ...zeros(12)], '192.168.1.20'],
    ['255.255.255.255', 4, [255, 255, 255, 255, ...zeros(12)], '255.255.255.255'],
    ['::', 6, zeros(16), '::'],
    ['::1', 6, [...zeros(15), 1], '::1'],
    ['fe80::', 6, [0xfe, 0x80, ...zeros(14)], 'fe80::'],
    [
      '2001:DB8::8:800:200C:417A',
      6,
      [0x20, 1, 0xd, 0xb8, ...zeros(4), 0, 8, 8, 0, 0x20, 0xc, 0x41, 0x7a],
      '2001:db8::8:800:200c:417a',
    ],
    ['1:2:3:4:5:6:7:8', 6, [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8], '1:2:3:4:5:6:7:8'],
    ['::ffff:10.1.2.3', 6, [...zeros(10), 255, 255, 10, 1, 2, 3], '10.1.2.3'],
    ['64:ff9b::192.0.2.33', 6, [0, 0x64, 0xff, 0x9b, ...zeros(8), 192, 0, 2, 33], '64:ff9b::c000:221'],
    // The scope is the kernel's business; the words have no room for it.
    ['fe80::1%eth0', 6, [0xfe, 0x80, ...zeros(13), 1], 'fe80::1'],
  ] as const)('%s', (host, family, bytes, shown) => {
    const address = SocketAddress.of(host, 5004);
    expect(address.family).toBe(family);
    expect(address.port).toBe(5004);
    expect(bytesOf(address)).toEqual([...bytes]);
    expect(address.host).toBe(shown);
    expect(address.toString()).toBe(shown.includes(':') ? `[${shown}]:5004` : `${shown}:5004`);
  });

  it.each(['', 'localhost', '1.2.3', '1.2.3.256', '::g', '1:2:3', '[::1]', '127.0.0.1:80'])(
    'refuses the host "%s"',
    (host) => {
      expect(() => SocketAddress.of(host, 1)).toThrow('host must be an IPv4 or IPv6 address');
    },
  );

  it.each([-1, 65536, 1.5, Number.NaN])('refuses the port %d', (port) => {
    expect(() => SocketAddress.of('127.0.0.1', port)).toThrow('port must be 0..65535');
  });

  it('reads what it shows (property)', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(65535), (host, port) => {
        const address = SocketAddress.of(host, port).unmapped();
        expect(SocketAddress.of(address.host, port).key).toBe(address.key);
      }),
    );
  });
});

describe('an address', () => {
  it('comes out of words in the middle of others, as a copy', () => {
    const words = Uint32Array.of(9, 9, 4, 80, 0x0100007f, 0, 0, 0, 9);
    const address = SocketAddress.fromWords(words, 2);
    words.fill(0);
    expect(address.toString()).toBe('127.0.0.1:80');
  });

  it('mapped into IPv6 is plain IPv4 when asked (RFC 4291 §2.5.5.2)', () => {
    const mapped = SocketAddress.of('::ffff:10.0.0.1', 7);
    const plain = SocketAddress.of('10.0.0.1', 7);
    expect(mapped.key).not.toBe(plain.key);
    expect(mapped.unmapped().key).toBe(plain.key);
    expect(plain.unmapped()).toBe(plain);
    const other = SocketAddress.of('::fffe:10.0.0.1', 7);
    expect(other.unmapped()).toBe(other);
  });

  it('with another port is another address with another key', () => {
    const address = SocketAddress.of('10.0.0.1', 7);
    const next = address.withPort(8);
    expect([address.port, next.port, next.host]).toEqual([7, 8, '10.0.0.1']);
    expect(next.key).not.toBe(address.key);
    expect(next.withPort(7).key).toBe(address.key);
  });
});

it.each([
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
  ['2001:db8::1', '2001:db8::1', true],
  ['2001:db8::1', '2001:db8::2', false],
  ['2001:db8::1', '2001:db9::1', false],
  ['::', '0.0.0.0', false],
])('tells whether %s is the same host as %s, whatever the ports are', (one, other, isSame) => {
  expect(SocketAddress.of(one, 1).isSameHost(SocketAddress.of(other, 2))).toBe(isSame);
});
