/**
 * Deadlines of a task thread, earliest first. Used by TaskThread alone.
 * Rule (hot path): adding, removing and taking cost O(log n) and allocate nothing; the place of an element in the heap is
 * kept in the element, and equal deadlines leave in the order in which they came.
 */

/** What an element of the heap carries for it. Only the heap writes these fields. */
export interface TimerEntry {
  /** Place in the heap; NOT_IN_HEAP outside. */
  heapIndex: number;
  /** When it is due, in microseconds of the clock. */
  deadlineUs: number;
  /** Breaks ties: counts the heap's additions. */
  startOrder: number;
}

/** The `heapIndex` of an element that is in no heap. */
export const NOT_IN_HEAP = -1;

/** Children of a node. Four make the heap half as deep as two do, and lie side by side in memory. */
const ARITY = 4;

/** A heap of timers over one monomorphic kind of element. */
export class TimerHeap<T extends TimerEntry> {
  readonly #heap: T[] = [];
  #additions = 0;

  /** Number of timers in the heap. */
  get length(): number {
    return this.#heap.length;
  }

  /** The earliest deadline in microseconds; Infinity when the heap is empty. */
  get nextUs(): number {
    return this.#heap.length > 0 ? this.#heap[0].deadlineUs : Infinity;
  }

  /** Adds `entry`, which is in no heap, with a deadline below Infinity. */
  add(entry: T, deadlineUs: number): void {
    entry.deadlineUs = deadlineUs;
    entry.startOrder = this.#additions++;
    this.#heap.push(entry);
    this.#siftUp(entry, this.#heap.length - 1);
  }

  /** Takes `entry` out; nothing happens when it is not in the heap. */
  remove(entry: T): void {
    const index = entry.heapIndex;
    if (index === NOT_IN_HEAP) return;
    const last = this.#heap.pop()!;
    entry.heapIndex = NOT_IN_HEAP;
    if (last === entry) return;
    if (index > 0 && isEarlier(last, this.#heap[parentOf(index)])) this.#siftUp(last, index);
    else this.#siftDown(last, index);
  }

  /** Takes the earliest timer that is due at `nowUs` out; undefined when none is. */
  takeDue(nowUs: number): T | undefined {
    if (this.#heap.length === 0) return undefined;
    const first = this.#heap[0];
    if (first.deadlineUs > nowUs) return undefined;
    this.remove(first);
    return first;
  }

  #siftUp(entry: T, from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const parent = parentOf(index);
      const above = heap[parent];
      if (!isEarlier(entry, above)) break;
      heap[index] = above;
      above.heapIndex = index;
      index = parent;
    }
    heap[index] = entry;
    entry.heapIndex = index;
  }

  #siftDown(entry: T, from: number): void {
    const heap = this.#heap;
    let index = from;
    for (;;) {
      const child = this.#earliestChild(index);
      if (child === NOT_IN_HEAP || !isEarlier(heap[child], entry)) break;
      heap[index] = heap[child];
      heap[index].heapIndex = index;
      index = child;
    }
    heap[index] = entry;
    entry.heapIndex = index;
  }

  #earliestChild(index: number): number {
    const heap = this.#heap;
    const first = index * ARITY + 1;
    if (first >= heap.length) return NOT_IN_HEAP;
    const end = Math.min(first + ARITY, heap.length);
    let earliest = first;
    for (let child = first + 1; child < end; child++) {
      if (isEarlier(heap[child], heap[earliest])) earliest = child;
    }
    return earliest;
  }
}

function parentOf(index: number): number {
  return Math.floor((index - 1) / ARITY);
}

function isEarlier(a: TimerEntry, b: TimerEntry): boolean {
  return a.deadlineUs < b.deadlineUs || (a.deadlineUs === b.deadlineUs && a.startOrder < b.startOrder);
}
