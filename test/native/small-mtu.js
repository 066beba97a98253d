/** Run by packet-batch-udp.test.ts in a network whose loopback takes 1500 bytes: sends runs of packets that are longer. */
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { native } = require('@finch/native');

const PACKETS = 6;
const folder = mkdtempSync(join(tmpdir(), 'finch-mtu-'));
writeFileSync(join(folder, 'movie'), Buffer.alloc(4000));
const file = native.fileOpen(join(folder, 'movie'));
rmSync(folder, { recursive: true });

const plan = new Uint32Array(8 + PACKETS * 4);
plan.set([0x4e414c50, 0, PACKETS, 32, 32, 32 + PACKETS * 16, 0, 0]);
for (let i = 0; i < PACKETS; i++) plan.set([0, 0, 2000, 0], 8 + i * 4);

const rows = new Uint32Array(16 * 2);
const exceptions = new Int32Array(4);
const batch = new native.PacketBatch(rows, new Uint8Array(16), exceptions, new Float64Array(4));
const handle = batch.addPlan(plan, file.id);
const sockets = [0, 0].map(() => native.udpBind(Uint32Array.of(4, 0, 0x0100007f, 0, 0, 0), 1 << 20, 1 << 20));
const address = new Uint32Array(6);
native.socketName(sockets[1], address);

function flush(packetCounts, flags) {
  packetCounts.forEach((packets, i) => {
    rows.set(
      [1 | (flags << 8), sockets[0], handle, 0, packets, 1, 100 | (96 << 16), 0, 0, 0, ...address],
      i * 16,
    );
  });
  const count = batch.flush(packetCounts.length);
  return Array.from({ length: count }, (_, i) => [exceptions[i * 2], exceptions[i * 2 + 1]]);
}

const into = Buffer.alloc(4096 * 32);
const received = new Uint32Array(7 * 32);

function receive() {
  const count = native.udpReceive(sockets[1], into, 4096, received);
  return Array.from({ length: count }, (_, i) => [received[i * 7], into.readUInt16BE(i * 4096 + 2)]);
}

const refused = flush([PACKETS, 3], 0);
const datagrams = receive();
const flagged = flush([2, 1], 1);
process.stdout.write(JSON.stringify({ refused, datagrams, flagged, flaggedDatagrams: receive() }));
