/**
 * A packet plan: how a run of consecutive frames of one track becomes RTP packets. Made once on a blocking
 * thread, shared by all viewers, read on task threads. A unit is what is sent at one instant with one RTP
 * timestamp: a video access unit, or several AAC access units in one packet. Rule: immutable, and no accessor
 * allocates (hot path). Layout: packet-plan-layout.
 */
import {
  MAX_PAYLOAD_BYTES,
  MAX_PLAN_FILE_OFFSET_BYTES,
  MAX_PLAN_PACKETS,
  MAX_PLAN_UNITS,
  PACKET_FLAG,
  PLAN_HEADER_WORDS,
  PLAN_MAGIC,
  PLAN_PACKET_WORDS,
  PLAN_UNIT_WORDS,
  UNIT_FLAG,
} from './packet-plan-layout';

/**
 * Reads a sealed plan. Unit and packet indices are not checked: an index outside gives undefined behaviour,
 * not a throw.
 */
export class PacketPlan {
  readonly unitCount: number;
  readonly packetCount: number;
  /** The frame that the first unit begins with. */
  readonly firstFrame: number;
  /** Number of frames in all units. */
  readonly frameCount: number;
  readonly #words: Uint32Array;
  readonly #unitWords: number;
  readonly #packetWords: number;
  readonly #bytesOffset: number;

  /**
   * Attaches to the memory of a plan. TypeError when it isn't one; the units and packets are trusted (see
   * `validate`).
   */
  constructor(readonly memory: SharedArrayBuffer) {
    const fault = headerFault(memory);
    if (fault !== undefined) throw new TypeError(`memory is no packet plan: ${fault}`);
    this.#words = new Uint32Array(memory);
    this.unitCount = this.#words[1]!;
    this.packetCount = this.#words[2]!;
    this.#unitWords = this.#words[3]! / 4;
    this.#packetWords = this.#words[4]! / 4;
    this.#bytesOffset = this.#words[5]!;
    this.firstFrame = this.#words[7]!;
    const last = this.unitCount - 1;
    this.frameCount = last < 0 ? 0 : this.firstFrameOf(last) + this.frameCountOf(last) - this.firstFrame;
  }

  /**
   * Checks every unit and packet. Returns undefined for a valid plan, or one line: what was found, what was
   * expected.
   */
  static validate(memory: SharedArrayBuffer): string | undefined {
    const fault = headerFault(memory);
    if (fault !== undefined) return fault;
    const plan = new PacketPlan(memory);
    return unitsFault(plan) ?? packetsFault(plan);
  }

  /** The first frame of a unit. */
  firstFrameOf(unit: number): number {
    return this.#words[this.#unitWords + unit * PLAN_UNIT_WORDS]!;
  }

  /** The number of frames of a unit, 1 or more. */
  frameCountOf(unit: number): number {
    return this.#words[this.#unitWords + unit * PLAN_UNIT_WORDS + 1]!;
  }

  /** The first packet of a unit. */
  firstPacketOf(unit: number): number {
    return this.#words[this.#unitWords + unit * PLAN_UNIT_WORDS + 2]!;
  }

  /** The number of packets of a unit; 0 when its frame yields none. */
  packetCountOf(unit: number): number {
    return this.#words[this.#unitWords + unit * PLAN_UNIT_WORDS + 3]!;
  }

  /** The RTP timestamp of a unit in the file's own time: no random offset, modulo 2^32. */
  rtpTimestampOf(unit: number): number {
    return this.#words[this.#unitWords + unit * PLAN_UNIT_WORDS + 4]!;
  }

  /** The payload bytes of all packets of a unit, without RTP headers. */
  payloadBytesOf(unit: number): number {
    return this.#words[this.#unitWords + unit * PLAN_UNIT_WORDS + 5]!;
  }

