/** The addon's event thread: one-shot readiness as signals, and who closes descriptors when. */
import { readdirSync } from 'node:fs';
import { type NativeSignalPort, native } from '@finch/native';
import { eventually } from '../support/deadline';
import { addressWords, EBADF, nameOf, TcpPair, UdpSink } from './sockets-under-test';

const THREAD = 9;
const READABLE = 1;
const WRITABLE = 2;
const READ = 0x10;
const WRITE = 0x20;
const ESHUTDOWN = 108;
const EALREADY = 114;

const taskRef = (slot: number) => THREAD * 2 ** 46 + 2 ** 22 + slot;

let port: NativeSignalPort;
const heard = new Map<number, number[]>();
const into = new Uint32Array(3 * 64);

function listen(): void {
  const count = port.drain(into);
  for (let at = 0; at < count * 3; at += 3)
    heard.set(into[at]!, [...(heard.get(into[at]!) ?? []), into[at + 2]!]);
}

/** What the task of this slot was signalled so far. */
const signalsOf = (slot: number) => heard.get(slot) ?? [];

/** Resolves when the event thread has been through everything that was ready or closed before. */
async function settled(): Promise<void> {
  const probe = new UdpSink();
  const id = native.contextOpen(probe.fd, taskRef(60));
  const before = signalsOf(60).length;
  native.contextArm(id, WRITABLE);
  await eventually(() => expect(signalsOf(60).length).toBe(before + 1));
  native.contextClose(id);
}

const openDescriptors = () => readdirSync('/proc/self/fd').length;

beforeEach(() => {
  heard.clear();
  port = new native.SignalPort(THREAD, listen);
  expect(native.eventThreadStart()).toBe(0);
});

afterEach(() => {
  native.eventThreadStop();
  port.close();
});

