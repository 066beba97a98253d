/** The RTP and RTCP sockets of a task thread: two neighbouring ports (RFC 3550 §11), claims and what waits. */

import type { RefusedRow } from '@finch/core';
import { SocketAddress } from '@finch/core/net/socket-address';
import { UdpDestination } from '@finch/core/net/udp-destination';
import { UdpPair } from '@finch/core/net/udp-pair';
import { TaskEvent } from '@finch/core/reactor/events';
import { native } from '@finch/native';
import { Folder, patternBytes } from '../../native/file-under-test';
import { makePlan, wirePacket } from '../../native/made-plan';
import { expectDatagrams, UdpSink } from '../../native/sockets-under-test';
import { eventually } from '../../support/deadline';
import { ThreadUnderTest } from './thread-under-test';

const MAX_WAITING_ROWS = 8192;
const EAGAIN = 11;
const HOST = SocketAddress.of('127.0.0.1', 0);

let under: ThreadUnderTest;
let pair: UdpPair;
let peer: UdpSink;
let peerAddress: SocketAddress;

beforeEach(() => {
  under = new ThreadUnderTest();
  pair = new UdpPair(under.thread, under.batch, HOST);
  peer = new UdpSink();
  peerAddress = SocketAddress.fromWords(peer.address);
});
afterEach(async () => {
  peer.close();
  await under.stop();
});

const rtcpAddress = () => pair.rtpAddress.withPort(pair.rtpAddress.port + 1);

/** Sends a datagram from the peer to the pair. */
function sendToPair(bytes: Uint8Array, to: SocketAddress, from = peer): void {
  const row = Uint32Array.of(3, from.fd, 0, bytes.length, 0, 0, 0, 0, 0, 0, ...to.words);
  const batch = new native.PacketBatch(row, bytes, new Int32Array(2), new Float64Array(4));
  expect(batch.flush(1)).toBe(0);
}

/** A viewer as an RTP transport is one: what is refused for now is kept. */
class Viewer extends UdpDestination {
  readonly heard: { bytes: Buffer; from: string }[] = [];
  rowRefused(refused: RefusedRow): void {
    if (refused.code === -EAGAIN) pair.keep(refused, this);
  }
  datagram(bytes: Uint8Array, from: SocketAddress): void {
    this.heard.push({ bytes: Buffer.from(bytes), from: from.toString() });
  }
}

describe('a pair', () => {
  it('has an even port and the next one', () => {
    expect(pair.rtpAddress.port % 2).toBe(0);
    expect(pair.rtpAddress.port).toBeGreaterThanOrEqual(16384);
    expect(native.udpBind(pair.rtpAddress.words, 0, 0)).toBeLessThan(0);
    expect(native.udpBind(rtcpAddress().words, 0, 0)).toBeLessThan(0);
  });

  it('works on IPv6', async () => {
    const v6 = new UdpPair(under.thread, under.batch, SocketAddress.of('::1', 0));
    const sink = new UdpSink('::1');
    v6.sendReport(Uint8Array.of(1), SocketAddress.fromWords(sink.address));
    under.batch.flush();
    expect(sink.take(1)).toEqual([Buffer.of(1)]);
    sink.close();
    v6.signal(TaskEvent.kill);
    await eventually(() => expect(v6.isDeleted).toBe(true));
  });

  it('that finds no ports leaves no task and no descriptor', () => {
    const [tasks, contexts] = [under.thread.taskCount, native.contextCount()];
    expect(() => new UdpPair(under.thread, under.batch, SocketAddress.of('192.0.2.1', 0))).toThrow(
      'no free pair of UDP ports on 192.0.2.1: EADDRNOTAVAIL',
    );
    expect([under.thread.taskCount, native.contextCount()]).toEqual([tasks, contexts]);
  });

  it('closes both sockets when it is killed', async () => {
    pair.signal(TaskEvent.kill);
    await eventually(() => expect(native.contextCount()).toBe(0));
    const fd = native.udpBind(pair.rtpAddress.words, 0, 0);
    expect(fd).toBeGreaterThan(0);
    native.socketClose(fd);
  });
});

