/**
 * One track on its way to one viewer: sequence numbers, timestamps, reports. Called by the RTP session, once a frame.
 * Rule (hot path): no allocation and no call per packet; a unit of the plan becomes one row of the packet batch.
 * Spec: RFC 3550 §5.1 (fixed header), §6.4 (reports), §6.6 (BYE).
 */
import { randomBytes } from 'node:crypto';
import { MAX_ROW_PACKETS, type PacketRun, type Track } from '@finch/core';
import { ntpFraction, ntpSeconds } from './ntp-time';
import type { PlanCache, PlannedSegment, PlanWaiter } from './plan-cache';
import { writeByeCompound, writeReportCompound } from './rtcp/compound';
import { emptySenderReport } from './rtcp/sender-report';
import { type ReceptionStatistics, readReports } from './rtcp-reception';
import type { RtpTransport } from './rtp-transport';

const US_PER_S = 1_000_000;
/** An SR, an SDES with the longest CNAME and a BYE fit. */
const REPORT_BYTES = 512;
const NO_SEGMENT = -1;
const NO_TIMESTAMP = -1;

// One of each for all senders of a thread: filled and used up within one call.
const report = emptySenderReport();
const reportBytes = new Uint8Array(REPORT_BYTES);
const run: PacketRun = {
  plan: null as never, // set with every unit
  firstPacket: 0,
  packetCount: 0,
  ssrc: 0,
  sequence: 0,
  payloadType: 0,
  timestamp: 0,
};

/** What became of a frame. `sent` includes frames that went with an earlier unit and damaged ones that yield no packet. */
export const SendResult = { sent: 0, pending: 1 } as const;

/** One track of one viewer; see the head of this file. */
export class RtpSender implements ReceptionStatistics {
  readonly ssrc = randomBytes(4).readUInt32BE();
  readonly clockRateHz: number;
  /** Packets and payload octets so far; reports send them modulo 2^32. */
  packetCount = 0;
  octetCount = 0;
  /** When its session reports next, in microseconds of the thread's clock; kept here for the session. */
  nextReportUs = 0;
  fractionLost = 0;
  cumulativeLost = 0;
  highestSequence = 0;
  jitterTicks = 0;
  roundTripUs = -1;
  receivedReports = 0;

  readonly #cache: PlanCache;
  readonly #transport: RtpTransport;
  readonly #payloadType: number;
  // RFC 3550 §5.1: both start at random.
  #sequence = randomBytes(2).readUInt16BE();
  #timestampOffset = randomBytes(4).readUInt32BE();
  #shiftTicks = 0;
  #segment = NO_SEGMENT;
  #segmentEnd = 0;
  #planned: PlannedSegment | null = null;
  #nextUnit = 0;
  #sentThrough = 0;
  /** RTP timestamp of the first packet since the last move. */
  #firstTimestamp = NO_TIMESTAMP;
  #hasBegun = false;

  /** `track` is the one that `cache` holds the plans of; `payloadType` is 96..127. */
  constructor(track: Track, payloadType: number, cache: PlanCache, transport: RtpTransport) {
    this.clockRateHz = track.clockRateHz;
    this.#cache = cache;
    this.#transport = transport;
    this.#payloadType = payloadType;
  }

  /** Whether the viewer's way is full. */
  get isFull(): boolean {
    return this.#transport.isFull;
  }

  /** The sequence number of the next packet. */
  get nextSequence(): number {
    return this.#sequence & 0xffff;
  }

  /** The first frame that has not been sent. */
  get nextFrame(): number {
    return this.#sentThrough;
  }

  /** The RTP timestamp of a moment of the presentation, in microseconds of its timeline. */
  timestampOf(mediaUs: number): number {
    return this.#wireTimestamp(Math.round((mediaUs * this.clockRateHz) / US_PER_S));
  }

  /** Shifts timestamps from now on, so that they run on over a jump of the position: RFC 2326 appendix B. */
  shift(byUs: number): void {
    this.#shiftTicks += Math.round((byUs * this.clockRateHz) / US_PER_S);
  }

