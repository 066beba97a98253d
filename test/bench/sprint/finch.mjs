/**
 * Finch's sprinter: many viewers in virtual time, sent for real. Everything between a due timer and a system call is the
 * server's own code: scheduler, sessions, senders, transports, packet batch, addon. Run by sprint.mjs, beside floor --sprint.
 * Rule: one line in is one leg of the movie, one line out what that leg cost.
 *
 *   node --expose-gc finch.mjs udp|tcp VIEWERS PORT WINDOW_US LEG_US
 */
import { realpathSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PacketBatch, SocketAddress, TcpConnection, UdpPair } from '@finch/core';
import { BatchCounter } from '@finch/core/net/packet-batch';
import { StatsField } from '@finch/core/reactor/thread-stats';
import { native } from '@finch/native';
import { InterleavedTransport, UdpTransport } from '@finch/rtp';
import { startCrowd, virtualThread } from '../micro/crowd.mjs';
import { MOVIE_FILE } from '../micro/movie.mjs';

const [transport, ...numbers] = process.argv.slice(2);
const [viewers, port, windowUs, legUs] = numbers.map(Number);
const NO_EVENTS = { reportArrived: () => {}, sourceFailed: fail, drained: () => {}, broken: fail };

const machine = virtualThread();
const { thread } = machine;
const batch = new PacketBatch();
const file = native.fileOpen(realpathSync(MOVIE_FILE));
native.eventThreadStart();
thread.addFlusher(() => batch.flush());
const ways = transport === 'udp' ? udpWays() : tcpWays();
startCrowd(machine, {
  viewers,
  windowUs,
  register: (memory) => batch.registerPlan(new Uint32Array(memory), file.id),
  transportOf: (viewer, track) => ways.transportOf(viewer, track),
});
console.log('ready');
createInterface({ input: process.stdin })
  .on('line', () => console.log(JSON.stringify(leg())))
  .on('close', () => process.exit(0));

// Garbage of the leg before is not this one's, and a collection within it would hide what it has made.
function leg() {
  globalThis.gc({ type: 'minor' });
  const counted = counts();
  const heapBytes = process.memoryUsage().heapUsed;
  const { user, system } = process.cpuUsage();
  for (let us = 0; us < legUs; us += windowUs) machine.turn(windowUs);
  const cpu = process.cpuUsage();
  const grownBytes = process.memoryUsage().heapUsed - heapBytes;
  if (ways.isFull()) fail();
  const now = counts();
  const done = Object.fromEntries(Object.entries(now).map(([name, count]) => [name, count - counted[name]]));
  return { ...done, cpuUs: cpu.user + cpu.system - user - system, heapBytes: grownBytes };
}

function counts() {
  const { counters } = batch;
  return {
    packets: counters[BatchCounter.packets],
    messages: counters[BatchCounter.messages],
    systemCalls: counters[BatchCounter.systemCalls],
    runs: thread.stats.read(StatsField.runs),
  };
}

function udpWays() {
  const pair = new UdpPair(thread, batch, SocketAddress.of('127.0.0.1', 0));
  const transports = [];
  const transportOf = (viewer) => {
    const host = `127.1.${viewer >> 8}.${viewer & 255}`;
    const address = SocketAddress.of(host, port);
    const way = new UdpTransport(pair, address, address, NO_EVENTS);
    transports.push(way);
    return way;
  };
  return {
    transportOf,
    isFull: () => transports.some(({ lostRuns }) => lostRuns > 0) || pair.droppedRows > 0,
  };
}

function tcpWays() {
  const address = SocketAddress.of('127.0.0.1', port).words;
  const connections = Array.from({ length: viewers }, () => {
    const fd = native.tcpConnect(address, null, 0);
    return new TcpConnection(fd, 0, batch, NO_EVENTS);
  });
  const transportOf = (viewer, track) =>
    new InterleavedTransport(connections[viewer], track * 2, track * 2 + 1);
  return { transportOf, isFull: () => connections.some(({ isFull }) => isFull) };
}

function fail() {
  throw new Error('the sink took less than was sent');
}