describe('a context', () => {
  it('is heard once for each time it is armed', async () => {
    const tcp = new TcpPair();
    const id = native.contextOpen(tcp.disown(tcp.server), taskRef(1));
    native.tcpSend(tcp.client, Uint8Array.of(1), 0);
    await settled();
    expect(signalsOf(1)).toEqual([]);
    native.contextArm(id, READABLE);
    await eventually(() => expect(signalsOf(1)).toEqual([READ]));
    native.tcpSend(tcp.client, Uint8Array.of(2), 0);
    await settled();
    expect(signalsOf(1)).toEqual([READ]);
    native.contextArm(id, READABLE);
    await eventually(() => expect(signalsOf(1)).toEqual([READ, READ]));
    native.contextClose(id);
    tcp.closeBoth();
  });

  it.each([
    ['readable', READABLE, READ],
    ['writable', WRITABLE, WRITE],
    ['either', READABLE | WRITABLE, READ | WRITE],
  ])('armed for %s hears what is true of it', async (_, mask, events) => {
    const tcp = new TcpPair();
    const id = native.contextOpen(tcp.disown(tcp.server), taskRef(1));
    native.tcpSend(tcp.client, Uint8Array.of(1), 0);
    native.contextArm(id, mask);
    await eventually(() => expect(signalsOf(1)).toEqual([events]));
    native.contextClose(id);
    tcp.closeBoth();
  });

  it('hears that its peer has gone', async () => {
    const tcp = new TcpPair();
    const id = native.contextOpen(tcp.disown(tcp.server), taskRef(1));
    native.contextArm(id, READABLE);
    tcp.close(tcp.client);
    await eventually(() => expect(signalsOf(1)).toEqual([READ]));
    expect(native.tcpReceive(tcp.server, new Uint8Array(1))).toBe(0);
    native.contextClose(id);
  });

  it('that is closed hears nothing, and its id means nothing any more', async () => {
    const tcp = new TcpPair();
    const id = native.contextOpen(tcp.disown(tcp.server), taskRef(1));
    native.contextArm(id, READABLE);
    expect(native.contextClose(id)).toBe(0);
    native.tcpSend(tcp.client, Uint8Array.of(1), 0);
    await eventually(() => expect(native.contextCount()).toBe(0));
    expect(signalsOf(1)).toEqual([]);
    expect(native.contextClose(id)).toBe(-EBADF);
    expect(native.contextArm(id, READABLE)).toBe(-EBADF);
    tcp.closeBoth();
  });

  it('that is released hears nothing, and its descriptor is open for another context', async () => {
    for (let round = 0; round < 50; round++) {
      const tcp = new TcpPair();
      const id = native.contextOpen(tcp.server, taskRef(1));
      native.contextArm(id, READABLE);
      if (round % 2 === 0) native.tcpSend(tcp.client, Uint8Array.of(1), 0); // an event is under way
      expect(native.contextRelease(id)).toBe(tcp.server);
      expect([native.contextRelease(id), native.contextClose(id)]).toEqual([-EBADF, -EBADF]);
      if (round % 2 === 1) native.tcpSend(tcp.client, Uint8Array.of(1), 0);
      const next = native.contextOpen(tcp.disown(tcp.server), taskRef(2));
      const before = signalsOf(2).length;
      native.contextArm(next, READABLE);
      await eventually(() => expect(signalsOf(2).length).toBe(before + 1));
      expect(native.tcpReceive(tcp.server, new Uint8Array(2))).toBe(1);
      native.contextClose(next);
      tcp.closeBoth();
    }
    // What was signalled before the release is heard; nothing of it after.
    expect(signalsOf(1).length).toBeLessThanOrEqual(25);
    await eventually(() => expect(native.contextCount()).toBe(0));
  });

  it('is not taken for the next one in its slot', async () => {
    const first = new TcpPair();
    const staleId = native.contextOpen(first.disown(first.server), taskRef(1));
    native.contextClose(staleId);
    await eventually(() => expect(native.contextCount()).toBe(0));
    const second = new TcpPair();
    const id = native.contextOpen(second.disown(second.server), taskRef(2));
    expect(id).not.toBe(staleId);
    native.tcpSend(second.client, Uint8Array.of(1), 0);
    expect(native.contextArm(staleId, READABLE)).toBe(-EBADF);
    expect(native.contextClose(staleId)).toBe(-EBADF);
    await settled();
    expect(signalsOf(2)).toEqual([]);
    native.contextArm(id, READABLE);
    await eventually(() => expect(signalsOf(2)).toEqual([READ]));
    native.contextClose(id);
    first.closeBoth();
    second.closeBoth();
  });

  it('keeps its descriptor number until the event thread has closed it', async () => {
    for (let round = 0; round < 50; round++) {
      const tcp = new TcpPair();
      const id = native.contextOpen(tcp.disown(tcp.server), taskRef(round % 32));
      native.contextArm(id, READABLE);
      tcp.close(tcp.client); // an event is under way
      native.contextClose(id);
      const other = new UdpSink();
      // Open by name means that the number has not been given away before it left the epoll set.
      expect(native.contextArm(native.contextOpen(other.fd, taskRef(40)), READABLE)).toBe(0);
    }
    await settled();
    expect(signalsOf(40)).toEqual([]);
    expect(native.eventThreadStop()).toBe(50);
  });

  it('is counted until its descriptor is closed, and then the descriptor is gone', async () => {
    const sinks = Array.from({ length: 20 }, () => new UdpSink());
    const ids = sinks.map(({ fd }) => native.contextOpen(fd, taskRef(1)));
    expect(native.contextCount()).toBe(20);
    for (const id of ids) native.contextClose(id);
    await eventually(() => expect(native.contextCount()).toBe(0));
    const name = new Uint32Array(6);
    expect(sinks.map(({ fd }) => native.socketName(fd, name))).toEqual(sinks.map(() => -EBADF));
  });

  it.each([
    ['is not open', () => 1_000_000],
    ['is negative', () => -1],
  ])('is refused for a descriptor that %s, and the slot is free for the next', (_, fd) => {
    expect(native.contextOpen(fd(), taskRef(1))).toBe(-EBADF);
    expect(native.contextCount()).toBe(0);
  });
});

describe('the event thread', () => {
  it('starts once', () => {
    expect(native.eventThreadStart()).toBe(-EALREADY);
  });

  it('tells how many descriptors were left when it stops, closes them, and takes none after that', () => {
    const before = openDescriptors();
    const listener = native.tcpListen(addressWords('127.0.0.1', 0), false);
    const sink = new UdpSink();
    const staleId = native.contextOpen(listener, taskRef(1));
    native.contextOpen(sink.fd, taskRef(2));
    expect(native.eventThreadStop()).toBe(2);
    expect(native.contextCount()).toBe(0);
    expect(openDescriptors()).toBe(before - 2); // its own two are gone, too
    expect(native.eventThreadStop()).toBe(0);
    expect(native.contextClose(staleId)).toBe(-EBADF);

    const late = new UdpSink();
    expect(native.contextOpen(late.fd, taskRef(3))).toBe(-ESHUTDOWN);
    expect(nameOf(late.fd)[1]).toBe(late.address[1]); // still the caller's
    late.close();
  });

  it('knows no id of its earlier life', () => {
    const staleId = native.contextOpen(new UdpSink().fd, taskRef(1));
    native.eventThreadStop();
    native.eventThreadStart();
    const id = native.contextOpen(new UdpSink().fd, taskRef(2));
    expect(native.contextClose(staleId)).toBe(-EBADF);
    expect(native.contextCount()).toBe(1);
    expect(native.contextClose(id)).toBe(0);
  });
});
