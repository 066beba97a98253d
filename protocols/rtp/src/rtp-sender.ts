/**
 * One track on its way to one viewer: sequence numbers, timestamps, reports. Called by the RTP session, once a frame.
 * Rule (hot path): no allocation and no call per packet; a unit of the plan becomes one row of the packet batch.
 * Spec: RFC 3550 §5.1 (fixed header), §6.4 (reports), §6.6 (BYE).
 */
import { randomBytes } from 'node:crypto';
import { ALL_FRAMES, MAX_ROW_PACKETS, type PacketRun, type PullOrder, type Track } from '@finch/core';
import { ntpFraction, ntpSeconds } from './ntp-time';
import type { PlanCache, PlannedSegment, PlanWaiter } from './plan-cache';
import { RETRANSMISSION_TIME_US, Retransmission } from './retransmission';
import { writeByeCompound, writeReportCompound } from './rtcp/compound';
import type { NackListener } from './rtcp/generic-nack';
import { emptySenderReport } from './rtcp/sender-report';
import { type ReceptionStatistics, readReports } from './rtcp-reception';
import { RtpClock } from './rtp-clock';
import { NOWHERE, type RtpTransport } from './rtp-transport';
import { SentRuns } from './sent-runs';
import { noThinnedFrames, type ThinnedFrames } from './thinning';

/** An SR, an SDES with the longest CNAME and a BYE fit. */
const REPORT_BYTES = 512;
const NO_SEGMENT = -1;
const NO_TIMESTAMP = -1;
const US_PER_S = 1_000_000;

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
export class RtpSender implements ReceptionStatistics, NackListener {
  readonly ssrc = randomBytes(4).readUInt32BE();
  readonly kind: Track['kind'];
  /** What the viewer went without because he was late. */
  readonly thinned: ThinnedFrames = noThinnedFrames();
  /** Packets and payload octets so far; reports send them modulo 2^32. */
  packetCount = 0;
  octetCount = 0;
  /** Whether a report has gone since the last move. */
  hasReported = false;
  fractionLost = 0;
  cumulativeLost = 0;
  highestSequence = 0;
  jitterTicks = 0;
  roundTripUs = -1;
  receivedReports = 0;
  /** RTCP from the viewer that was malformed or spoke of other sources only. */
  rejectedReports = 0;
  /** Packets that the viewer asked for again, and how many of them he got. */
  nackedPackets = 0;
  retransmittedPackets = 0;

  readonly #cache: PlanCache;
  #transport: RtpTransport;
  readonly #payloadType: number;
  readonly #retransmissionType: number;
  readonly #bitRateBps: number;
  readonly #sentRuns: SentRuns | null;
  #retransmission: Retransmission | null = null;
  #lastTimestamp = 0;
  /** When the report that is being read arrived. */
  #reportUs = 0;
  // RFC 3550 §5.1: both start at random.
  #sequence = randomBytes(2).readUInt16BE();
  readonly #clock: RtpClock;
  #order = ALL_FRAMES;
  #segment = NO_SEGMENT;
  /** Frames of the segment, from the first to before the end; none while there is no segment. */
  #segmentStart = 0;
  #segmentEnd = 0;
  /** The segment that is used next: its plan is made and read ahead meanwhile. */
  #ahead = NO_SEGMENT;
  #planned: PlannedSegment | null = null;
  #nextUnit = 0;
  #sentThrough = 0;
  /** The frame of the last move; -1: nothing is to be sent. */
  #movedTo = -1;
  /** No report since the last move speaks of an earlier RTP timestamp; none until begin(). */
  #reportsFrom = NO_TIMESTAMP;

