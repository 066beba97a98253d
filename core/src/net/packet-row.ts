/**
 * The rows of a packet batch: how a run of packets, a datagram or bytes of a stream are told to the addon.
 * Used by the batch and by backlogs. Rule: the only place in TypeScript that knows the layout, which is drawn in
 * native/src/packet_row.h.
 */
import type { SocketAddress } from './socket-address';

/** 32-bit words of a row. */
export const ROW_WORDS = 16;
/** Where the address of a row begins. */
const ADDRESS_AT = 10;
/** Packets that one row may name; senders cut longer runs. */
export const MAX_ROW_PACKETS = 1024;

const Operation = { udpRun: 1, interleavedRun: 2, udpRaw: 3, tcpRaw: 4 } as const;
const FLAG_NO_SEGMENTATION = 1 << 8;
const FLAG_RETRANSMISSION = 2 << 8;
const OPERATION_MASK = 0xff;

/** A packet plan registered with a thread's batch. It can be sent until it is retired and nobody holds it. */
export class RegisteredPlan {
  /** Rows waiting somewhere that name the plan. */
  holders = 0;
  retired = false;
  constructor(readonly handle: number) {}
}

/** A run of packets of one track, filled in by its sender and used again for the next. Numbers as in RFC 3550 §5.1. */
export interface PacketRun {
  plan: RegisteredPlan;
  firstPacket: number;
  /** 1..MAX_ROW_PACKETS */
  packetCount: number;
  ssrc: number;
  /** Of the first packet; wraps at 2^16. */
  sequence: number;
  payloadType: number;
  timestamp: number;
}

/** Writes a run over UDP. Hot path. */
export function writeUdpRun(
  rows: Uint32Array,
  at: number,
  run: PacketRun,
  fd: number,
  to: SocketAddress,
  noSegmentation: boolean,
): void {
  writeRun(rows, at, Operation.udpRun | (noSegmentation ? FLAG_NO_SEGMENTATION : 0), run, fd);
  to.writeTo(rows, at + ADDRESS_AT);
}

/** Writes a run over UDP whose payloads begin with the sequence numbers they had at first (RFC 4588 §4). */
export function writeUdpRunAgain(
  rows: Uint32Array,
  at: number,
  run: PacketRun,
  originalSequence: number,
  fd: number,
  to: SocketAddress,
): void {
  writeRun(rows, at, Operation.udpRun | FLAG_NO_SEGMENTATION | FLAG_RETRANSMISSION, run, fd);
  rows[at + 8] = originalSequence & 0xffff;
  to.writeTo(rows, at + ADDRESS_AT);
}

/** Writes a run interleaved on a TCP connection (RFC 2326 §10.12). Hot path. */
export function writeInterleavedRun(
  rows: Uint32Array,
  at: number,
  run: PacketRun,
  fd: number,
  channel: number,
): void {
  writeRun(rows, at, Operation.interleavedRun, run, fd);
  rows[at + 8] = channel;
  rows[at + 9] = 0;
}

/** Writes a datagram that lies in the arena. */
export function writeDatagram(
  rows: Uint32Array,
  at: number,
  offset: number,
  length: number,
  fd: number,
  to: SocketAddress,
): void {
  writeRaw(rows, at, Operation.udpRaw, offset, length, fd);
  to.writeTo(rows, at + ADDRESS_AT);
}

/** Writes bytes of a stream that lie in the arena. */
export function writeStreamBytes(
  rows: Uint32Array,
  at: number,
  offset: number,
  length: number,
  fd: number,
): void {
  writeRaw(rows, at, Operation.tcpRaw, offset, length, fd);
}

/** Whether the row's bytes lie in the arena (a datagram or stream bytes) and not in a plan. */
export function isRaw(row: Uint32Array): boolean {
  const operation = row[0]! & OPERATION_MASK;
  return operation === Operation.udpRaw || operation === Operation.tcpRaw;
}

/** Packets that a run still has to send. */
export function runPackets(row: Uint32Array): number {
  return row[4]!;
}

/** Where the bytes that a raw row still has to send begin and end in the arena. */
export function rawRange(row: Uint32Array): { begin: number; end: number } {
  const sent = (row[0]! & OPERATION_MASK) === Operation.tcpRaw ? row[9]! : 0;
  return { begin: row[2]! + sent, end: row[2]! + row[3]! };
}

/** Points a raw row at its bytes' new place. */
export function moveRaw(row: Uint32Array, offset: number, length: number): void {
  row[2] = offset;
  row[3] = length;
  if ((row[0]! & OPERATION_MASK) === Operation.tcpRaw) row[9] = 0;
}

function writeRun(rows: Uint32Array, at: number, operation: number, run: PacketRun, fd: number): void {
  rows[at] = operation;
  rows[at + 1] = fd;
  rows[at + 2] = run.plan.handle;
  rows[at + 3] = run.firstPacket;
  rows[at + 4] = run.packetCount;
  rows[at + 5] = run.ssrc;
  rows[at + 6] = (run.sequence & 0xffff) | (run.payloadType << 16);
  rows[at + 7] = run.timestamp;
}

function writeRaw(
  rows: Uint32Array,
  at: number,
  operation: number,
  offset: number,
  length: number,
  fd: number,
): void {
  rows[at] = operation;
  rows[at + 1] = fd;
  rows[at + 2] = offset;
  rows[at + 3] = length;
  rows[at + 9] = 0;
}
