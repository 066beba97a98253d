/**
 * A segment of a track as its plan cache knows it: somebody uses it, or its plan is being made, or is shelved. Rule: it is on
 * the shelf when it has a plan and no user. Thread: the cache's.
 */
import type { RegisteredPlan } from '@finch/core';
import type { PacketPlan } from './packet-plan';
import type { ShelvedPlan } from './plan-shelf';

/** A segment with its plan; what `plan` names may be sent while `registered` is not retired. */
export interface PlannedSegment {
  readonly plan: PacketPlan;
  readonly registered: RegisteredPlan;
  readonly sizeBytes: number;
}

/** Hears that plans it asked for have come, or that they never will. */
export interface PlanWaiter {
  planReady(): void;
  planFailed(error: Error): void;
}

/** One segment; see the head of this file. */
export class CachedSegment implements ShelvedPlan {
  planned: PlannedSegment | null = null;
  /** Its plan is wanted or under way. */
  isAskedFor = false;
  /** Sessions that are in this segment or about to be. */
  users = 0;
  waiters: PlanWaiter[] = [];
  readonly #onGivenUp: (segment: CachedSegment) => void;

  /** `onGivenUp` frees the plan when there is no more room for it on the shelf. */
  constructor(
    readonly place: number,
    onGivenUp: (segment: CachedSegment) => void,
  ) {
    this.#onGivenUp = onGivenUp;
  }

  get sizeBytes(): number {
    return this.planned?.sizeBytes ?? 0;
  }

  /** Those who wait for the plan; they are told once. */
  takeWaiters(): readonly PlanWaiter[] {
    const { waiters } = this;
    this.waiters = [];
    return waiters;
  }

  giveUp(): void {
    this.#onGivenUp(this);
  }
}