describe('what arrives', () => {
  it('goes to whoever claimed its sender; what comes to the RTP port is heard by nobody', async () => {
    const viewer = new Viewer(peerAddress);
    pair.claim(peerAddress, viewer);
    sendToPair(Uint8Array.of(3), pair.rtpAddress);
    sendToPair(Uint8Array.of(1, 2), rtcpAddress());
    sendToPair(Uint8Array.of(4), pair.rtpAddress);
    sendToPair(Uint8Array.of(5), rtcpAddress());
    await eventually(() => expect(viewer.heard.length).toBe(2));
    const from = peerAddress.toString();
    expect(viewer.heard.map(({ bytes }) => [...bytes])).toEqual([[1, 2], [5]]);
    expect(viewer.heard.every((one) => one.from === from)).toBe(true);
    expect(pair.strangers).toBe(0);
  });

  it('from strangers is counted and dropped, and the claimed go on', async () => {
    const viewer = new Viewer(peerAddress);
    const stranger = new UdpSink();
    pair.claim(peerAddress, viewer);
    for (let i = 0; i < 40; i++) sendToPair(Uint8Array.of(i), rtcpAddress(), stranger);
    sendToPair(Uint8Array.of(99), rtcpAddress());
    await eventually(() => expect(viewer.heard.length).toBe(1));
    expect(pair.strangers).toBe(40);
    stranger.close();
  });

  it('is heard again and again', async () => {
    const viewer = new Viewer(peerAddress);
    pair.claim(peerAddress, viewer);
    for (let i = 1; i <= 5; i++) {
      sendToPair(Uint8Array.of(i), rtcpAddress());
      await eventually(() => expect(viewer.heard.length).toBe(i));
    }
  });

  it('more than fits one call is heard to the end', async () => {
    const viewer = new Viewer(peerAddress);
    pair.claim(peerAddress, viewer);
    for (let i = 0; i < 100; i++) sendToPair(Uint8Array.of(i), rtcpAddress());
    await eventually(() => expect(viewer.heard.length).toBe(100));
    expect(viewer.heard.map(({ bytes }) => bytes[0])).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});

describe('a claim', () => {
  it('is not taken away by a later one, and ended only by its owner', async () => {
    const [first, second] = [new Viewer(peerAddress), new Viewer(peerAddress)];
    pair.claim(peerAddress, first);
    pair.claim(peerAddress, second);
    expect(pair.claims).toBe(1);
    sendToPair(Uint8Array.of(1), rtcpAddress());
    await eventually(() => expect([first.heard.length, second.heard.length]).toEqual([1, 1]));
    pair.unclaim(peerAddress, second);
    expect(pair.claims).toBe(1);
    sendToPair(Uint8Array.of(2), rtcpAddress());
    await eventually(() => expect(first.heard.length).toBe(2));
    expect(second.heard.length).toBe(1);
    pair.unclaim(peerAddress, first);
    expect(pair.claims).toBe(0);
    sendToPair(Uint8Array.of(1), rtcpAddress());
    await eventually(() => expect(pair.strangers).toBe(1));
  });
});

describe('what waits for the socket', () => {
  const bytes = patternBytes(5000);
  const packets = Array.from({ length: 10 }, (_, i) => ({
    prefix: Uint8Array.of(i),
    offset: i * 100,
    sizeBytes: 900,
    marker: i === 9,
  }));
  const run = { firstPacket: 0, packetCount: 10, ssrc: 3, sequence: 65_530, payloadType: 96, timestamp: 7 };
  const wire = packets.map((packet, i) =>
    wirePacket(packet, bytes, { ...run, fd: 0, plan: 0, packets: 10 }, i),
  );
  let folder: Folder;

  beforeEach(() => {
    folder = new Folder();
  });
  afterEach(() => folder.remove());

  function planOf() {
    const file = folder.map('movie', bytes);
    const plan = under.batch.registerPlan(makePlan(packets), file.id);
    native.fileClose(file.id);
    return plan;
  }

  /** The row of the whole run as the batch hands it back from a full socket: seen through a stand-in's refusal. */
  function refusedRow(plan: ReturnType<typeof planOf>, from: number): RefusedRow {
    const fd = 0;
    const row = new Uint32Array(16);
    row.set([1, fd, plan.handle, from, 10 - from, 3, ((65_530 + from) & 0xffff) | (96 << 16), 7]);
    row.set(peerAddress.words, 10);
    return { code: -EAGAIN, row, plan, rest: null };
  }

  it('is sent again when there is room, and later runs come behind it', async () => {
    const plan = planOf();
    const viewer = new Viewer(peerAddress);
    pair.sendRun({ ...run, plan, packetCount: 4 }, viewer);
    under.batch.flush();
    const refused = refusedRow(plan, 4);
    refused.row[1] = ownRtpDescriptor();
    pair.keep({ ...refused, row: refused.row.slice() }, viewer);
    expect(plan.holders).toBe(1);
    pair.sendRun({ ...run, plan, firstPacket: 0, packetCount: 2 }, viewer);
    expect(plan.holders).toBe(2);
    const taken: Buffer[] = [];
    await eventually(() => {
      taken.push(...peer.take(0));
      expect(taken.length).toBe(12);
    });
    expectDatagrams(taken, [...wire, ...wire.slice(0, 2)]);
    expect(plan.holders).toBe(0);
    under.batch.retirePlan(plan);
  });

  it('goes again with the sequence numbers it had in front of its payloads (RFC 4588 §4), but not when others wait', async () => {
    const plan = planOf();
    const viewer = new Viewer(peerAddress);
    pair.sendAgain({ ...run, plan, firstPacket: 3, packetCount: 3 }, 65_534, viewer);
    under.batch.flush();
    const taken: Buffer[] = [];
    await eventually(() => {
      taken.push(...peer.take(0));
      expect(taken.length).toBe(3);
    });
    for (const [i, datagram] of taken.entries()) {
      const first = wire[3 + i]!;
      expect(datagram.readUInt16BE(12)).toBe((65_534 + i) & 0xffff);
      expect(datagram.readUInt16BE(2)).toBe((wire[0]!.readUInt16BE(2) + i) & 0xffff);
      expect(datagram[1]).toBe(first[1]);
      expect(datagram.subarray(14).equals(first.subarray(12))).toBe(true);
    }
    pair.keep(refusedRow(plan, 4), viewer);
    pair.sendAgain({ ...run, plan, packetCount: 1 }, 1, viewer);
    expect(plan.holders).toBe(1);
    under.batch.retirePlan(plan);
  });

  it('is bounded: what is too much is dropped and counted', async () => {
    const plan = planOf();
    const viewer = new Viewer(peerAddress);
    const refused = refusedRow(plan, 9);
    refused.row[1] = 1_000_000; // no socket: these rows vanish when they are sent
    for (let i = 0; i < MAX_WAITING_ROWS + 3; i++) pair.keep(refused, viewer);
    expect(pair.droppedRows).toBe(3);
    expect(plan.holders).toBe(MAX_WAITING_ROWS);
    await eventually(() => expect(plan.holders).toBe(0));
    under.batch.retirePlan(plan);
  });

  // The descriptor of the pair's RTP socket, found by its address.
  function ownRtpDescriptor(): number {
    const name = new Uint32Array(6);
    for (let fd = 3; fd < 4096; fd++) {
      if (native.socketName(fd, name) === 0 && name.join() === pair.rtpAddress.words.join()) return fd;
    }
    throw new Error('the RTP socket has no descriptor');
  }
});
