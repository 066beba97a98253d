/**
 * Packet plans written by hand, rows over them, and what they must look like on the wire. Used by the tests of the addon.
 * Rule: it knows the layouts of packet_row.h and packet_plans.cc by itself, so that it can tell when the addon or core changes them.
 */
import { type NativePacketBatch, native } from '@finch/native';

/** One packet: bytes of its own, then a slice of the file. */
export interface MadePacket {
  readonly prefix: Uint8Array;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly marker?: boolean;
}

const PLAN_MAGIC = 0x4e414c50;
const HEADER_WORDS = 8;
const PACKET_WORDS = 4;

/** Lays packets out as a plan without units. */
export function makePlan(packets: readonly MadePacket[]): Uint32Array {
  const prefixes = Buffer.concat(packets.map(({ prefix }) => prefix));
  const packetWords = packets.length * PACKET_WORDS;
  const words = new Uint32Array(HEADER_WORDS + packetWords + Math.ceil(prefixes.length / 4));
  const bytesAt = (HEADER_WORDS + packetWords) * 4;
  words.set([PLAN_MAGIC, 0, packets.length, HEADER_WORDS * 4, HEADER_WORDS * 4, bytesAt, prefixes.length, 0]);
  let prefixAt = 0;
  packets.forEach(({ prefix, offset, sizeBytes, marker }, i) => {
    const high = Math.floor(offset / 2 ** 32) | (prefix.length << 16);
    words.set([offset, high, sizeBytes | (marker ? 0x10000 : 0), prefixAt], HEADER_WORDS + i * PACKET_WORDS);
    prefixAt += prefix.length;
  });
  new Uint8Array(words.buffer).set(prefixes, bytesAt);
  return words;
}

/** What a run says of its packets. */
export interface MadeRun {
  readonly fd: number;
  readonly plan: number;
  readonly first?: number;
  readonly packets: number;
  readonly ssrc?: number;
  readonly sequence?: number;
  readonly payloadType?: number;
  readonly timestamp?: number;
}

/** The packet as RFC 3550 §5.1 has it, `index` packets behind the first of its run. */
export function wirePacket(packet: MadePacket, file: Uint8Array, run: MadeRun, index: number): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = (packet.marker ? 0x80 : 0) | (run.payloadType ?? 96);
  header.writeUInt16BE(((run.sequence ?? 0) + index) & 0xffff, 2);
  header.writeUInt32BE(run.timestamp ?? 0, 4);
  header.writeUInt32BE(run.ssrc ?? 0, 8);
  return Buffer.concat([
    header,
    packet.prefix,
    file.subarray(packet.offset, packet.offset + packet.sizeBytes),
  ]);
}

/** The packet as an interleaved frame (RFC 2326 §10.12). */
export function wireFrame(channel: number, packet: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0x24, channel, packet.length >> 8, packet.length & 0xff), packet]);
}

const ROW_WORDS = 16;
const MAX_ROWS = 256;
const NO_SEGMENTATION = 1 << 8;

/** A batch of the addon with rows of its own. */
export class MadeBatch {
  readonly rows = new Uint32Array(MAX_ROWS * ROW_WORDS);
  readonly arena = new Uint8Array(1 << 20);
  readonly exceptions = new Int32Array(MAX_ROWS * 2);
  readonly counters = new Float64Array(4);
  readonly native: NativePacketBatch = new native.PacketBatch(
    this.rows,
    this.arena,
    this.exceptions,
    this.counters,
  );
  used = 0;

  /** The words of row `i`. */
  row(i: number): Uint32Array {
    return this.rows.subarray(i * ROW_WORDS, (i + 1) * ROW_WORDS);
  }

  addUdpRun(run: MadeRun, to: Uint32Array, segmentation = true): Uint32Array {
    const row = this.#addRun(1 | (segmentation ? 0 : NO_SEGMENTATION), run);
    row.set(to, 10);
    return row;
  }

  addInterleavedRun(run: MadeRun, channel: number, bytesSentBefore = 0): Uint32Array {
    const row = this.#addRun(2, run);
    row[8] = channel;
    row[9] = bytesSentBefore;
    return row;
  }

  addDatagram(fd: number, offset: number, length: number, to: Uint32Array): Uint32Array {
    const row = this.#add([3, fd, offset, length]);
    row.set(to, 10);
    return row;
  }

  addStreamBytes(fd: number, offset: number, length: number, bytesSentBefore = 0): Uint32Array {
    const row = this.#add([4, fd, offset, length]);
    row[9] = bytesSentBefore;
    return row;
  }

  /** Sends the rows and forgets them (their words stay to be looked at); returns the pairs of row and code. */
  flush(): [row: number, code: number][] {
    const count = this.native.flush(this.used);
    this.used = 0;
    return Array.from({ length: count }, (_, i) => [this.exceptions[i * 2]!, this.exceptions[i * 2 + 1]!]);
  }

  /** The counters as an object. */
  get counts(): { packets: number; bytes: number; messages: number; systemCalls: number } {
    const [packets, bytes, messages, systemCalls] = this.counters;
    return { packets: packets!, bytes: bytes!, messages: messages!, systemCalls: systemCalls! };
  }

  #addRun(operation: number, run: MadeRun): Uint32Array {
    const { fd, plan, first = 0, packets, ssrc = 0, sequence = 0, payloadType = 96, timestamp = 0 } = run;
    return this.#add([operation, fd, plan, first, packets, ssrc, sequence | (payloadType << 16), timestamp]);
  }

  #add(words: readonly number[]): Uint32Array {
    const row = this.row(this.used++);
    row.fill(0);
    row.set(words);
    return row;
  }
}
