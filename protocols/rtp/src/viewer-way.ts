/**
 * The way to one viewer, when it is too narrow: how long it was full, what he goes without, and when he is given up. Asked by the
 * RTP session, and only while he is hindered or late. Rule: he answers for his own way; what the thread owes him is told apart.
 */
import type { PullProvider } from '@finch/core';
import { CatchingUp, type FrameInQuestion } from './catching-up';
import { LateThinning } from './late-thinning';
import { type Quality, QualityControl } from './quality-control';
import { ROOM_CHECK_US, RoomWait } from './room-wait';
import type { RtpSender } from './rtp-sender';
import { THIN_FROM_US } from './thinning';

/** What a viewer whose way is too narrow may lose, and when he has lost all. */
export interface SlowViewer {
  /** Whether frames are left out; if not, he is late until he is closed. */
  readonly isThinning: boolean;
  /** Share of the packets, 0..1, whose loss makes a report a bad one. */
  readonly thinFromLoss: number;
  /** Most that waits for him in memory, in bytes, but for the last frame that was added. */
  readonly maxQueueBytes: number;
  /** He is closed when his way was full, or he himself was late, for so long, in microseconds. */
  readonly maxQueueUs: number;
}

/** The way to one viewer; see the head of this file. Times in microseconds of the thread's clock. */
export class ViewerWay {
  readonly #limits: SlowViewer;
  readonly #room = new RoomWait();
  readonly #control: QualityControl;
  readonly #catchingUp: CatchingUp;
  readonly #late = new LateThinning();

  /** `tracks` is how many the provider has. */
  constructor(provider: PullProvider, tracks: number, limits: SlowViewer) {
    this.#limits = limits;
    this.#control = new QualityControl(tracks, limits.thinFromLoss);
    this.#catchingUp = new CatchingUp(provider, tracks, this.#control);
  }

  /** How much of the movie he gets: what his reports and his lateness leave of it. */
  get quality(): Quality {
    return Math.max(this.#control.quality, this.#late.quality) as Quality;
  }

  /** The loss that was reported last, 0..1. */
  get loss(): number {
    return this.#control.loss;
  }

  /** Whether he goes, or a moment ago went, without something because he was late. */
  get isThinnedLate(): boolean {
    return this.#late.isThinning;
  }

  /** Begins anew: nothing of what was is late any more. */
  restart(): void {
    this.#room.restart();
    this.#late.restart();
  }

  /** Hears that a report about the track at `place` has been read; says whether the quality changed. */
  heard(place: number, sender: RtpSender, nowUs: number): boolean {
    if (!sender.isLossy || !this.#limits.isThinning) return false;
    return this.#control.heard(place, sender, nowUs);
  }

  /** The way was found full, with a frame to send that is due at `dueUs`. When to look again, in microseconds; 0: he is given up. */
  full(nowUs: number, dueUs: number): number {
    this.#room.full(nowUs, dueUs);
    const leftUs = this.#limits.maxQueueUs - this.#room.fullForUs;
    return leftUs > 0 ? Math.min(leftUs, ROOM_CHECK_US) : 0;
  }

  /** There is room for the frame that is due at `dueUs`: how much of its lateness is the viewer's own. */
  ownLatenessUs(nowUs: number, dueUs: number): number {
    this.#room.room(nowUs, dueUs);
    return this.#room.ownPartOf(nowUs - dueUs);
  }

  /** Says whether a frame is left out, and passes over it and what helps him more. `ownUs` is what ownLatenessUs() told. */
  leavesOut(asked: FrameInQuestion, ownUs: number, nowUs: number): boolean {
    this.#late.pass(nowUs);
    if (!this.#limits.isThinning || (ownUs < THIN_FROM_US && !this.#catchingUp.isThinning)) return false;
    const isLeftOut = this.#catchingUp.passesOver(asked, ownUs);
    if (isLeftOut && ownUs >= THIN_FROM_US) this.#late.leftOut(asked.sender.kind, ownUs, nowUs);
    return isLeftOut;
  }

  /** Whether he has to be asked about: he is late himself, or goes or a moment ago went without something. */
  isHindered(ownUs: number): boolean {
    return ownUs > 0 || this.#catchingUp.isThinning || this.#late.isThinning;
  }

  /** Whether he is too late to be served. */
  isTooLate(ownUs: number): boolean {
    return ownUs >= this.#limits.maxQueueUs;
  }
}
