/**
 * What viewers report of a track. Called by RTP senders for every RTCP compound that arrives. Rule: a malformed or foreign
 * report changes nothing. Spec: RFC 3550 §6.4.2, appendix A.2.
 */
import { roundTripUs } from './ntp-time';
import { CompoundCursor } from './rtcp/compound';
import { isNackOf, type NackListener, readNack } from './rtcp/generic-nack';
import { emptyReportBlock, readReceiverReportBlock, receiverReportBlockCount } from './rtcp/receiver-report';
import { RTCP_TYPE } from './rtcp/rtcp-header';

/** A longer round trip is a lie or a clock that jumped, in microseconds. */
const MAX_ROUND_TRIP_US = 60_000_000;

/** The latest that a viewer told of a track. */
export interface ReceptionStatistics {
  /** Since the report before, in 1/256. */
  fractionLost: number;
  /** Packets in all; below 0 when duplicates arrived. */
  cumulativeLost: number;
  /** With its cycles in the upper 16 bits. */
  highestSequence: number;
  /** In ticks of the track's clock. */
  jitterTicks: number;
  /** In microseconds; -1 while unknown. */
  roundTripUs: number;
  /** Report blocks about this track so far. */
  receivedReports: number;
}

const cursor = new CompoundCursor();
const block = emptyReportBlock();

/**
 * Reads the blocks about `ssrc` into `statistics` and tells `nacks` what is wanted again; `unixUs` is the time of arrival. False
 * when the compound is malformed, or when it has blocks and none of them is about `ssrc`.
 */
export function readReports(
  bytes: Uint8Array,
  ssrc: number,
  unixUs: number,
  statistics: ReceptionStatistics,
  nacks: NackListener | null = null,
): boolean {
  if (!cursor.start(bytes, 0, bytes.length)) return false;
  let blocks = 0;
  let ours = 0;
  while (cursor.next(bytes)) {
    if (cursor.type === RTCP_TYPE.transportFeedback && nacks !== null && isNackOf(bytes, cursor.offset, ssrc))
      readNack(bytes, cursor.offset, nacks);
    if (cursor.type !== RTCP_TYPE.receiverReport) continue;
    const count = receiverReportBlockCount(bytes, cursor.offset);
    if (count < 0) return false;
    for (let i = 0; i < count; i++, blocks++) {
      readReceiverReportBlock(bytes, cursor.offset, i, block);
      if (block.ssrc !== ssrc) continue;
      note(statistics, unixUs);
      ours++;
    }
  }
  return blocks === 0 || ours > 0;
}

function note(statistics: ReceptionStatistics, unixUs: number): void {
  statistics.fractionLost = block.fractionLost;
  statistics.cumulativeLost = block.cumulativeLost;
  statistics.highestSequence = block.highestSequence;
  statistics.jitterTicks = block.jitterTicks;
  statistics.receivedReports++;
  const tripUs = roundTripUs(unixUs, block.lastSr, block.delaySinceLastSr);
  if (tripUs >= 0 && tripUs <= MAX_ROUND_TRIP_US) statistics.roundTripUs = tripUs;
}
