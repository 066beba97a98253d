/**
 * Where one viewer is in the packet plans of a track: the segment that his next unit lies in, and the one that he uses after it,
 * whose plan is made and read ahead meanwhile. What RTP senders go on with behind the clock, by inheritance, for the same reason.
 * Rule (hot path): following the plan is a comparison and an addition.
 */
import { ALL_FRAMES, type PullOrder } from '@finch/core';
import type { PlannedSegment, PlanWaiter } from './cached-segment';
import type { PacketPlan } from './packet-plan';
import type { PlanCache } from './plan-cache';
import { RtpClock } from './rtp-clock';

const NO_SEGMENT = -1;

/** The place of one viewer in one track; see the head of this file. */
export class PlanCursor extends RtpClock {
  #planned: PlannedSegment | null = null;
  #nextUnit = 0;
  /** Frames of the segment, from the first to before the end; none while there is no segment. */
  #segmentStart = 0;
  #segmentEnd = 0;
  #sentThrough = 0;
  #segment = NO_SEGMENT;
  /** The segment that is used next. */
  #ahead = NO_SEGMENT;
  #order = ALL_FRAMES;
  readonly #cache: PlanCache;

  /** `clockRateHz` is the rate of the track's RTP clock. */
  constructor(cache: PlanCache, clockRateHz: number) {
    super(clockRateHz);
    this.#cache = cache;
  }

  /** The first frame that has not been sent. */
  get nextFrame(): number {
    return this.#sentThrough;
  }

  /** Starts afresh at `frame` (-1: nothing is to be sent): nothing of it has been sent, and its plan is asked for. */
  moveTo(frame: number, order: PullOrder = ALL_FRAMES): void {
    const isSameOrder = order === this.#order;
    this.#order = order;
    this.#sentThrough = Math.max(frame, 0);
    const segment = this.#segmentOf(frame);
    if (segment !== this.#segment || !isSameOrder) this.#enter(segment);
  }

  /** Has the plan made of a frame that is sent after the next; where frames do not follow each other. */
  prepare(frame: number): void {
    const segment = this.#segmentOf(frame);
    if (segment !== this.#segment && segment !== this.#ahead) this.#use(this.#segment, segment);
  }

  /** Whether no other frame refers to `frame`; false while its plan is being made. */
  isDisposable(frame: number): boolean {
    const plan = this.planFor(frame)?.plan;
    return plan?.isDisposable(plan.unitOfFrame(frame)) ?? false;
  }

  /** Has `waiter` told when the plan that planFor() found pending has come. */
  wait(waiter: PlanWaiter): void {
    this.#cache.wait(this.#segment, waiter);
  }

  /** For Task.prefetch(): reads what take() reads, and returns the RTP timestamp of the next unit, or 0. Hot path. */
  protected prefetchUnit(): number {
    const planned = this.#planned;
    const unit = this.#nextUnit;
    if (planned === null || unit >= planned.plan.unitCount) return 0;
    return planned.plan.rtpTimestampOf(unit);
  }

  /** The plan that a frame lies in; null while it is being made. Hot path. */
  protected planFor(frame: number): PlannedSegment | null {
    if (frame >= this.#segmentEnd || frame < this.#segmentStart)
      this.#enter(this.#cache.segments.segmentOfFrame(frame));
    this.#planned ??= this.#cache.planOf(this.#segment);
    return this.#planned;
  }

  /** Moves on past the unit of `frame`, which `plan` holds, and returns it. Hot path. */
  protected take(plan: PacketPlan, frame: number): number {
    const next = this.#nextUnit;
    const follows = next < plan.unitCount && plan.firstFrameOf(next) === frame;
    const unit = follows ? next : plan.unitOfFrame(frame);
    this.#nextUnit = unit + 1;
    // Backward, the next frame is an earlier one.
    this.#sentThrough = this.#order.isReverse ? 0 : plan.firstFrameOf(unit) + plan.frameCountOf(unit);
    return unit;
  }

  /** Leaves the plans; `waiter` is told nothing more. */
  protected leavePlans(waiter?: PlanWaiter): void {
    if (this.#segment !== NO_SEGMENT && waiter !== undefined) this.#cache.forget(this.#segment, waiter);
    this.#enter(NO_SEGMENT);
  }

  #segmentOf(frame: number): number {
    return frame < 0 ? NO_SEGMENT : this.#cache.segments.segmentOfFrame(frame);
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
}