  /**
   * `track` is the one that `cache` holds the plans of; `payloadType` is 96..127, and so is that of retransmissions; 0: it
   * sends nothing again.
   */
  constructor(
    track: Track,
    payloadType: number,
    cache: PlanCache,
    transport: RtpTransport,
    retransmissionType = 0,
  ) {
    this.kind = track.kind;
    this.#clock = new RtpClock(track.clockRateHz);
    this.#cache = cache;
    this.#transport = transport;
    this.#payloadType = payloadType;
    this.#retransmissionType = retransmissionType;
    this.#bitRateBps = track.bitRateBps;
    this.#sentRuns = transport.isLossy && retransmissionType > 0 ? new SentRuns() : null;
  }

  /** Whether the viewer's way is full. */
  get isFull(): boolean {
    return this.#transport.isFull;
  }

  /** Whether packets may be lost on the way, and reports tell how many. */
  get isLossy(): boolean {
    return this.#transport.isLossy;
  }

  /** The sequence number of the next packet. */
  get nextSequence(): number {
    return this.#sequence & 0xffff;
  }

  /** The first frame that has not been sent. */
  get nextFrame(): number {
    return this.#sentThrough;
  }

  get clockRateHz(): number {
    return this.#clock.rateHz;
  }

  /** The RTP timestamp of a moment of the presentation, in microseconds of its timeline. */
  timestampOf(mediaUs: number): number {
    return this.#clock.ofMedia(mediaUs);
  }

  /** Counts timestamps anew from an instant of media time and stream time, in microseconds; see RtpClock. */
  retime(mediaUs: number, streamUs: number, scale: number): void {
    this.#clock.retime(mediaUs, streamUs, scale);
    this.#sentRuns?.clear();
  }

