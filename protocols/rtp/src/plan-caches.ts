/**
 * All packet plans of one task thread: a cache for each track and payload size of each presentation. Made by the protocol's
 * service. Rule: caches go when their presentation closes. Thread: one task thread.
 */
import type { BlockingCalls, MemoryBudget, PacketBatch, Presentation } from '@finch/core';
import { PlanCache, type PlanThread } from './plan-cache';
import { PlanShelf } from './plan-shelf';

/** The plan caches of one thread; see the head of this file. */
export class PlanCaches {
  readonly #byPresentation = new Map<Presentation, Map<string, PlanCache>>();
  readonly #thread: PlanThread;

  constructor(batch: PacketBatch, blocking: BlockingCalls, memory: MemoryBudget) {
    this.#thread = { batch, blocking, memory, shelf: new PlanShelf() };
  }

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
      cache = new PlanCache(presentation, trackPlace, maxPayloadBytes, this.#thread);
      caches.set(key, cache);
    }
    return cache;
  }

  #close(presentation: Presentation): void {
    for (const cache of this.#byPresentation.get(presentation)?.values() ?? []) cache.close();
    this.#byPresentation.delete(presentation);
  }
}
