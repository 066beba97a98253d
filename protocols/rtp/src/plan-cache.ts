/**
 * The packet plans of one track on one task thread, shared by all of its viewers here: asked for ahead of time, kept while
 * somebody is near. Called by RTP sessions. Rule: a plan is made on a blocking thread and never waited for on this one; a
 * session that finds none parks until it is told. Thread: one task thread.
 */
import {
  type BlockingCalls,
  MediaError,
  type MemoryBudget,
  type PacketBatch,
  type Presentation,
  type RegisteredPlan,
  type StoredTrack,
} from '@finch/core';
import { PacketPlan } from './packet-plan';
import { SegmentMap } from './plan-segments';
import { PLAN_JOB, type PlanJobArgument } from './plan-service';

/** Plans kept besides those in use, in case another viewer comes by. */
const MAX_IDLE_SEGMENTS = 8;

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

interface Segment {
  planned: PlannedSegment | null;
  /** Sessions that are in this segment or about to be. */
  users: number;
  waiters: PlanWaiter[];
}

/** The plans of one track and payload size; see the head of this file. */
export class PlanCache {
  readonly segments: SegmentMap;
  readonly #cached = new Map<number, Segment>();
  readonly #track: StoredTrack;
  #closed = false;

  constructor(
    readonly presentation: Presentation,
    trackPlace: number,
    readonly maxPayloadBytes: number,
    readonly batch: PacketBatch,
    readonly blocking: BlockingCalls,
    readonly memory: MemoryBudget,
  ) {
    this.#track = presentation.tracks[trackPlace]!;
    this.segments = SegmentMap.of(this.#track.frames, this.#track.track.kind);
  }

  /** Number of plans in memory. */
  get size(): number {
    return this.#cached.size;
  }

  /** Declares that a session uses a segment from now on; its plan is asked for if nobody has yet. */
  enter(segment: number): void {
    const cached = this.#cached.get(segment);
    if (cached !== undefined) {
      cached.users++;
      return;
    }
    this.#cached.set(segment, { planned: null, users: 1, waiters: [] });
    this.#ask(segment);
  }

  /** Ends what enter() began. */
  leave(segment: number): void {
    const cached = this.#cached.get(segment);
    if (cached === undefined || cached.users === 0) return;
    cached.users--;
    if (cached.users === 0) {
      // Moved to the end of the map: the front is what nobody has used for longest.
      this.#cached.delete(segment);
      this.#cached.set(segment, cached);
      this.#evict();
    }
  }

  /** The plan of a segment that was entered; null while it is being made. */
  planOf(segment: number): PlannedSegment | null {
    return this.#cached.get(segment)?.planned ?? null;
  }

  /** Has `waiter` told once when the segment's plan has come; the segment must have been entered. */
  wait(segment: number, waiter: PlanWaiter): void {
    // A plan that failed before anybody waited for it is asked for once more, so that the waiter hears of it.
    if (!this.#cached.has(segment)) this.enter(segment);
    this.#cached.get(segment)!.waiters.push(waiter);
  }

  /** Ends the wait of one who has gone. */
  forget(segment: number, waiter: PlanWaiter): void {
    const cached = this.#cached.get(segment);
    if (cached !== undefined) cached.waiters = cached.waiters.filter((other) => other !== waiter);
  }

  /** Gives up all plans. */
  close(): void {
    this.#closed = true;
    for (const { planned } of this.#cached.values()) if (planned !== null) this.#retire(planned);
    this.#cached.clear();
  }

  #ask(segment: number): void {
    const { source } = this.presentation;
    const argument: PlanJobArgument = {
      fd: source.fd,
      path: source.path,
      request: {
        config: this.#track.track.config,
        frames: this.#track.frames.share(),
        firstFrame: this.segments.firstFrameOf(segment),
        frameCount: this.segments.frameCountOf(segment),
        maxPayloadBytes: this.maxPayloadBytes,
      },
    };
    this.blocking.call<SharedArrayBuffer>(PLAN_JOB, source.path, argument).then(
      (memory) => this.#arrived(segment, memory),
      (error: Error) => this.#failed(segment, error),
    );
  }

  #arrived(segment: number, memory: SharedArrayBuffer): void {
    const cached = this.#cached.get(segment);
    if (this.#closed || cached === undefined) return;
    try {
      cached.planned = this.#register(memory);
    } catch (error) {
      this.#failed(segment, error as Error);
      return;
    }
    const { waiters } = cached;
    cached.waiters = [];
    for (const waiter of waiters) waiter.planReady();
    this.#evict();
  }

  #register(memory: SharedArrayBuffer): PlannedSegment {
    const sizeBytes = memory.byteLength;
    if (!this.#take(sizeBytes))
      throw new MediaError('busy', `${this.presentation.source.path}: the memory budget is spent`);
    try {
      const plan = new PacketPlan(memory);
      const registered = this.batch.registerPlan(new Uint32Array(memory), this.presentation.source.fileId);
      return { plan, registered, sizeBytes };
    } catch (error) {
      this.memory.give('plans', sizeBytes);
      throw error;
    }
  }

  #take(sizeBytes: number): boolean {
    if (this.memory.tryTake('plans', sizeBytes)) return true;
    this.#evict(0); // what nobody uses goes first
    return this.memory.tryTake('plans', sizeBytes);
  }

  #retire({ registered, sizeBytes }: PlannedSegment): void {
    this.batch.retirePlan(registered);
    this.memory.give('plans', sizeBytes);
  }

  // Forgotten, so that the next session that comes by asks again: the file may be readable then.
  #failed(segment: number, error: Error): void {
    const cached = this.#cached.get(segment);
    if (this.#closed || cached === undefined) return;
    this.#cached.delete(segment);
    for (const waiter of cached.waiters) waiter.planFailed(error);
  }

  #evict(maxIdle = MAX_IDLE_SEGMENTS): void {
    let idle = 0;
    for (const { users } of this.#cached.values()) if (users === 0) idle++;
    for (const [segment, { users, planned }] of this.#cached) {
      if (idle <= maxIdle) return;
      if (users > 0 || planned === null) continue;
      this.#retire(planned);
      this.#cached.delete(segment);
      idle--;
    }
  }
}

/** The plan caches of one presentation on one thread; they go when the presentation closes. */
export class PlanCaches {
  readonly #byPresentation = new Map<Presentation, Map<string, PlanCache>>();

  constructor(
    readonly batch: PacketBatch,
    readonly blocking: BlockingCalls,
    readonly memory: MemoryBudget,
  ) {}

  /** Plans in memory on this thread. */
  get size(): number {
    let size = 0;
    for (const caches of this.#byPresentation.values())
      for (const cache of caches.values()) size += cache.size;
    return size;
  }

  /** The cache of a track and payload size, made when it is asked for first. */
  of(presentation: Presentation, trackPlace: number, maxPayloadBytes: number): PlanCache {
    let caches = this.#byPresentation.get(presentation);
    if (caches === undefined) {
      caches = new Map();
      this.#byPresentation.set(presentation, caches);
      presentation.onClose(() => this.#close(presentation));
    }
    const key = `${trackPlace}/${maxPayloadBytes}`;
    let cache = caches.get(key);
    if (cache === undefined) {
      const { batch, blocking, memory } = this;
      cache = new PlanCache(presentation, trackPlace, maxPayloadBytes, batch, blocking, memory);
      caches.set(key, cache);
    }
    return cache;
  }

  #close(presentation: Presentation): void {
    for (const cache of this.#byPresentation.get(presentation)?.values() ?? []) cache.close();
    this.#byPresentation.delete(presentation);
  }
}
