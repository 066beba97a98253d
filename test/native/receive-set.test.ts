/** The addon's receive sets: many descriptors read by one call, each row in a slot of its own. */
import { constants } from 'node:os';
import { native } from '@finch/native';
import { MadeBatch } from './made-plan';
import { Kind, SetUnderTest } from './set-under-test';
import { addressWords, EBADF, EINVAL, nameOf, onceArrived, TcpPair, UdpSink } from './sockets-under-test';

const { ECONNREFUSED, ECONNRESET, EEXIST, ENOENT } = constants.errno;
const LARGEST_TAG = 2 ** 30 - 1;

const open: { close(): void }[] = [];
let set: SetUnderTest;

beforeEach(() => {
  set = closedLater(new SetUnderTest());
});

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function closedLater<Open extends { close(): void }>(one: Open): Open {
  open.push(one);
  return one;
}

function aPair(): TcpPair {
  const tcp = new TcpPair();
  open.push({ close: () => tcp.closeBoth() });
  return tcp;
}

/** A UDP socket of the set. */
function aMember(tag: number): UdpSink {
  const sink = closedLater(new UdpSink());
  expect(set.add(sink.fd, Kind.datagrams, tag)).toBe(0);
  return sink;
}

/** Sends each of `bytes` as a datagram of its own. */
function sendTo(sink: UdpSink, ...bytes: number[][]): void {
  const batch = new MadeBatch();
  const sender = new UdpSink();
  let offset = 0;
  for (const datagram of bytes) {
    batch.arena.set(datagram, offset);
    batch.addDatagram(sender.fd, offset, datagram.length, sink.address);
    offset += datagram.length;
  }
  expect(batch.flush()).toEqual([]);
  batch.native.close();
  sender.close();
}

function connectTo(address: Uint32Array): number {
  const fd = native.tcpConnect(address, null, 0);
  expect(fd).toBeGreaterThan(0);
  open.push({ close: () => native.socketClose(fd) });
  return fd;
}

describe('a receive set', () => {
  it('gives no rows when nothing is there', () => {
    expect(set.takeNow()).toEqual([]);
    aMember(1);
    expect(set.takeNow()).toEqual([]);
  });

  it('gives the datagrams of each socket in order, under its tag', () => {
    const one = aMember(0);
    const other = aMember(LARGEST_TAG);
    sendTo(one, [1, 2], [3]);
    sendTo(other, [4, 5, 6]);
    const rows = set.take(3);
    const bytesOf = (wanted: number) =>
      rows.filter(({ tag }) => tag === wanted).map(({ bytes }) => [...bytes]);
    expect(bytesOf(0)).toEqual([[1, 2], [3]]);
    expect(bytesOf(LARGEST_TAG)).toEqual([[4, 5, 6]]);
    expect(rows.map(({ kind }) => kind)).toEqual([Kind.datagrams, Kind.datagrams, Kind.datagrams]);
    expect(rows.every(({ result, bytes }) => result === bytes.length)).toBe(true);
  });

  it('takes no more of one socket in a call than it is told, so that all get their turn', () => {
    const greedy = aMember(1);
    const modest = aMember(2);
    sendTo(greedy, [1], [2], [3], [4], [5]);
    sendTo(modest, [9]);
    const calls: number[][] = [];
    while (calls.flat().length < 6) {
      const rows = set.takeOnce(2);
      if (rows.length === 0) break;
      calls.push(rows.map(({ tag }) => tag));
    }
    expect(calls.flat().sort()).toEqual([1, 1, 1, 1, 1, 2]);
    for (const tags of calls) expect(tags.filter((tag) => tag === 1).length).toBeLessThanOrEqual(2);
  });

  it('leaves what there is no slot for to the next call', () => {
    const small = closedLater(new SetUnderTest(2, 4));
    const sink = closedLater(new UdpSink());
    small.add(sink.fd, Kind.datagrams, 1);
    sendTo(sink, [1], [2], [3]);
    const rows = [...small.takeOnce(), ...small.takeOnce(), ...small.takeOnce()].slice(0, 3);
    expect(rows.map(({ bytes }) => [...bytes])).toEqual([[1], [2], [3]]);
  });

  it('cuts a datagram that is longer than its slot, and not into the next one', () => {
    const small = closedLater(new SetUnderTest(2, 4));
    const sink = closedLater(new UdpSink());
    small.add(sink.fd, Kind.datagrams, 1);
    sendTo(sink, [1, 2, 3, 4, 5, 6], [7]);
    expect(small.take(2).map(({ bytes }) => [...bytes])).toEqual([[1, 2, 3, 4], [7]]);
  });

  it.each([
    ['no slots', 0, 8, 8],
    ['slots of no bytes', 8, 0, 8],
    ['no rows', 8, 8, 0],
  ])('refuses memory with %s (EINVAL)', (_, bytes, slotBytes, words) => {
    const [into, rows] = [new Uint8Array(bytes), new Float64Array(words)];
    expect(native.receiveSetTake(set.fd, into, slotBytes, 1, rows)).toBe(-EINVAL);
  });
});

