/**
 * How much of a movie the network of a UDP viewer carries, judged by what his player reports. Asked by the RTP session.
 * Rule: slow to judge, and one step at a time: reports that agree, not one that is bad, change the quality; what the server
 * does late itself shows in no loss, and in too few reports of the round trip to count.
 *
 *   quality   3 reports in a row of much loss, or of a long queue: one step down
 *             6 reports in a row of little loss and no queue, of every track that is sent: one step up
 *
 * Spec: Darwin Streaming Server's QTSSFlowControlModule (loss_thin_tolerance and its kin); RFC 3550 §6.4.1, §A.3.
 */
import type { ReceptionStatistics } from './rtcp-reception';

/** What is left of the movie, from all of it to the least. */
export const Quality = {
  full: 0,
  /** Without the pictures that no other refers to. */
  noDisposable: 1,
  /** Pictures that decoding can start at, no others. */
  keyFrames: 2,
  soundOnly: 3,
  /** Some of the pictures and no sound: what is left of a way over TCP that is far too narrow; loss alone leads not so far. */
  silent: 4,
} as const;
/** One of Quality. */
export type Quality = (typeof Quality)[keyof typeof Quality];

/** Reports in a row of much loss that thin. */
export const LOSSES_TO_THIN = 3;
/** Reports in a row of little loss that thicken. */
export const LOSSES_TO_THICKEN = 6;
/** A report of less loss is a good one. */
export const THICKEN_BELOW_LOSS = 0.05;
/** A round trip that is longer by so much than the shortest seen: what the network holds back is late (always_thin_delay). */
export const THIN_FROM_QUEUE_US = 750_000;
/** A round trip that is longer by less is a good one (start_thicking_delay). */
export const THICKEN_BELOW_QUEUE_US = 250_000;
/** Players that report with every few packets (FFmpeg) are heard once in this time, for all of it. */
export const CHECK_INTERVAL_US = 1_000_000;

interface Track {
  lost: number;
  highestSequence: number;
  hasBaseline: boolean;
  /** Whether it was heard of at this quality: of pictures that are not sent there is nothing to tell. */
  isHeard: boolean;
  bad: number;
  good: number;
  nextCheckUs: number;
}

/** The quality of one viewer; see the head of this file. */
export class QualityControl {
  readonly #tracks: Track[];
  readonly #thinFromLoss: number;
  #quality: Quality = Quality.full;
  #shortestTripUs = Infinity;
  /** The loss that the report counted last told, 0..1. */
  loss = 0;

  /** `tracks` is how many report; `thinFromLoss` (0..1) is the loss from which a report is a bad one. */
  constructor(tracks: number, thinFromLoss: number) {
    this.#thinFromLoss = thinFromLoss;
    this.#tracks = Array.from({ length: tracks }, () => ({
      lost: 0,
      highestSequence: 0,
      hasBaseline: false,
      isHeard: false,
      bad: 0,
      good: 0,
      nextCheckUs: 0,
    }));
  }

  get quality(): Quality {
    return this.#quality;
  }

  /** Hears a report about a track; says whether the quality changed. */
  heard(place: number, report: ReceptionStatistics, nowUs: number): boolean {
    const track = this.#tracks[place];
    if (track === undefined || nowUs < track.nextCheckUs) return false;
    const expected = (report.highestSequence - track.highestSequence) | 0;
    if (track.hasBaseline && expected === 0) return false; // nothing was sent
    track.nextCheckUs = nowUs + CHECK_INTERVAL_US;
    const lost = report.cumulativeLost - track.lost;
    const isCounted = track.hasBaseline && expected > 0;
    this.loss = isCounted ? Math.min(Math.max(lost / expected, 0), 1) : report.fractionLost / 256;
    track.hasBaseline = true;
    track.isHeard = true;
    track.lost = report.cumulativeLost;
    track.highestSequence = report.highestSequence;
    this.#judge(track, this.loss, this.#queueUs(report.roundTripUs));
    return this.#step(track);
  }

  #queueUs(tripUs: number): number {
    if (tripUs < 0) return 0;
    this.#shortestTripUs = Math.min(this.#shortestTripUs, tripUs);
    return tripUs - this.#shortestTripUs;
  }

  #judge(track: Track, loss: number, queueUs: number): void {
    const isBad = loss >= this.#thinFromLoss || queueUs >= THIN_FROM_QUEUE_US;
    const isGood = !isBad && loss < THICKEN_BELOW_LOSS && queueUs < THICKEN_BELOW_QUEUE_US;
    track.bad = isBad ? track.bad + 1 : 0;
    track.good = isGood ? track.good + 1 : 0;
  }

  #step(track: Track): boolean {
    if (track.bad >= LOSSES_TO_THIN && this.#quality < Quality.soundOnly) return this.#change(1);
    const isGood = this.#tracks.every(({ good, isHeard }) => !isHeard || good >= LOSSES_TO_THICKEN);
    return isGood && this.#quality > Quality.full && this.#change(-1);
  }

  // What was heard so far was of the old quality.
  #change(by: number): boolean {
    this.#quality = (this.#quality + by) as Quality;
    for (const track of this.#tracks) {
      track.bad = track.good = 0;
      track.isHeard = false;
    }
    return true;
  }
}
