/**
 * What a crowd has seen so far: counters and times, one of each for all viewers. Written by meters and viewers, read by
 * the run at the edges of its window. Rule (hot path): plain additions; who wants a rate takes the difference of copies.
 */
import { Histogram } from './histogram';

/** Places in `Figures.counters`: totals since the start, slow readers left out. */
export const FigureCounter = {
  packets: 0,
  /** RTP payload, without headers. */
  payloadBytes: 1,
  /** Holes in the sequence numbers that nothing has filled. */
  lost: 2,
  duplicates: 3,
  /** Packets that came behind a later one, at most 64 places. */
  reordered: 4,
  /** Datagrams that our own sockets had no room for: part of `lost`, and our fault. */
  droppedByOwnSockets: 5,
  /** Jumps of sequence numbers or timestamps that began a track's schedule anew; seeks of ours do not count. */
  discontinuities: 6,
  /** What was not RTP where RTP was due. */
  malformed: 7,
} as const;

const COUNTERS = 8;

/** Why viewers failed or ended before their time, by reason. */
export type Reasons = Map<string, number>;

/** All figures of one run; see the head of this file. */
export class Figures {
  readonly counters = new Float64Array(COUNTERS);
  /** Lateness of whole frames within the window. */
  readonly lateness = new Histogram();
  /** Time between the frames of a video track, within the window. */
  readonly videoGaps = new Histogram();
  /** connect() to the first RTP packet, by the viewers of the ramp and by those that came within the window. */
  readonly startUp = new Histogram();
  readonly newcomerStartUp = new Histogram();
  /** DESCRIBE to its response, PLAY to the first RTP packet. */
  readonly describe = new Histogram();
  readonly play = new Histogram();
  /** The second and later PLAY, after a seek, to the first RTP packet. */
  readonly seek = new Histogram();
  readonly failures: Reasons = new Map();
  readonly earlyEnds: Reasons = new Map();
  /** The window, in microseconds of the monotonic clock. Frames that arrive outside it count nowhere. */
  fromUs = Infinity;
  untilUs = Infinity;

  /** Whether the window is open at `arrivalUs`. Hot path. */
  isMeasured(arrivalUs: number): boolean {
    return arrivalUs >= this.fromUs && arrivalUs < this.untilUs;
  }

  /** Counts a frame that was complete `latenessUs` after its time. Hot path. */
  frame(arrivalUs: number, latenessUs: number): void {
    if (this.isMeasured(arrivalUs)) this.lateness.add(latenessUs);
  }

  /** Opens the window at `nowUs`. */
  open(nowUs: number): void {
    this.fromUs = nowUs;
  }

  /** Ends the window at `nowUs`; frames that arrived before and are evaluated later still count. */
  close(nowUs: number): void {
    this.untilUs = nowUs;
  }
}

/** Counts one more for `reason`. */
export function countReason(reasons: Reasons, reason: string): void {
  reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
}
