/**
 * Looks at every RTP packet of one track of one viewer. Called by the receive set and the stream scanner.
 * Rule (hot path): it reads headers out of the shared receive buffer, adds numbers and allocates nothing.
 * Spec: RFC 3550 §5.1 (the fixed header is drawn in @finch/rtp, rtp-header).
 */
// From the file itself: the package's index answers through getters, which a hot path should not pay for.
import { RTP_HEADER_BYTES, RTP_VERSION } from '@finch/rtp/rtp-header';
import { FigureCounter, type Figures } from './figures';
import { FrameSchedule } from './frame-schedule';
import { Arrival, SequenceWindow } from './sequence-window';

const US_PER_S = 1_000_000;
/** A timestamp that is further off is not the next frame's. */
const MAX_JUMP_S = 10;
/** Sequence numbers that a seek's first packet may be ahead of what RTP-Info named before that counts as a restart. */
const MAX_SEEK_GAP = 1000;

/** Who is told of a track's first packet, at the start and after each seek. */
export interface FirstPacketListener {
  firstPacket(arrivalUs: number): void;
}

/** The meter of one track; see the head of this file. */
export class TrackMeter {
  readonly sequences = new SequenceWindow();
  /** Packets so far. */
  packets = 0;
  /** Of the last packet, in microseconds; 0 before the first. */
  lastArrivalUs = 0;
  ssrc = 0;

  readonly #figures: Figures;
  readonly #isVideo: boolean;
  readonly #usPerTick: number;
  readonly #maxJumpTicks: number;
  readonly #schedule: FrameSchedule;
  readonly #listener: FirstPacketListener;
  #isWaitingForFirst = true;
  #hasFrame = false;
  #timestamp = 0;
  #ticks = 0;
  #frameEndUs = 0;
  #lostBefore = 0;
  #dropsBefore = 0;
  /** The number that RTP-Info named and that of the first packet after a seek; -1 when not known. */
  #namedSequence = -1;
  #firstSequence = -1;

  /** `clockRateHz` is the track's in SDP. */
  constructor(isVideo: boolean, clockRateHz: number, figures: Figures, listener: FirstPacketListener) {
    this.#isVideo = isVideo;
    this.#usPerTick = US_PER_S / clockRateHz;
    this.#maxJumpTicks = MAX_JUMP_S * clockRateHz;
    this.#figures = figures;
    this.#listener = listener;
    this.#schedule = new FrameSchedule(figures);
  }

  /** Takes a datagram, or a run of datagrams of `segmentBytes` each (0: one). Hot path. */
  datagrams(
    bytes: Uint8Array,
    offset: number,
    length: number,
    segmentBytes: number,
    arrivalUs: number,
  ): void {
    const end = offset + length;
    const step = segmentBytes > 0 ? segmentBytes : length;
    for (let at = offset; at < end; at += step) this.packet(bytes, at, Math.min(step, end - at), arrivalUs);
  }

  /** Takes one packet. Hot path. */
  packet(bytes: Uint8Array, at: number, length: number, arrivalUs: number): void {
    const { counters } = this.#figures;
    if (length < RTP_HEADER_BYTES || bytes[at]! >>> 6 !== RTP_VERSION) {
      counters[FigureCounter.malformed]!++;
      return;
    }
    this.packets++;
    this.lastArrivalUs = arrivalUs;
    counters[FigureCounter.packets]!++;
    counters[FigureCounter.payloadBytes]! += length - headerBytes(bytes, at);
    if (this.#isWaitingForFirst) this.#first(bytes, at, arrivalUs);
    const arrival = this.sequences.take((bytes[at + 2]! << 8) | bytes[at + 3]!);
    if (this.sequences.lost !== this.#lostBefore) this.#countLost();
    if (arrival === Arrival.next || arrival === Arrival.restart) {
      if (arrival === Arrival.restart) this.#discontinuity();
      this.#advance(readInt32(bytes, at + 4), arrivalUs);
    } else if (arrival === Arrival.late) counters[FigureCounter.reordered]!++;
    else counters[FigureCounter.duplicates]!++;
  }

  /** Takes note of how many datagrams the socket has dropped in all. */
  dropped(total: number): void {
    if (total === this.#dropsBefore) return;
    this.#figures.counters[FigureCounter.droppedByOwnSockets]! += total - this.#dropsBefore;
    this.#dropsBefore = total;
  }

  /** Waits for a first packet again: a seek is under way, so timestamps and sequence numbers may jump. */
  restart(): void {
    this.#isWaitingForFirst = true;
    this.#endFrame();
    this.#hasFrame = false;
    this.#schedule.restart();
    this.sequences.reset();
    this.#namedSequence = this.#firstSequence = -1;
  }

  /** Hears the sequence number that the response to PLAY named in RTP-Info (RFC 2326 §12.33); what is missing is lost. */
  startsAt(sequence: number): void {
    this.#namedSequence = sequence;
    if (this.#firstSequence >= 0) this.#compareStart();
  }

  /** Evaluates what waits: nothing more will come, or the window is over. */
  flush(): void {
    this.#schedule.flush();
  }

  #first(bytes: Uint8Array, at: number, arrivalUs: number): void {
    this.#isWaitingForFirst = false;
    this.ssrc = readInt32(bytes, at + 8) >>> 0;
    this.#firstSequence = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (this.#namedSequence >= 0) this.#compareStart();
    this.#listener.firstPacket(arrivalUs);
  }

  #compareStart(): void {
    const missing = (this.#firstSequence - this.#namedSequence) & 0xffff;
    if (missing > 0 && missing <= MAX_SEEK_GAP) this.sequences.lost += missing;
    this.#namedSequence = this.#firstSequence = -1;
    this.#countLost();
  }

  #countLost(): void {
    this.#figures.counters[FigureCounter.lost]! += this.sequences.lost - this.#lostBefore;
    this.#lostBefore = this.sequences.lost;
  }

  #advance(timestamp: number, arrivalUs: number): void {
    if (!this.#hasFrame) this.#ticks = 0;
    else if (timestamp !== this.#timestamp) {
      const ticks = (timestamp - this.#timestamp) | 0;
      if (Math.abs(ticks) > this.#maxJumpTicks) this.#discontinuity();
      else {
        this.#endFrame();
        this.#ticks += ticks;
        if (this.#isVideo && this.#figures.isMeasured(arrivalUs))
          this.#figures.videoGaps.add(arrivalUs - this.#frameEndUs);
      }
    }
    this.#hasFrame = true;
    this.#timestamp = timestamp;
    this.#frameEndUs = arrivalUs;
  }

  #endFrame(): void {
    if (this.#hasFrame) this.#schedule.add(this.#ticks * this.#usPerTick, this.#frameEndUs);
  }

  #discontinuity(): void {
    this.#figures.counters[FigureCounter.discontinuities]!++;
    this.#hasFrame = false;
    this.#schedule.restart();
  }
}

/** Header, contributing sources and extension (RFC 3550 §5.3.1); padding is left to the payload. */
function headerBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const fixedBytes = RTP_HEADER_BYTES + (first & 0x0f) * 4;
  if ((first & 0x10) === 0) return fixedBytes;
  return fixedBytes + 4 + ((bytes[at + fixedBytes + 2]! << 8) | bytes[at + fixedBytes + 3]!) * 4;
}

function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
