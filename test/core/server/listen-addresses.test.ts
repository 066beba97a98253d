/** Listeners of several addresses with one port, and machines without IPv6. */
import { Errno } from '@finch/core/net/errno';
import { SocketAddress } from '@finch/core/net/socket-address';
import type { TcpListener } from '@finch/core/net/tcp-listener';
import { openListeners } from '@finch/core/server/listen-addresses';
import { native } from '@finch/native';
import { eventually } from '../../support/deadline';
import { linesInto, ThreadUnderTest } from '../net/thread-under-test';

let under: ThreadUnderTest;
let lines: string[];
let peers: string[];

beforeEach(() => {
  under = new ThreadUnderTest();
  lines = [];
  peers = [];
});
afterEach(async () => {
  jest.restoreAllMocks();
  await under.stop();
});

function open(hosts: readonly string[], port = 0): TcpListener[] {
  const sink = {
    accepted: (fd: number, peer: SocketAddress) => {
      peers.push(peer.unmapped().host);
      native.socketClose(fd);
    },
  };
  const home = { thread: under.thread, sink, log: linesInto(lines) };
  return openListeners({ service: 'any', hosts, port }, home);
}

async function expectServed(host: string, port: number): Promise<void> {
  const before = peers.length;
  const fd = native.tcpConnect(SocketAddress.of(host, port).words, null, 0);
  await eventually(() => expect(peers.slice(before)).toEqual([host]));
  native.socketClose(fd);
}

/** A machine whose calls for IPv6 sockets fail so. */
function withoutIpv6(errno: number): void {
  const { tcpListen } = native;
  jest
    .spyOn(native, 'tcpListen')
    .mockImplementation((words, both) => (words[0] === 6 ? -errno : tcpListen(words, both)));
}

describe('openListeners', () => {
  it('serves both families on ::, by one listener', async () => {
    const [listener, ...more] = open(['::']);
    expect(more).toEqual([]);
    await expectServed('127.0.0.1', listener!.address.port);
    await expectServed('::1', listener!.address.port);
  });

  it('serves each address of a list on one free port', async () => {
    const listeners = open(['127.0.0.1', '::1', '127.0.0.2', '127.0.0.1']);
    const [{ port }] = listeners.map(({ address }) => address) as [SocketAddress];
    expect(listeners.map(({ address }) => String(address))).toEqual([
      `127.0.0.1:${port}`,
      `[::1]:${port}`,
      `127.0.0.2:${port}`,
    ]);
    await expectServed('127.0.0.1', port);
    await expectServed('::1', port);
  });

  it('leaves IPv4 to the IPv4 addresses that stand beside ::', async () => {
    const [{ address }] = open(['::', '0.0.0.0']) as [TcpListener, TcpListener];
    await expectServed('127.0.0.1', address.port);
    await expectServed('::1', address.port);
  });

  it.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'] as const)(
    'serves IPv4 alone on :: where IPv6 is missing (%s)',
    async (name) => {
      withoutIpv6(Errno[name]);
      const [listener] = open(['::']);
      expect(listener!.address.host).toBe('0.0.0.0');
      expect(lines).toEqual(['info: this machine has no IPv6: listening on IPv4 addresses only']);
      await expectServed('127.0.0.1', listener!.address.port);
    },
  );

  it('refuses an IPv6 address that is named where IPv6 is missing, and leaves nothing', () => {
    withoutIpv6(Errno.EAFNOSUPPORT);
    expect(() => open(['127.0.0.1', '::1'])).toThrow(
      /^can't listen on \[::1\]:\d+: this machine has no IPv6; choose another address with --host$/,
    );
  });

  it('refuses a port that is taken at one of the addresses', () => {
    const other = native.tcpListen(SocketAddress.of('127.0.0.2', 0).words, false);
    const words = new Uint32Array(6);
    native.socketName(other, words);
    const { port } = SocketAddress.fromWords(words);
    expect(() => open(['127.0.0.1', '127.0.0.2'], port)).toThrow(
      `can't listen on 127.0.0.2:${port}: the port is taken by another program`,
    );
    native.socketClose(other);
  });
});