  /** Starts afresh at `frame` (-1: nothing is to be sent): nothing of it has been sent, and its plan is asked for. */
  moveTo(frame: number, order: PullOrder = ALL_FRAMES): void {
    const isSameOrder = order === this.#order;
    this.#order = order;
    this.#movedTo = frame;
    this.#sentThrough = Math.max(frame, 0);
    this.#reportsFrom = NO_TIMESTAMP;
    this.hasReported = false;
    const segment = frame < 0 ? NO_SEGMENT : this.#cache.segments.segmentOfFrame(frame);
    if (segment !== this.#segment || !isSameOrder) this.#enter(segment);
  }

  /** Has the plan made of a frame that is sent after the next; where frames do not follow each other. */
  prepare(frame: number): void {
    const segment = frame < 0 ? NO_SEGMENT : this.#cache.segments.segmentOfFrame(frame);
    if (segment !== this.#segment && segment !== this.#ahead) this.#use(this.#segment, segment);
  }

  /** Whether no other frame refers to `frame`; false while its plan is being made. */
  isDisposable(frame: number): boolean {
    const plan = this.#planFor(frame)?.plan;
    return plan?.isDisposable(plan.unitOfFrame(frame)) ?? false;
  }

  // A report of an earlier moment than the first packet is lost: GStreamer drops it as older than the stream, and plays
  // unsynchronised until the next. FFmpeg takes one before the rtptime of RTP-Info for a moment 2^32 ticks later.
  /**
   * Makes ready to report before the first packet since the last move; the presentation time that RTP-Info speaks of is
   * `startUs`, in microseconds. False while the plan is being made. Nothing happens when it has begun already, or when there
   * is nothing to send.
   */
  begin(startUs: number): boolean {
    const frame = this.#movedTo;
    if (frame < 0 || this.#reportsFrom !== NO_TIMESTAMP) return true;
    const plan = this.#planFor(frame)?.plan;
    if (plan === undefined) return false;
    const started = this.#clock.ofMedia(startUs);
    const first = this.#clock.ofUnit(plan.rtpTimestampOf(plan.unitOfFrame(frame)));
    this.#reportsFrom = ticksAfter(first, started) > 0 ? first : started;
    return true;
  }

  /** Sends the unit that `frame` belongs to, unless it went already. `pending`: its plan is being made. Hot path. */
  send(frame: number): number {
    if (frame < this.#sentThrough) return SendResult.sent;
    const planned = this.#planFor(frame);
    if (planned === null) return SendResult.pending;
    const { plan } = planned;
    const next = this.#nextUnit;
    const follows = next < plan.unitCount && plan.firstFrameOf(next) === frame;
    const unit = follows ? next : plan.unitOfFrame(frame);
    this.#nextUnit = unit + 1;
    // Backward, the next frame is an earlier one.
    this.#sentThrough = this.#order.isReverse ? 0 : plan.firstFrameOf(unit) + plan.frameCountOf(unit);
    this.#sendUnit(planned, unit);
    return SendResult.sent;
  }

  /** Has `waiter` told when the plan that send() found pending has come. */
  wait(waiter: PlanWaiter): void {
    this.#cache.wait(this.#segment, waiter);
  }

  /**
   * Sends SR and SDES for the moment `streamUs` of stream time, which is now; for the moment of the first packet while that
   * is still to come.
   */
  sendReport(streamUs: number, unixUs: number, cname: Uint8Array): void {
    this.hasReported = true;
    this.#fillReport(streamUs, unixUs);
    this.#sendReport(writeReportCompound(reportBytes, 0, report, cname));
    if (this.#fillAgain()) this.#sendReport(writeReportCompound(reportBytes, 0, report, cname));
  }

  /** Sends the last report and BYE. */
  sendBye(streamUs: number, unixUs: number, cname: Uint8Array): void {
    this.#fillReport(streamUs, unixUs);
    this.#sendReport(writeByeCompound(reportBytes, 0, report, cname));
    if (this.#fillAgain()) this.#sendReport(writeByeCompound(reportBytes, 0, report, cname));
  }

  /** Reads an RTCP compound from the viewer; false, and counted, when it is malformed or foreign. */
  reportArrived(bytes: Uint8Array, unixUs: number): boolean {
    this.#reportUs = unixUs;
    const isTaken = readReports(bytes, this.ssrc, unixUs, this, this.#sentRuns === null ? null : this);
    if (!isTaken) this.rejectedReports++;
    return isTaken;
  }

  /** Closes the transport; what is sent from now on goes nowhere. */
  leaveTransport(): void {
    this.#transport.close();
    this.#transport = NOWHERE;
  }

  /** Part of NackListener: sends a packet once more, if it is not too old and the viewer has not asked for too much. */
  missed(sequence: number): void {
    this.nackedPackets++;
    const sent = this.#sentRuns;
    if (sent === null || !sent.find(sequence)) return;
    const { plan, registered } = sent.planned!;
    const timestamp = this.#clock.ofUnit(plan.rtpTimestampOf(plan.unitOfPacket(sent.packet)));
    const ageUs = (ticksAfter(this.#lastTimestamp, timestamp) * US_PER_S) / this.#clock.rateHz;
    if (Math.abs(ageUs) > RETRANSMISSION_TIME_US) return;
    this.#retransmission ??= new Retransmission(this.#retransmissionType, this.#bitRateBps, this.#reportUs);
    const stream = this.#retransmission;
    const bytes = plan.prefixBytesOf(sent.packet) + plan.sliceBytesOf(sent.packet);
    if (!stream.spends(bytes, this.#reportUs)) return;
    this.retransmittedPackets++;
    run.plan = registered;
    run.ssrc = stream.ssrc;
    run.payloadType = stream.payloadType;
    run.timestamp = timestamp;
    run.firstPacket = sent.packet;
    run.packetCount = 1;
    run.sequence = stream.nextSequence();
    this.#transport.sendAgain(run, sequence);
  }

  /** Leaves the plans and the transport; `waiter` is told nothing more. */
  close(waiter?: PlanWaiter): void {
    if (this.#segment !== NO_SEGMENT && waiter !== undefined) this.#cache.forget(this.#segment, waiter);
    this.#enter(NO_SEGMENT);
    this.#transport.close();
  }

  #planFor(frame: number): PlannedSegment | null {
    if (frame >= this.#segmentEnd || frame < this.#segmentStart)
      this.#enter(this.#cache.segments.segmentOfFrame(frame));
    this.#planned ??= this.#cache.planOf(this.#segment);
    return this.#planned;
  }

  // Who sees key frames only needs the segments that they lie in: prepare() names the next.
  #enter(segment: number): void {
    const { segments } = this.#cache;
    const hasNext = segment !== NO_SEGMENT && segment + 1 < segments.length;
    this.#use(segment, hasNext && !this.#order.keyFramesOnly ? segment + 1 : NO_SEGMENT);
    this.#planned = null;
    this.#nextUnit = 0;
    this.#segmentStart = segment === NO_SEGMENT ? 0 : segments.firstFrameOf(segment);
    this.#segmentEnd = segment === NO_SEGMENT ? 0 : this.#segmentStart + segments.frameCountOf(segment);
  }

  // What is used again is entered before it is left, so that its plan stays.
  #use(segment: number, ahead: number): void {
    const left = this.#segment;
    const leftAhead = this.#ahead;
    this.#segment = segment;
    this.#ahead = ahead;
    if (segment !== NO_SEGMENT) this.#cache.enter(segment);
    if (ahead !== NO_SEGMENT) this.#cache.enter(ahead);
    if (left !== NO_SEGMENT) this.#cache.leave(left);
    if (leftAhead !== NO_SEGMENT) this.#cache.leave(leftAhead);
  }

  #sendUnit(planned: PlannedSegment, unit: number): void {
    const { plan, registered } = planned;
    run.plan = registered;
    run.ssrc = this.ssrc;
    run.payloadType = this.#payloadType;
    run.timestamp = this.#clock.ofUnit(plan.rtpTimestampOf(unit));
    this.#lastTimestamp = run.timestamp;
    let first = plan.firstPacketOf(unit);
    let left = plan.packetCountOf(unit);
    this.packetCount += left;
    this.octetCount += plan.payloadBytesOf(unit);
    while (left > 0) {
      run.firstPacket = first;
      run.packetCount = Math.min(left, MAX_ROW_PACKETS);
      run.sequence = this.#sequence;
      this.#transport.sendRun(run);
      this.#sentRuns?.add(planned, first, this.#sequence, run.packetCount);
      this.#sequence = (this.#sequence + run.packetCount) & 0xffff;
      first += run.packetCount;
      left -= run.packetCount;
    }
  }

  #sendReport(bytes: number): void {
    this.#transport.sendReport(reportBytes.subarray(0, bytes));
  }

  // RFC 4588 §5.3: the retransmission stream is a source of its own, of the same clock and name.
  #fillAgain(): boolean {
    if (this.#retransmission === null) return false;
    const { ssrc, packets, octets } = this.#retransmission;
    report.ssrc = ssrc;
    report.packetCount = packets >>> 0;
    report.octetCount = octets >>> 0;
    return true;
  }

  #fillReport(streamUs: number, unixUs: number): void {
    report.ssrc = this.ssrc;
    report.rtpTimestamp = this.#clock.ofStream(streamUs);
    const hasBegun = this.#reportsFrom !== NO_TIMESTAMP;
    const early = hasBegun ? Math.max(ticksAfter(this.#reportsFrom, report.rtpTimestamp), 0) : 0;
    if (early > 0) report.rtpTimestamp = this.#reportsFrom;
    const atUs = unixUs + (early * US_PER_S) / this.#clock.rateHz;
    report.ntpSeconds = ntpSeconds(atUs);
    report.ntpFraction = ntpFraction(atUs);
    report.packetCount = this.packetCount >>> 0;
    report.octetCount = this.octetCount >>> 0;
  }
}

/** How far the RTP timestamp `a` lies behind `b`, modulo 2^32: negative where it lies before. */
function ticksAfter(a: number, b: number): number {
  return (a - b) | 0;
}
