/** Listening sockets: they take all who come, and never go deaf. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { SocketAddress } from '@finch/core/net/socket-address';
import { ListenError, type ListenerOptions, TcpListener } from '@finch/core/net/tcp-listener';
import { TaskEvent } from '@finch/core/reactor/events';
import { native } from '@finch/native';
import { eventually } from '../../support/deadline';
import { linesInto, ThreadUnderTest } from './thread-under-test';

const LOOPBACK = SocketAddress.of('127.0.0.1', 0);
const CHILD_TIMEOUT_MS = 20_000;

let under: ThreadUnderTest;
let lines: string[];
let accepted: { fd: number; peer: SocketAddress }[];
let clients: number[];

beforeEach(() => {
  under = new ThreadUnderTest();
  lines = [];
  accepted = [];
  clients = [];
});
afterEach(async () => {
  for (const { fd } of accepted) native.socketClose(fd);
  for (const fd of clients) native.socketClose(fd);
  await under.stop();
});

function listenOn(address: SocketAddress, options?: ListenerOptions): TcpListener {
  const sink = {
    accepted: (fd: number, peer: SocketAddress) => {
      accepted.push({ fd, peer });
    },
  };
  return new TcpListener(under.thread, address, sink, linesInto(lines), options);
}

function connect(to: SocketAddress): number {
  const fd = native.tcpConnect(to.words, null, 0);
  clients.push(fd);
  return fd;
}

describe('a listener', () => {
  it.each(['127.0.0.1', '::1'])('on %s takes a free port and tells who came', async (host) => {
    const listener = listenOn(SocketAddress.of(host, 0));
    expect(listener.address.port).toBeGreaterThan(0);
    expect(listener.address.host).toBe(host);
    const client = connect(listener.address);
    await eventually(() => expect(accepted.length).toBe(1));
    const name = new Uint32Array(6);
    native.socketName(client, name);
    expect(accepted[0]!.peer.key).toBe(SocketAddress.fromWords(name).key);
  });

  it('on :: for both families takes IPv4 as well', async () => {
    const listener = listenOn(SocketAddress.of('::', 0), { bothFamilies: true });
    connect(LOOPBACK.withPort(listener.address.port));
    await eventually(() => expect(accepted.length).toBe(1));
    expect(accepted[0]!.peer.host).toBe('127.0.0.1');
  });

  it('takes all that wait, more than it takes in one run', async () => {
    const listener = listenOn(LOOPBACK);
    for (let i = 0; i < 150; i++) connect(listener.address);
    await eventually(() => expect(accepted.length).toBe(150));
    connect(listener.address);
    await eventually(() => expect(accepted.length).toBe(151));
  });

  it('that is killed gives its port back', async () => {
    const listener = listenOn(LOOPBACK);
    listener.signal(TaskEvent.kill);
    await eventually(() => expect(native.contextCount()).toBe(0));
    const next = listenOn(listener.address);
    expect(next.address.port).toBe(listener.address.port);
  });

  it.each([
    [
      'is taken',
      () => listenOn(LOOPBACK).address,
      'the port is taken by another program; choose one with --port',
    ],
    [
      'is not ours',
      () => SocketAddress.of('192.0.2.1', 80),
      'this machine has no such address; choose one with --host',
    ],
  ])('says in one line when the address %s, and leaves nothing', (_, address, why) => {
    const taken = address();
    const [tasks, contexts] = [under.thread.taskCount, native.contextCount()];
    const error = thrownBy(() => listenOn(taken));
    expect(error).toBeInstanceOf(ListenError);
    expect(error).toMatchObject({ message: `can't listen on ${taken}: ${why}` });
    expect([under.thread.taskCount, native.contextCount()]).toEqual([tasks, contexts]);
  });

  it('closes who waits when descriptors run out, says so once, and hears again', () => {
    const child = spawnSync(
      'sh',
      ['-c', `ulimit -n 64 && exec "${process.execPath}" "${join(__dirname, 'few-descriptors.js')}"`],
      { encoding: 'utf8', timeout: CHILD_TIMEOUT_MS },
    );
    expect(child.stderr).toBe('');
    expect(JSON.parse(child.stdout)).toEqual({
      lines: ['out of descriptors or memory: new connections are closed (EMFILE); raise "ulimit -n"'],
      errors: 0,
    });
  });
});

function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  return undefined;
}