describe('a stream of a set', () => {
  it('gives its bytes, and 0 at its end', () => {
    const tcp = aPair();
    set.add(tcp.client, Kind.stream, 7);
    native.tcpSend(tcp.server, Uint8Array.of(1, 2, 3), 0);
    expect(set.takeOnce()).toMatchObject([{ tag: 7, kind: Kind.stream, result: 3, segmentBytes: 0 }]);
    tcp.close(tcp.server);
    expect(set.takeOnce()).toMatchObject([{ tag: 7, kind: Kind.stream, result: 0 }]);
  });

  it('gives the error that broke it', () => {
    const tcp = aPair();
    set.add(tcp.client, Kind.stream, 7);
    native.tcpSend(tcp.client, Uint8Array.of(1, 2), 0);
    onceArrived(() => native.tcpReceive(tcp.server, new Uint8Array(1)));
    tcp.close(tcp.server); // with a byte unread: the peer gets a reset
    expect(set.takeOnce()).toMatchObject([{ tag: 7, kind: Kind.stream, result: -ECONNRESET }]);
  });

  it('that connects says when it is there, and is a stream from then on', () => {
    const listener = native.tcpListen(addressWords('127.0.0.1', 0), false);
    open.push({ close: () => native.socketClose(listener) });
    const fd = connectTo(nameOf(listener));
    set.add(fd, Kind.connecting, 5);
    expect(set.takeOnce()).toMatchObject([{ tag: 5, kind: Kind.connecting, result: 0 }]);
    expect(set.takeNow()).toEqual([]);
    const server = onceArrived(() => native.tcpAccept(listener, new Uint32Array(6)));
    open.push({ close: () => native.socketClose(server) });
    native.tcpSend(server, Uint8Array.of(1), 0);
    expect(set.takeOnce()).toMatchObject([{ tag: 5, kind: Kind.stream, result: 1 }]);
  });

  it('that nobody listens for says so', () => {
    const gone = native.tcpListen(addressWords('127.0.0.1', 0), false);
    const address = nameOf(gone);
    native.socketClose(gone);
    set.add(connectTo(address), Kind.connecting, 5);
    expect(set.takeOnce()).toMatchObject([{ tag: 5, kind: Kind.connecting, result: -ECONNREFUSED }]);
  });
});

describe('a member of a set', () => {
  it('is heard no more once it is removed, and may come back under another tag', () => {
    const sink = aMember(1);
    expect(native.receiveSetRemove(set.fd, sink.fd)).toBe(0);
    sendTo(sink, [1]);
    const other = aMember(2);
    sendTo(other, [2]);
    expect(set.take(1)).toMatchObject([{ tag: 2 }]);
    expect(set.takeNow()).toEqual([]);
    set.add(sink.fd, Kind.datagrams, 3);
    expect(set.take(1)).toMatchObject([{ tag: 3 }]);
  });

  it('leaves by being closed', () => {
    const sink = new UdpSink();
    set.add(sink.fd, Kind.datagrams, 1);
    sendTo(sink, [1]);
    sink.close();
    expect(set.takeNow()).toEqual([]);
  });

  it('can join once, and leave once', () => {
    const sink = aMember(1);
    expect(set.add(sink.fd, Kind.datagrams, 2)).toBe(-EEXIST);
    expect(native.receiveSetRemove(set.fd, sink.fd)).toBe(0);
    expect(native.receiveSetRemove(set.fd, sink.fd)).toBe(-ENOENT);
  });

  it.each([
    ['the set', (fd: number) => native.receiveSetAdd(-1, fd, Kind.datagrams, 1)],
    ['the descriptor', () => native.receiveSetAdd(set.fd, 1_000_000, Kind.datagrams, 1)],
    ['the set to remove from', (fd: number) => native.receiveSetRemove(-1, fd)],
    ['the set to take from', () => native.receiveSetTake(-1, new Uint8Array(8), 8, 1, new Float64Array(8))],
  ])('is refused when %s is no descriptor', (_, call) => {
    expect(call(aMember(1).fd)).toBe(-EBADF);
  });
});
