/** The addon's tcpConnect: streams that connect, from where they are told, with the buffer that they are told. */
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { native } from '@finch/native';
import { addressWords, nameOf, onceArrived } from './sockets-under-test';

const { EADDRNOTAVAIL, EAFNOSUPPORT } = constants.errno;
const HOSTS = ['127.0.0.1', '::1'] as const;
const open: number[] = [];

afterEach(() => {
  for (const fd of open.splice(0)) native.socketClose(fd);
});

function opened(fd: number): number {
  if (fd < 0) throw new Error(`no descriptor: ${fd}`);
  open.push(fd);
  return fd;
}

const listen = (host: (typeof HOSTS)[number] = '127.0.0.1') =>
  opened(native.tcpListen(addressWords(host, 0), false));

/** The connection that `listener` has, and its peer's address. */
function accept(listener: number): { fd: number; peer: Uint32Array } {
  const peer = new Uint32Array(6);
  return { fd: opened(onceArrived(() => native.tcpAccept(listener, peer))), peer };
}

/** How much a viewer with this receive buffer, who does not read, can be sent. */
function sendable(receiveBufferBytes: number): number {
  const listener = listen();
  opened(native.tcpConnect(nameOf(listener), null, receiveBufferBytes));
  const { fd } = accept(listener);
  const bytes = new Uint8Array(1 << 16);
  let sent = 0;
  for (let more = 0; more >= 0; more = native.tcpSend(fd, bytes, 0)) sent += more;
  return sent;
}

describe('tcpConnect', () => {
  it.each(HOSTS)('connects to a listener of %s', (host) => {
    const listener = listen(host);
    const fd = opened(native.tcpConnect(nameOf(listener), null, 0));
    expect(accept(listener).peer).toEqual(nameOf(fd));
  });

  it('comes from the address that it is given, and from a port that is free', () => {
    const listener = listen();
    const local = addressWords('127.0.0.1', 0);
    new Uint8Array(local.buffer, 8)[3] = 7;
    const peers = [1, 2].map(() => {
      opened(native.tcpConnect(nameOf(listener), local, 0));
      return accept(listener).peer;
    });
    for (const peer of peers) expect([...new Uint8Array(peer.buffer, 8, 4)]).toEqual([127, 0, 0, 7]);
    expect(peers[0]![1]).not.toBe(peers[1]![1]);
  });

  it('has a window as large as the receive buffer that it is given', () => {
    expect(sendable(4096) + 500_000).toBeLessThan(sendable(1 << 21));
  });

  it.each([
    ['an address without family', new Uint32Array(6), null, -EAFNOSUPPORT],
    [
      'to come from an address that is not ours',
      addressWords('127.0.0.1', 9),
      Uint32Array.of(4, 0, 0x01020309, 0, 0, 0),
      -EADDRNOTAVAIL,
    ],
  ])('refuses %s, and keeps no descriptor', (_, to, from, error) => {
    const before = readdirSync('/proc/self/fd').length;
    expect(native.tcpConnect(to, from, 0)).toBe(error);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});
