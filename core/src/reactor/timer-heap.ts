/**
 * Deadlines of a task thread, earliest first. Used by TaskThread alone.
 * Rule (hot path): adding, removing and taking allocate nothing once the heap has grown; the place of an element is kept in
 * the element, and equal deadlines leave in the order in which they came.
 *
 * The heap is one of deadlines, not of elements: those with the same deadline stand in one line behind it. Sessions wake on
 * a common grid, so thousands of them make a few lines, and adding one touches no other's memory.
 */

/** What an element carries for the heap. Only the heap writes these fields. */
export interface TimerEntry {
  /** Place in the line of its deadline; NOT_IN_HEAP outside. */
  heapIndex: number;
  /** When it is due, in microseconds of the clock. */
  deadlineUs: number;
}

/** The `heapIndex` of an element that is in no heap. */
export const NOT_IN_HEAP = -1;

/** Children of a node. Four make the heap half as deep as two do, and lie side by side in memory. */
const ARITY = 4;
/** Empty lines kept for the next deadlines. */
const MAX_SPARE_LINES = 256;
/** Gaps that a line may have before it is closed up. */
const MIN_GAPS_TO_CLOSE = 32;

/** The elements of one deadline, in the order in which they came; those that left leave gaps. */
class Line<T extends TimerEntry> {
  deadlineUs = Infinity;
  /** Place in the heap. */
  heapIndex = NOT_IN_HEAP;
  readonly entries: (T | undefined)[] = [];
  /** The first place that may be taken, and the one behind the last. */
  first = 0;
  end = 0;
  length = 0;

  push(entry: T): void {
    entry.heapIndex = this.end;
    this.entries[this.end++] = entry;
    this.length++;
  }

  shift(): T {
    while (this.entries[this.first] === undefined) this.first++;
    const entry = this.entries[this.first]!;
    this.leave(entry);
    return entry;
  }

  leave(entry: T): void {
    const place = entry.heapIndex;
    this.entries[place] = undefined;
    entry.heapIndex = NOT_IN_HEAP;
    this.length--;
    if (place === this.first) this.first++;
    else if (place === this.end - 1) this.end--;
    else if (this.end - this.first - this.length > Math.max(this.length, MIN_GAPS_TO_CLOSE)) this.#closeUp();
  }

  #closeUp(): void {
    let end = 0;
    for (let place = this.first; place < this.end; place++) {
      const entry = this.entries[place];
      if (entry === undefined) continue;
      this.entries[place] = undefined;
      entry.heapIndex = end;
      this.entries[end++] = entry;
    }
    this.first = 0;
    this.end = end;
  }
}

/** A heap of timers over one monomorphic kind of element. */
export class TimerHeap<T extends TimerEntry> {
  readonly #heap: Line<T>[] = [];
  readonly #lines = new Map<number, Line<T>>();
  readonly #spare: Line<T>[] = [];
  #length = 0;

  /** Number of timers in the heap. */
  get length(): number {
    return this.#length;
  }

  /** The earliest deadline in microseconds; Infinity when the heap is empty. */
  get nextUs(): number {
    return this.#heap.length > 0 ? this.#heap[0].deadlineUs : Infinity;
  }

  /** Adds `entry`, which is in no heap, with a deadline below Infinity. */
  add(entry: T, deadlineUs: number): void {
    entry.deadlineUs = deadlineUs;
    const line = this.#lines.get(deadlineUs) ?? this.#openLine(deadlineUs);
    line.push(entry);
    this.#length++;
  }

  /** Takes `entry` out; nothing happens when it is not in the heap. */
  remove(entry: T): void {
    if (entry.heapIndex === NOT_IN_HEAP) return;
    const line = this.#lines.get(entry.deadlineUs)!;
    line.leave(entry);
    this.#length--;
    if (line.length === 0) this.#closeLine(line);
  }

  /** Takes the earliest timer that is due at `nowUs` out; undefined when none is. */
  takeDue(nowUs: number): T | undefined {
    if (this.#heap.length === 0) return undefined;
    const line = this.#heap[0];
    if (line.deadlineUs > nowUs) return undefined;
    const entry = line.shift();
    this.#length--;
    if (line.length === 0) this.#closeLine(line);
    return entry;
  }

  #openLine(deadlineUs: number): Line<T> {
    const line = this.#spare.pop() ?? new Line<T>();
    line.deadlineUs = deadlineUs;
    this.#lines.set(deadlineUs, line);
    this.#heap.push(line);
    this.#siftUp(line, this.#heap.length - 1);
    return line;
  }

  #closeLine(line: Line<T>): void {
    this.#lines.delete(line.deadlineUs);
    line.first = line.end = 0;
    const index = line.heapIndex;
    const last = this.#heap.pop()!;
    line.heapIndex = NOT_IN_HEAP;
    if (this.#spare.length < MAX_SPARE_LINES) this.#spare.push(line);
    if (last === line) return;
    if (index > 0 && last.deadlineUs < this.#heap[parentOf(index)].deadlineUs) this.#siftUp(last, index);
    else this.#siftDown(last, index);
  }

  #siftUp(line: Line<T>, from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const parent = parentOf(index);
      const above = heap[parent];
      if (line.deadlineUs >= above.deadlineUs) break;
      heap[index] = above;
      above.heapIndex = index;
      index = parent;
    }
    heap[index] = line;
    line.heapIndex = index;
  }

  #siftDown(line: Line<T>, from: number): void {
    const heap = this.#heap;
    let index = from;
    for (;;) {
      const child = this.#earliestChild(index);
      if (child === NOT_IN_HEAP || heap[child].deadlineUs >= line.deadlineUs) break;
      heap[index] = heap[child];
      heap[index].heapIndex = index;
      index = child;
    }
    heap[index] = line;
    line.heapIndex = index;
  }

  #earliestChild(index: number): number {
    const heap = this.#heap;
    const first = index * ARITY + 1;
    if (first >= heap.length) return NOT_IN_HEAP;
    const end = Math.min(first + ARITY, heap.length);
    let earliest = first;
    for (let child = first + 1; child < end; child++) {
      if (heap[child].deadlineUs < heap[earliest].deadlineUs) earliest = child;
    }
    return earliest;
  }
}

function parentOf(index: number): number {
  return Math.floor((index - 1) / ARITY);
}
