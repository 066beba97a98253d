/**
 * One track on its way to one viewer: sequence numbers, timestamps, reports. Called by the RTP session, once a frame.
 * Rule (hot path): no allocation and no call per packet; a unit of the plan becomes one row of the packet batch.
 * Spec: RFC 3550 §5.1 (fixed header), §6.4 (reports), §6.6 (BYE).
 */
import type { PacketRun, PullOrder, Track } from '@finch/core';
import { MAX_ROW_PACKETS } from '@finch/core/net/packet-row'; // not by way of the index: the hot path would look it up by name
import type { PlannedSegment, PlanWaiter } from './cached-segment';
import { FeedbackAllowance } from './feedback-allowance';
import { ntpFraction, ntpSeconds } from './ntp-time';
import type { PlanCache } from './plan-cache';
import { PlanCursor } from './plan-cursor';
import { randomUint16, randomUint32 } from './random-start';
import { RETRANSMISSION_TIME_US, Retransmission } from './retransmission';
import { writeByeCompound, writeReportCompound } from './rtcp/compound';
import type { NackListener } from './rtcp/generic-nack';
import { emptySenderReport } from './rtcp/sender-report';
import { type ReceptionStatistics, readReports } from './rtcp-reception';
import { NOWHERE, type RtpTransport } from './rtp-transport';
import { SentRuns } from './sent-runs';
import { noThinnedFrames, type ThinnedFrames } from './thinning';

/** An SR, an SDES with the longest CNAME and a BYE fit. */
const REPORT_BYTES = 512;
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
export class RtpSender extends PlanCursor implements ReceptionStatistics, NackListener {
  // First what every unit looks at, so that it lies together.
  #transport: RtpTransport;
  // RFC 3550 §5.1: both start at random.
  #sequence = randomUint16();
  /** As a signed number: V8 keeps a larger one in an object of its own. */
  readonly #ssrcWord: number;
  readonly #payloadType: number;
  /** Whether a report has gone since the last move. */
  hasReported = false;
  /** Packets and payload octets so far; reports send them modulo 2^32. */
  packetCount = 0;
  octetCount = 0;
  #lastTimestamp = 0;
  readonly #sentRuns: SentRuns | null;
  /** The packet that follows the last one, and the plan that it lies in: there the stretch goes on that #sentRuns was told of. */
  #stretchPlan: PlannedSegment | null = null;
  #stretchPacket = 0;

  readonly ssrc = randomUint32();
  readonly kind: Track['kind'];
  /** What the viewer went without because he was late. */
  readonly thinned: ThinnedFrames = noThinnedFrames();
  fractionLost = 0;
  cumulativeLost = 0;
  highestSequence = 0;
  jitterTicks = 0;
  roundTripUs = -1;
  receivedReports = 0;
  /** RTCP from the viewer that was malformed, spoke of other sources only, or came too often. */
  rejectedReports = 0;
  /** Packets that the viewer asked for again, and how many of them he got. */
  nackedPackets = 0;
  retransmittedPackets = 0;
  readonly #allowance = new FeedbackAllowance();
  readonly #retransmissionType: number;
  readonly #bitRateBps: number;
  #retransmission: Retransmission | null = null;
  /** When the report that is being read arrived. */
  #reportUs = 0;
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
    super(cache, track.clockRateHz);
    this.kind = track.kind;
    this.#transport = transport;
    this.#ssrcWord = this.ssrc | 0;
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

  override retime(mediaUs: number, streamUs: number, scale: number): void {
    super.retime(mediaUs, streamUs, scale);
    this.#sentRuns?.clear();
    this.#stretchPlan = null;
  }

  override moveTo(frame: number, order?: PullOrder): void {
    super.moveTo(frame, order);
    this.#movedTo = frame;
    this.#reportsFrom = NO_TIMESTAMP;
    this.hasReported = false;
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
    const plan = this.planFor(frame)?.plan;
    if (plan === undefined) return false;
    const started = this.timestampOf(startUs);
    const first = this.timestampOfUnit(plan.rtpTimestampOf(plan.unitOfFrame(frame)));
    this.#reportsFrom = ticksAfter(first, started) > 0 ? first : started;
    return true;
  }

  /** For Task.prefetch(): reads what send() reads. Hot path. */
  prefetch(): number {
    const counts = this.packetCount + this.octetCount + this.#stretchPacket + this.#lastTimestamp;
    return counts + this.prefetchUnit() + this.#transport.prefetch();
  }

  /** Sends the unit that `frame` belongs to, unless it went already. `pending`: its plan is being made. Hot path. */
  send(frame: number): number {
    if (frame < this.nextFrame) return SendResult.sent;
    const planned = this.planFor(frame);
    if (planned === null) return SendResult.pending;
    this.#sendUnit(planned, this.take(planned.plan, frame));
    return SendResult.sent;
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

  /** Reads an RTCP compound from the viewer; false, and counted, when it is malformed or foreign, or one of too many. */
  reportArrived(bytes: Uint8Array, unixUs: number): boolean {
    this.#reportUs = unixUs;
    const isTaken =
      this.#allowance.takesReport(unixUs) &&
      readReports(bytes, this.ssrc, unixUs, this, this.#sentRuns === null ? null : this);
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
    if (sent === null || !this.#allowance.takesNack() || !sent.find(sequence, this.#sequence)) return;
    const { plan, registered } = sent.planned!;
    const timestamp = this.timestampOfUnit(plan.rtpTimestampOf(plan.unitOfPacket(sent.packet)));
    const ageUs = (ticksAfter(this.#lastTimestamp, timestamp) * US_PER_S) / this.clockRateHz;
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
    this.leavePlans(waiter);
    this.#transport.close();
  }

  #sendUnit(planned: PlannedSegment, unit: number): void {
    const { plan, registered } = planned;
    run.plan = registered;
    run.ssrc = this.#ssrcWord;
    run.payloadType = this.#payloadType;
    run.timestamp = this.timestampOfUnit(plan.rtpTimestampOf(unit));
    this.#lastTimestamp = run.timestamp | 0;
    let first = plan.firstPacketOf(unit);
    let left = plan.packetCountOf(unit);
    this.packetCount += left;
    this.octetCount += plan.payloadBytesOf(unit);
    if (planned !== this.#stretchPlan || first !== this.#stretchPacket) {
      this.#sentRuns?.begin(planned, first, this.#sequence);
      this.#stretchPlan = planned;
    }
    this.#stretchPacket = first + left;
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
    report.rtpTimestamp = this.timestampAt(streamUs);
    const hasBegun = this.#reportsFrom !== NO_TIMESTAMP;
    const early = hasBegun ? Math.max(ticksAfter(this.#reportsFrom, report.rtpTimestamp), 0) : 0;
    if (early > 0) report.rtpTimestamp = this.#reportsFrom;
    const atUs = unixUs + (early * US_PER_S) / this.clockRateHz;
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
