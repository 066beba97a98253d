/**
 * The packet plans of one track on one task thread, shared by all of its viewers here: asked for ahead of time, kept while
 * somebody is near, then shelved. Called by RTP sessions. Rule: a plan is made on a blocking thread and never waited for on
 * this one; a session that finds none parks until it is told. Thread: one task thread.
 */
import {
  type BlockingCalls,
  MediaError,
  type MemoryBudget,
  type PacketBatch,
  type Presentation,
  type StoredTrack,
} from '@finch/core';
import { CachedSegment, type PlannedSegment, type PlanWaiter } from './cached-segment';
import { PacketPlan } from './packet-plan';
import { SegmentMap } from './plan-segments';
import { PLAN_JOB, type PlanJobArgument } from './plan-service';
import type { PlanShelf } from './plan-shelf';

/**
 * Plans of one cache that are being made at once. The blocking thread always has the next one at hand, and what is asked for
 * later but waited for by somebody does not stand behind all that was asked for before.
 */
const MAX_JOBS_UNDER_WAY = 2;

/** What all plan caches of a task thread share. */
export interface PlanThread {
  readonly batch: PacketBatch;
  readonly blocking: BlockingCalls;
  readonly memory: MemoryBudget;
  readonly shelf: PlanShelf;
}

/** The plans of one track and payload size; see the head of this file. */
export class PlanCache {
  readonly segments: SegmentMap;
  readonly #cached = new Map<number, CachedSegment>();
  /** Those whose plan is to be asked for, in the order they were entered. */
  readonly #wanted = new Set<CachedSegment>();
  #jobsUnderWay = 0;
  readonly #track: StoredTrack;
  #closed = false;

  constructor(
    readonly presentation: Presentation,
    trackPlace: number,
    readonly maxPayloadBytes: number,
    readonly thread: PlanThread,
  ) {
    this.#track = presentation.tracks[trackPlace]!;
    this.segments = SegmentMap.of(this.#track.frames, this.#track.track.kind);
  }

  /** Number of plans in memory or on their way. */
  get size(): number {
    return this.#cached.size;
  }

  /** Declares that a session uses a segment from now on; its plan is asked for if nobody has yet. */
  enter(segment: number): void {
    let cached = this.#cached.get(segment);
    if (cached === undefined) {
      cached = new CachedSegment(segment, this.#giveUp);
      this.#cached.set(segment, cached);
    }
    if (cached.users === 0) this.thread.shelf.remove(cached);
    cached.users++;
    this.#want(cached);
  }

  /** Ends what enter() began. A plan that nobody has begun to make by then is not made. */
  leave(segment: number): void {
    const cached = this.#cached.get(segment);
    if (cached === undefined || cached.users === 0) return;
    cached.users--;
    if (cached.users > 0) return;
    if (cached.planned !== null) this.thread.shelf.add(cached);
    else if (this.#wanted.delete(cached) || !cached.isAskedFor) this.#cached.delete(segment);
  }

  /** The plan of a segment that was entered; null while it is being made. */
  planOf(segment: number): PlannedSegment | null {
    return this.#cached.get(segment)?.planned ?? null;
  }

  /** Has `waiter` told once when the segment's plan has come; the segment must have been entered. */
  wait(segment: number, waiter: PlanWaiter): void {
    const cached = this.#cached.get(segment);
    if (cached === undefined) throw new TypeError(`segment ${segment} has not been entered`);
    cached.waiters.push(waiter);
    // A plan that failed before anybody waited for it is asked for once more, so that the waiter hears of it.
    this.#want(cached);
  }

  /** Ends the wait of one who has gone. */
  forget(segment: number, waiter: PlanWaiter): void {
    const cached = this.#cached.get(segment);
    if (cached !== undefined) cached.waiters = cached.waiters.filter((other) => other !== waiter);
  }

  /** Gives up all plans. */
  close(): void {
    this.#closed = true;
    for (const cached of this.#cached.values()) {
      this.thread.shelf.remove(cached);
      if (cached.planned !== null) this.#retire(cached.planned);
    }
    this.#cached.clear();
    this.#wanted.clear();
  }

  #want(cached: CachedSegment): void {
    if (cached.planned !== null || cached.isAskedFor) return;
    cached.isAskedFor = true;
    this.#wanted.add(cached);
    this.#askForNext();
  }

  #askForNext(): void {
    while (this.#jobsUnderWay < MAX_JOBS_UNDER_WAY && this.#wanted.size > 0) {
      const cached = this.#mostWanted();
      this.#wanted.delete(cached);
      this.#jobsUnderWay++;
      this.#ask(cached);
    }
  }

  /** What somebody waits for goes before what is made ahead of time. */
  #mostWanted(): CachedSegment {
    for (const cached of this.#wanted) if (cached.waiters.length > 0) return cached;
    return this.#wanted.values().next().value!;
  }

  #ask(cached: CachedSegment): void {
    const { source } = this.presentation;
    const argument: PlanJobArgument = {
      fd: source.fd,
      path: source.path,
      request: {
        config: this.#track.track.config,
        frames: this.#track.frames.share(),
        firstFrame: this.segments.firstFrameOf(cached.place),
        frameCount: this.segments.frameCountOf(cached.place),
        maxPayloadBytes: this.maxPayloadBytes,
      },
    };
    this.thread.blocking.call<SharedArrayBuffer>(PLAN_JOB, source.path, argument).then(
      (memory) => this.#arrived(cached, memory),
      (error: Error) => this.#failed(cached, error),
    );
  }

  #arrived(cached: CachedSegment, memory: SharedArrayBuffer): void {
    if (this.#closed) return;
    try {
      cached.planned = this.#register(memory);
    } catch (error) {
      this.#failed(cached, error as Error);
      return;
    }
    this.#jobEnded(cached);
    for (const waiter of cached.takeWaiters()) waiter.planReady();
    if (cached.users === 0) this.thread.shelf.add(cached);
  }

  // Not remembered, so that the next session that comes by asks again: the file may be readable then.
  #failed(cached: CachedSegment, error: Error): void {
    if (this.#closed) return;
    this.#jobEnded(cached);
    if (cached.users === 0) this.#cached.delete(cached.place);
    for (const waiter of cached.takeWaiters()) waiter.planFailed(error);
  }

  #jobEnded(cached: CachedSegment): void {
    cached.isAskedFor = false;
    this.#jobsUnderWay--;
    this.#askForNext();
  }

  #register(memory: SharedArrayBuffer): PlannedSegment {
    const sizeBytes = memory.byteLength;
    if (!this.#take(sizeBytes))
      throw new MediaError('busy', `${this.presentation.source.path}: the memory budget is spent`);
    try {
      const plan = new PacketPlan(memory);
      const { fileId } = this.presentation.source;
      const registered = this.thread.batch.registerPlan(new Uint32Array(memory), fileId);
      return { plan, registered, sizeBytes };
    } catch (error) {
      this.thread.memory.give('plans', sizeBytes);
      throw error;
    }
  }

  /** Takes from the memory budget, for what nobody uses when there is nothing else. */
  #take(sizeBytes: number): boolean {
    const { memory, shelf } = this.thread;
    while (!memory.tryTake('plans', sizeBytes)) if (!shelf.giveUpOldest()) return false;
    return true;
  }

  #retire({ registered, sizeBytes }: PlannedSegment): void {
    this.thread.batch.retirePlan(registered);
    this.thread.memory.give('plans', sizeBytes);
  }

  readonly #giveUp = (cached: CachedSegment): void => {
    this.#cached.delete(cached.place);
    this.#retire(cached.planned!);
  };
}