  /** Starts afresh at `frame` after a seek: nothing of it has been sent, and its plan is asked for. */
  moveTo(frame: number): void {
    this.#sentThrough = Math.max(frame, 0);
    this.#firstTimestamp = NO_TIMESTAMP;
    this.#hasBegun = false;
    const segment = frame < 0 ? NO_SEGMENT : this.#cache.segments.segmentOfFrame(frame);
    if (segment !== this.#segment) this.#enter(segment);
  }

  /** Sends the unit that `frame` belongs to, unless it went already. `pending`: its plan is being made. Hot path. */
  send(frame: number): number {
    if (frame < this.#sentThrough) return SendResult.sent;
    if (frame >= this.#segmentEnd || this.#segment === NO_SEGMENT)
      this.#enter(this.#cache.segments.segmentOfFrame(frame));
    const planned = this.#planned ?? this.#cache.planOf(this.#segment);
    if (planned === null) return SendResult.pending;
    this.#planned = planned;
    const { plan } = planned;
    const next = this.#nextUnit;
    const follows = next < plan.unitCount && plan.firstFrameOf(next) === frame;
    const unit = follows ? next : plan.unitOfFrame(frame);
    this.#nextUnit = unit + 1;
    this.#sentThrough = plan.firstFrameOf(unit) + plan.frameCountOf(unit);
    this.#sendUnit(planned, unit);
    return SendResult.sent;
  }

  /** Has `waiter` told when the plan that send() found pending has come. */
  wait(waiter: PlanWaiter): void {
    this.#cache.wait(this.#segment, waiter);
  }

  /**
   * Whether the moment `mediaUs` lies behind the first packet since the last move. A report of an earlier one is lost:
   * GStreamer drops it as older than the stream, and plays picture and sound unsynchronised until the next.
   */
  hasBegunBy(mediaUs: number): boolean {
    if (!this.#hasBegun && this.#firstTimestamp !== NO_TIMESTAMP)
      this.#hasBegun = ((this.timestampOf(mediaUs) - this.#firstTimestamp) | 0) > 0; // modulo 2^32
    return this.#hasBegun;
  }

  /** Sends SR and SDES for the moment `mediaUs` of the timeline, which is now. */
  sendReport(mediaUs: number, unixUs: number, cname: Uint8Array): void {
    this.#fillReport(mediaUs, unixUs);
    const length = writeReportCompound(reportBytes, 0, report, cname);
    this.#transport.sendReport(reportBytes.subarray(0, length));
  }

  /** Sends the last report and BYE. */
  sendBye(mediaUs: number, unixUs: number, cname: Uint8Array): void {
    this.#fillReport(mediaUs, unixUs);
    const length = writeByeCompound(reportBytes, 0, report, cname);
    this.#transport.sendReport(reportBytes.subarray(0, length));
  }

  /** Reads an RTCP compound from the viewer; false when it is malformed. */
  reportArrived(bytes: Uint8Array, unixUs: number): boolean {
    return readReports(bytes, this.ssrc, unixUs, this);
  }

  /** Leaves the plans and the transport; `waiter` is told nothing more. */
  close(waiter?: PlanWaiter): void {
    if (this.#segment !== NO_SEGMENT && waiter !== undefined) this.#cache.forget(this.#segment, waiter);
    this.#enter(NO_SEGMENT);
    this.#transport.close();
  }

  // A sender uses the segment it is in and the one after it, whose plan is made and read ahead meanwhile.
  #enter(segment: number): void {
    const { segments } = this.#cache;
    const left = this.#segment;
    this.#segment = segment;
    this.#planned = null;
    this.#nextUnit = 0;
    if (segment !== NO_SEGMENT) {
      this.#segmentEnd = segments.firstFrameOf(segment) + segments.frameCountOf(segment);
      this.#cache.enter(segment);
      if (segment + 1 < segments.length) this.#cache.enter(segment + 1);
    }
    if (left === NO_SEGMENT) return;
    this.#cache.leave(left);
    if (left + 1 < segments.length) this.#cache.leave(left + 1);
  }

  #sendUnit({ plan, registered }: PlannedSegment, unit: number): void {
    run.plan = registered;
    run.ssrc = this.ssrc;
    run.payloadType = this.#payloadType;
    run.timestamp = this.#wireTimestamp(plan.rtpTimestampOf(unit));
    if (this.#firstTimestamp === NO_TIMESTAMP) this.#firstTimestamp = run.timestamp;
    let first = plan.firstPacketOf(unit);
    let left = plan.packetCountOf(unit);
    this.packetCount += left;
    this.octetCount += plan.payloadBytesOf(unit);
    while (left > 0) {
      run.firstPacket = first;
      run.packetCount = Math.min(left, MAX_ROW_PACKETS);
      run.sequence = this.#sequence;
      this.#transport.sendRun(run);
      this.#sequence = (this.#sequence + run.packetCount) & 0xffff;
      first += run.packetCount;
      left -= run.packetCount;
    }
  }

  #wireTimestamp(ticks: number): number {
    return (ticks + this.#timestampOffset + this.#shiftTicks) >>> 0;
  }

  #fillReport(mediaUs: number, unixUs: number): void {
    report.ssrc = this.ssrc;
    report.ntpSeconds = ntpSeconds(unixUs);
    report.ntpFraction = ntpFraction(unixUs);
    report.rtpTimestamp = this.timestampOf(mediaUs);
    report.packetCount = this.packetCount >>> 0;
    report.octetCount = this.octetCount >>> 0;
  }
}
