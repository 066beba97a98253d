/** The addon's socket calls, and how addresses cross. */
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { native } from '@finch/native';
import {
  addressWords,
  EAGAIN,
  EBADF,
  EINVAL,
  nameOf,
  onceArrived,
  TcpPair,
  UdpSink,
} from './sockets-under-test';

const { EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT } = constants.errno;
const HOSTS = ['127.0.0.1', '::1'] as const;
const bytesOf = (words: Uint32Array) => [...new Uint8Array(words.buffer, words.byteOffset + 8, 16)];

describe.each(HOSTS)('addresses of %s', (host) => {
  it('are six words: family, port, bytes in network order', () => {
    const wanted = addressWords(host, 0);
    const fd = native.tcpListen(wanted, false);
    const name = nameOf(fd);
    native.socketClose(fd);
    expect(name[0]).toBe(host === '::1' ? 6 : 4);
    expect(name[1]).toBeGreaterThan(0);
    expect(bytesOf(name)).toEqual(bytesOf(wanted));
  });

  it('of a peer are its own name', () => {
    const listener = native.tcpListen(addressWords(host, 0), false);
    const client = native.tcpConnect(nameOf(listener), null, 0);
    const peer = new Uint32Array(6);
    const server = onceArrived(() => native.tcpAccept(listener, peer));
    expect(peer).toEqual(nameOf(client));
    expect(nameOf(server)).toEqual(nameOf(listener));
    for (const fd of [server, client, listener]) native.socketClose(fd);
  });
});

describe('a listener', () => {
  it('says when nobody waits', () => {
    const fd = native.tcpListen(addressWords('127.0.0.1', 0), false);
    expect(native.tcpAccept(fd, new Uint32Array(6))).toBe(-EAGAIN);
    native.socketClose(fd);
  });

  it('for both families sees IPv4 peers as mapped addresses (RFC 4291 §2.5.5.2)', () => {
    const listener = native.tcpListen(addressWords('::', 0), true);
    const client = native.tcpConnect(addressWords('127.0.0.1', nameOf(listener)[1]!), null, 0);
    const peer = new Uint32Array(6);
    const server = onceArrived(() => native.tcpAccept(listener, peer));
    expect(peer[0]).toBe(6);
    expect(bytesOf(peer)).toEqual([...new Array<number>(10).fill(0), 255, 255, 127, 0, 0, 1]);
    for (const fd of [server, client, listener]) native.socketClose(fd);
  });

  it('for IPv6 alone leaves the IPv4 port to another', () => {
    const v6 = native.tcpListen(addressWords('::', 0), false);
    const v4 = native.tcpListen(addressWords('0.0.0.0', nameOf(v6)[1]!), false);
    expect(v4).toBeGreaterThan(0);
    for (const fd of [v4, v6]) native.socketClose(fd);
  });

  it.each([
    ['is taken', (port: number) => addressWords('127.0.0.1', port), -EADDRINUSE],
    ['is not ours', () => Uint32Array.of(4, 0, 0x01020309, 0, 0, 0), -EADDRNOTAVAIL],
    ['has no family', () => new Uint32Array(6), -EAFNOSUPPORT],
  ])('is refused when the address %s, and keeps no descriptor', (_, address, error) => {
    const other = native.tcpListen(addressWords('127.0.0.1', 0), false);
    const before = readdirSync('/proc/self/fd').length;
    expect(native.tcpListen(address(nameOf(other)[1]!), false)).toBe(error);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
    native.socketClose(other);
  });
});

describe('a stream', () => {
  it('gives bytes, -EAGAIN when there are none, and 0 at its end', () => {
    const tcp = new TcpPair();
    const into = new Uint8Array(8);
    expect(native.tcpReceive(tcp.server, into)).toBe(-EAGAIN);
    expect(native.tcpSend(tcp.client, Uint8Array.of(1, 2, 3, 4), 1)).toBe(3);
    expect(onceArrived(() => native.tcpReceive(tcp.server, into.subarray(2)))).toBe(3);
    expect([...into]).toEqual([0, 0, 2, 3, 4, 0, 0, 0]);
    tcp.close(tcp.client);
    expect(onceArrived(() => native.tcpReceive(tcp.server, into))).toBe(0);
    tcp.closeBoth();
  });

  it('sends nothing from behind the end of the bytes', () => {
    const tcp = new TcpPair();
    expect(native.tcpSend(tcp.client, Uint8Array.of(1), 5)).toBe(0);
    tcp.closeBoth();
  });

  it.each([
    ['tcpReceive', (fd: number) => native.tcpReceive(fd, new Uint8Array(1))],
    ['tcpSend', (fd: number) => native.tcpSend(fd, new Uint8Array(1), 0)],
    ['tcpAccept', (fd: number) => native.tcpAccept(fd, new Uint32Array(6))],
    ['socketName', (fd: number) => native.socketName(fd, new Uint32Array(6))],
    ['socketClose', (fd: number) => native.socketClose(fd)],
    ['udpReceive', (fd: number) => native.udpReceive(fd, new Uint8Array(8), 8, new Uint32Array(7))],
  ])('%s refuses what is no descriptor', (_, call) => {
    expect(call(-1)).toBe(-EBADF);
    expect(call(1_000_000)).toBe(-EBADF);
  });
});

describe.each(HOSTS)('UDP on %s', (host) => {
  it('gives each datagram its slot, its length and its sender', () => {
    const sender = new UdpSink(host);
    const sink = new UdpSink(host);
    const batch = new native.PacketBatch(
      Uint32Array.of(
        ...[3, sender.fd, 0, 3, 0, 0, 0, 0, 0, 0, ...sink.address],
        ...[3, sender.fd, 3, 0, 0, 0, 0, 0, 0, 0, ...sink.address],
        ...[3, sender.fd, 1, 9, 0, 0, 0, 0, 0, 0, ...sink.address],
      ),
      Uint8Array.from({ length: 10 }, (_, i) => i),
      new Int32Array(6),
      new Float64Array(4),
    );
    expect(batch.flush(3)).toBe(0);
    const into = new Uint8Array(4 * 4).fill(0xee);
    const rows = new Uint32Array(4 * 7);
    const counts: number[] = [];
    while (counts.reduce((sum, count) => sum + count, 0) < 3) {
      const done = counts.reduce((sum, count) => sum + count, 0);
      counts.push(
        onceArrived(() => native.udpReceive(sink.fd, into.subarray(done * 4), 4, rows.subarray(done * 7))),
      );
      expect(counts.at(-1)).toBeGreaterThan(0);
    }
    // The third one is cut to its slot.
    expect([rows[0], rows[7], rows[14]]).toEqual([3, 0, 4]);
    expect([...into.subarray(0, 12)]).toEqual([0, 1, 2, 0xee, 0xee, 0xee, 0xee, 0xee, 1, 2, 3, 4]);
    expect(rows.slice(1, 7)).toEqual(sender.address);
    expect(native.udpReceive(sink.fd, into, 4, rows)).toBe(-EAGAIN);
    for (const { fd } of [sender, sink]) native.socketClose(fd);
  });
});

describe('udpReceive', () => {
  it('takes no more than both memories have room for', () => {
    const sink = new UdpSink();
    expect(native.udpReceive(sink.fd, new Uint8Array(7), 8, new Uint32Array(7))).toBeLessThanOrEqual(0);
    expect(native.udpReceive(sink.fd, new Uint8Array(8), 8, new Uint32Array(6))).toBeLessThanOrEqual(0);
    expect(native.udpReceive(sink.fd, new Uint8Array(8), 0, new Uint32Array(7))).toBe(-EINVAL);
    sink.close();
  });
});
