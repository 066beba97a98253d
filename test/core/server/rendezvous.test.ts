/** Connections that one thread hands over and another claims: either first, bounded in number and time, never lost. */
import { CLAIM_WAIT_MS, MAX_WAITING, type MeetingThread, Rendezvous } from '@finch/core/server/rendezvous';
import type { HandedOverMessage, ToTaskThread } from '@finch/core/server/thread-messages';
import { native } from '@finch/native';
import { EBADF, nameOf, UdpSink } from '../../native/sockets-under-test';

class Thread implements MeetingThread {
  connections = 0;
  readonly messages: ToTaskThread[] = [];
  post(message: ToTaskThread): void {
    this.messages.push(message);
  }
}

let rendezvous: Rendezvous;
let giver: Thread;
let claimer: Thread;
let sinks: UdpSink[];
let givenUp: number;

beforeEach(() => {
  jest.useFakeTimers();
  givenUp = 0;
  rendezvous = new Rendezvous(() => {
    givenUp++;
  });
  giver = new Thread();
  giver.connections = 2000;
  claimer = new Thread();
  sinks = [];
});
afterEach(() => {
  rendezvous.close();
  for (const { fd } of sinks) native.socketClose(fd);
  jest.useRealTimers();
});

/** A descriptor that shall be handed over. */
function open(key: string): HandedOverMessage {
  const sink = new UdpSink();
  sinks.push(sink);
  return {
    kind: 'handed-over',
    key,
    fd: sink.fd,
    peer: nameOf(sink.fd),
    bytes: Uint8Array.of(1),
    notes: [2],
  };
}

const isOpen = ({ fd }: HandedOverMessage): boolean => native.socketName(fd, new Uint32Array(6)) !== -EBADF;

const delivery = ({ fd, peer, bytes, notes }: HandedOverMessage, claim: number) => ({
  kind: 'delivered',
  claim,
  fd,
  peer,
  bytes,
  notes,
});

describe('a connection that is handed over', () => {
  it('comes to the claim that is there, and counts there', () => {
    rendezvous.claim(claimer, 'a', 7);
    const connection = open('a');
    rendezvous.handOver(giver, connection);
    expect(claimer.messages).toEqual([delivery(connection, 7)]);
    expect([giver.connections, claimer.connections, rendezvous.waiting]).toEqual([1999, 1, 0]);
  });

  it('waits for a claim that comes later, and counts meanwhile', () => {
    const connection = open('a');
    rendezvous.handOver(giver, connection);
    expect([giver.connections, rendezvous.waiting]).toEqual([1999, 1]);
    rendezvous.claim(claimer, 'b', 1);
    expect(claimer.messages).toEqual([]);
    rendezvous.claim(claimer, 'a', 2);
    expect(claimer.messages).toEqual([delivery(connection, 2)]);
    expect([claimer.connections, rendezvous.waiting]).toEqual([1, 0]);
    jest.advanceTimersByTime(CLAIM_WAIT_MS);
    expect(isOpen(connection)).toBe(true);
  });

  it('may come to its own thread', () => {
    rendezvous.claim(giver, 'a', 1);
    rendezvous.handOver(giver, open('a'));
    expect([giver.messages.length, giver.connections]).toEqual([1, 2000]);
  });

  it('is closed when nobody claims it in time', () => {
    const connection = open('a');
    rendezvous.handOver(giver, connection);
    jest.advanceTimersByTime(CLAIM_WAIT_MS - 1);
    expect(isOpen(connection)).toBe(true);
    jest.advanceTimersByTime(1);
    expect([isOpen(connection), rendezvous.waiting, givenUp]).toEqual([false, 0, 1]);
    rendezvous.claim(claimer, 'a', 1);
    expect(claimer.messages).toEqual([]);
  });

  it('takes the place of one that waits under the same key', () => {
    const [first, second] = [open('a'), open('a')];
    rendezvous.handOver(giver, first);
    rendezvous.handOver(giver, second);
    expect([isOpen(first), isOpen(second), rendezvous.waiting, givenUp]).toEqual([false, true, 1, 1]);
  });

  it('takes the place of the oldest when too many wait', () => {
    const first = open('0');
    rendezvous.handOver(giver, first);
    const other = new UdpSink();
    sinks.push(other);
    for (let i = 1; i < MAX_WAITING; i++) rendezvous.handOver(giver, { ...first, key: String(i), fd: -1 });
    expect([isOpen(first), rendezvous.waiting]).toEqual([true, MAX_WAITING]);
    rendezvous.handOver(giver, open('last'));
    expect([isOpen(first), rendezvous.waiting]).toEqual([false, MAX_WAITING]);
  });

  it('is closed, like those that wait, when the server stops', () => {
    const [before, after] = [open('a'), open('b')];
    rendezvous.handOver(giver, before);
    rendezvous.close();
    rendezvous.handOver(giver, after);
    expect([isOpen(before), isOpen(after), rendezvous.waiting, givenUp]).toEqual([false, false, 0, 2]);
  });
});

describe('a claim', () => {
  it('gets every connection of its key until it ends', () => {
    rendezvous.claim(claimer, 'a', 1);
    rendezvous.handOver(giver, open('a'));
    rendezvous.handOver(giver, open('a'));
    rendezvous.claimEnded(claimer, 'a', 1);
    rendezvous.handOver(giver, open('a'));
    expect([claimer.messages.length, rendezvous.waiting]).toEqual([2, 1]);
  });

  it('gives way to a newer one, whose end is its own', () => {
    const newer = new Thread();
    rendezvous.claim(claimer, 'a', 1);
    rendezvous.claim(newer, 'a', 1);
    rendezvous.claimEnded(claimer, 'a', 1);
    rendezvous.handOver(giver, open('a'));
    expect([claimer.messages.length, newer.messages.length]).toEqual([0, 1]);
  });
});