  /** Says whether decoding can start at a unit. */
  isKey(unit: number): boolean {
    return (this.#words[this.#unitWords + unit * PLAN_UNIT_WORDS + 6]! & UNIT_FLAG.key) !== 0;
  }

  /** Says whether a unit can be left out without harm to others. */
  isDisposable(unit: number): boolean {
    return (this.#words[this.#unitWords + unit * PLAN_UNIT_WORDS + 6]! & UNIT_FLAG.disposable) !== 0;
  }

  /** The unit that holds `frame`; -1 when the plan doesn't hold it. */
  unitOfFrame(frame: number): number {
    if (!(frame >= this.firstFrame && frame < this.firstFrame + this.frameCount)) return -1;
    let low = 0;
    let high = this.unitCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.firstFrameOf(middle) <= frame) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The unit that a packet of the plan belongs to. */
  unitOfPacket(packet: number): number {
    let low = 0;
    let high = this.unitCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.firstPacketOf(middle) <= packet) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Where the slice of a packet lies in the file, in bytes. */
  fileOffsetOf(packet: number): number {
    const at = this.#packetWords + packet * PLAN_PACKET_WORDS;
    return this.#words[at]! + (this.#words[at + 1]! & 0xffff) * 2 ** 32;
  }

  /** The bytes of a packet's payload that come from the file. */
  sliceBytesOf(packet: number): number {
    return this.#words[this.#packetWords + packet * PLAN_PACKET_WORDS + 2]! & 0xffff;
  }

  /** The bytes of a packet's payload that come from the plan, in front of the slice. */
  prefixBytesOf(packet: number): number {
    return this.#words[this.#packetWords + packet * PLAN_PACKET_WORDS + 1]! >>> 16;
  }

  /** Where the prefix of a packet begins in `memory`, in bytes. */
  prefixOffsetOf(packet: number): number {
    return this.#bytesOffset + this.#words[this.#packetWords + packet * PLAN_PACKET_WORDS + 3]!;
  }

  /** The marker bit of a packet. */
  hasMarker(packet: number): boolean {
    const flags = this.#words[this.#packetWords + packet * PLAN_PACKET_WORDS + 2]! >>> 16;
    return (flags & PACKET_FLAG.marker) !== 0;
  }
}

function headerFault(memory: SharedArrayBuffer): string | undefined {
  const headerBytes = PLAN_HEADER_WORDS * 4;
  if (memory.byteLength < headerBytes || memory.byteLength % 4 !== 0)
    return `${memory.byteLength} bytes, expected whole words, ${headerBytes} bytes or more`;
  const words = new Uint32Array(memory);
  if (words[0] !== PLAN_MAGIC)
    return `magic 0x${words[0]!.toString(16)}, expected 0x${PLAN_MAGIC.toString(16)}`;
  if (words[1]! > MAX_PLAN_UNITS) return `${words[1]} units, expected at most ${MAX_PLAN_UNITS}`;
  if (words[2]! > MAX_PLAN_PACKETS) return `${words[2]} packets, expected at most ${MAX_PLAN_PACKETS}`;
  const packetsOffset = headerBytes + words[1]! * PLAN_UNIT_WORDS * 4;
  const bytesOffset = packetsOffset + words[2]! * PLAN_PACKET_WORDS * 4;
  if (words[3] !== headerBytes || words[4] !== packetsOffset || words[5] !== bytesOffset)
    return `offsets ${words[3]}, ${words[4]}, ${words[5]}, expected ${headerBytes}, ${packetsOffset}, ${bytesOffset}`;
  if (bytesOffset + Math.ceil(words[6]! / 4) * 4 !== memory.byteLength)
    return `${words[6]} prefix bytes, expected ${memory.byteLength - bytesOffset}`;
  return undefined;
}

function unitsFault(plan: PacketPlan): string | undefined {
  let nextFrame = plan.firstFrame;
  let nextPacket = 0;
  for (let unit = 0; unit < plan.unitCount; unit += 1) {
    if (plan.firstFrameOf(unit) !== nextFrame || plan.frameCountOf(unit) < 1)
      return `unit ${unit} begins with frame ${plan.firstFrameOf(unit)}, expected ${nextFrame}`;
    if (plan.firstPacketOf(unit) !== nextPacket)
      return `unit ${unit} begins with packet ${plan.firstPacketOf(unit)}, expected ${nextPacket}`;
    const endPacket = nextPacket + plan.packetCountOf(unit);
    if (endPacket > plan.packetCount)
      return `unit ${unit} ends at packet ${endPacket} of ${plan.packetCount}`;
    let payloadBytes = 0;
    for (let packet = nextPacket; packet < endPacket; packet += 1)
      payloadBytes += plan.prefixBytesOf(packet) + plan.sliceBytesOf(packet);
    if (payloadBytes !== plan.payloadBytesOf(unit))
      return `unit ${unit} names ${plan.payloadBytesOf(unit)} payload bytes, its packets have ${payloadBytes}`;
    nextFrame += plan.frameCountOf(unit);
    nextPacket = endPacket;
  }
  return nextPacket === plan.packetCount
    ? undefined
    : `${plan.packetCount} packets, the units have ${nextPacket}`;
}

function packetsFault(plan: PacketPlan): string | undefined {
  const header = new Uint32Array(plan.memory, 0, PLAN_HEADER_WORDS);
  const bytesLength = header[6]!;
  const bytesEnd = header[5]! + bytesLength;
  for (let packet = 0; packet < plan.packetCount; packet += 1) {
    const payloadBytes = plan.prefixBytesOf(packet) + plan.sliceBytesOf(packet);
    if (payloadBytes < 1 || payloadBytes > MAX_PAYLOAD_BYTES)
      return `packet ${packet} has ${payloadBytes} bytes, expected 1..${MAX_PAYLOAD_BYTES}`;
    if (plan.prefixOffsetOf(packet) + plan.prefixBytesOf(packet) > bytesEnd)
      return `packet ${packet} has its prefix outside the plan's ${bytesLength} prefix bytes`;
    if (plan.fileOffsetOf(packet) + plan.sliceBytesOf(packet) > MAX_PLAN_FILE_OFFSET_BYTES)
      return `packet ${packet} has its slice beyond 2^48-1`;
  }
  return undefined;
}
