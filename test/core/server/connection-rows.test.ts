/** What the main thread and task threads tell each other of connections: what comes out is what was put in, in order. */
import { REFUSALS } from '@finch/core/module/module';
import { SocketAddress } from '@finch/core/net/socket-address';
import {
  type AcceptedConnection,
  AcceptedQueue,
  EndedQueue,
  putAccepted,
  putEnded,
} from '@finch/core/server/connection-rows';
import { native } from '@finch/native';
import { EBADF, TcpPair } from '../../native/sockets-under-test';

const THREAD = 33;
const LIMIT = 8;
const peers = [SocketAddress.of('192.0.2.1', 5000), SocketAddress.of('2001:db8::7', 65_535)];

it('takes accepted connections out as they were put in, a few at a time', () => {
  const queue = new AcceptedQueue(THREAD, LIMIT);
  const put: AcceptedConnection[] = [undefined, ...REFUSALS].flatMap((refusal, service) =>
    peers.map((peer, i) => ({ fd: 1000 + 2 * service + i, service, refusal, peer })),
  );
  put.push({ ...put[0]!, fd: 2000 });
  for (const connection of put) putAccepted(THREAD, connection);
  const taken: AcceptedConnection[] = [];
  const isMore = queue.take((connection) => taken.push(connection));
  expect([isMore, taken.length]).toEqual([true, LIMIT]);
  expect(queue.take((connection) => taken.push(connection))).toBe(false);
  const facts = ({ fd, service, refusal, peer }: AcceptedConnection) => ({
    fd,
    service,
    refusal,
    peer: `${peer}`,
  });
  expect(taken.map(facts)).toEqual(put.map(facts));
});

it('closes what an earlier thread of the same number has left', () => {
  const tcp = new TcpPair();
  putAccepted(THREAD, { fd: tcp.disown(tcp.server), service: 0, refusal: undefined, peer: peers[0]! });
  const queue = new AcceptedQueue(THREAD, LIMIT);
  expect(native.socketName(tcp.server, new Uint32Array(6))).toBe(-EBADF);
  expect(queue.take(() => {})).toBe(false);
  tcp.close(tcp.client);
});

it('tells of all ends so far, however many, and of none twice', () => {
  const queue = new EndedQueue();
  const put = Array.from({ length: 100 }, (_, i) => `${1 + (i % 3)} ${peers[i % 2]!.withPort(i)}`);
  for (let i = 0; i < 100; i++) putEnded(1 + (i % 3), peers[i % 2]!.withPort(i));
  const ended: string[] = [];
  queue.take((thread, peer) => ended.push(`${thread} ${peer}`));
  expect(ended).toEqual(put);
  queue.take(() => ended.push('once more'));
  expect(ended.length).toBe(100);
});

it('forgets the ends that an earlier server has left', () => {
  putEnded(1, peers[0]!);
  const ended: string[] = [];
  new EndedQueue().take((_, peer) => ended.push(`${peer}`));
  expect(ended).toEqual([]);
});

it('takes no row that is too short', () => {
  expect(() => native.connectionPut(THREAD, new Uint32Array(8))).toThrow('nine words');
});
