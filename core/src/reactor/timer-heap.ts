/**
 * Deadlines of a task thread, earliest first. Used by TaskThread alone.
 * Rule (hot path): adding, removing and taking allocate nothing once the heap has grown; the place of an element is kept in
 * the element, and equal deadlines leave in the order in which they came.
 *
 * The heap is one of deadlines, not of elements: those with the same deadline stand in one line behind it. Sessions wake on
 * a common grid, so thousands of them make a few lines, and adding one touches no other's memory. The line of a deadline is looked
 * for in a small table; two deadlines that share a place there push each other out, and then a deadline may have several lines, of
 * which the elder one leaves first.
 */

/** What an element carries for the heap. Only the heap writes these fields. */
export interface TimerEntry {
  /** The line of its deadline; null outside of the heap. */
  timerLine: TimerLine | null;
  /** Place in that line. */
  timerPlace: number;
}

/** Those that share a deadline, as their elements see them. */
export interface TimerLine {
  readonly deadlineUs: number;
}

const OUTSIDE = -1;
/** Children of a node. Four make the heap half as deep as two do, and lie side by side in memory. */
const ARITY = 4;
/** Empty lines kept for the next deadlines. */
const MAX_SPARE_LINES = 256;
/** Gaps that a line may have before it is closed up. */
const MIN_GAPS_TO_CLOSE = 32;
/**
 * Places in the table of lines, a power of two, and the time that each stands for, about the shortest window of sessions: after a
 * quarter of a second they begin anew.
 */
const TABLE_PLACES = 1024;
const TABLE_PLACE_US = 256;
/** The deadline of a closed line: equal to none, itself included. */
const CLOSED = Number.NaN;

/** The elements of one deadline, in the order in which they came; those that left leave gaps. */
class Line<T extends TimerEntry> implements TimerLine {
  deadlineUs = CLOSED;
  /** Lines are counted as they are opened: of two with one deadline the elder leaves first. */
  serial = 0;
  /** Place in the heap. */
  heapIndex = OUTSIDE;
  readonly entries: (T | undefined)[] = [];
  /** The place behind the last. */
  end = 0;
  length = 0;

  push(entry: T): void {
    entry.timerLine = this;
    entry.timerPlace = this.end;
    this.entries[this.end++] = entry;
    this.length++;
  }

  isBefore(other: Line<T>): boolean {
    return this.deadlineUs === other.deadlineUs
      ? this.serial < other.serial
      : this.deadlineUs < other.deadlineUs;
  }

  // In a loop that does nothing else the processor waits for the memory of many elements at once.
  /** Reads something of each element, and returns a number made of it. */
  prefetch(): number {
    let read = 0;
    for (let place = 0; place < this.end; place++) read += this.entries[place]?.timerPlace ?? 0;
    return read;
  }

  leave(entry: T): void {
    const place = entry.timerPlace;
    this.entries[place] = undefined;
    entry.timerLine = null;
    this.length--;
    if (place === this.end - 1) this.end--;
    else if (this.end - this.length > Math.max(this.length, MIN_GAPS_TO_CLOSE)) this.#closeUp();
  }

  #closeUp(): void {
    let end = 0;
    for (let place = 0; place < this.end; place++) {
      const entry = this.entries[place];
      if (entry === undefined) continue;
      this.entries[place] = undefined;
      entry.timerPlace = end;
      this.entries[end++] = entry;
    }
    this.end = end;
  }
}

/** A heap of timers over one monomorphic kind of element. */
export class TimerHeap<T extends TimerEntry> {
  readonly #heap: Line<T>[] = [];
  /** The line that was opened last for each place of the table; of another deadline, or closed, it is none. */
  readonly #lines: Line<T>[] = new Array(TABLE_PLACES).fill(new Line<T>());
  readonly #spare: Line<T>[] = [];
  #length = 0;
  #opened = 0;
  /** What the last prefetch returned: nothing but a place where it can be seen, or V8 would leave it out. */
  prefetched = 0;

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
    const line = this.#lines[placeOf(deadlineUs)];
    (line.deadlineUs === deadlineUs ? line : this.#openLine(deadlineUs)).push(entry);
    this.#length++;
  }

  /** Takes `entry` out; nothing happens when it is not in the heap. */
  remove(entry: T): void {
    if (entry.timerLine === null) return;
    const line = entry.timerLine as Line<T>; // only this heap writes the field
    line.leave(entry);
    this.#length--;
    if (line.length === 0) this.#closeLine(line);
  }

  /**
   * Takes out all timers that are due at `nowUs`, the earliest first, and hands each to `taken`, which finds its line still with it
   * and leaves the heap alone.
   */
  takeDue(nowUs: number, taken: (entry: T) => void): void {
    while (this.#heap.length > 0 && this.#heap[0].deadlineUs <= nowUs) {
      const line = this.#heap[0];
      const { entries, end } = line;
      this.prefetched = line.prefetch();
      this.#length -= line.length;
      for (let place = 0; place < end; place++) {
        const entry = entries[place];
        if (entry === undefined) continue;
        entries[place] = undefined;
        taken(entry);
        entry.timerLine = null;
      }
      this.#closeLine(line);
    }
  }

  #openLine(deadlineUs: number): Line<T> {
    const line = this.#spare.pop() ?? new Line<T>();
    line.deadlineUs = deadlineUs;
    line.serial = this.#opened++;
    this.#lines[placeOf(deadlineUs)] = line;
    this.#heap.push(line);
    this.#siftUp(line, this.#heap.length - 1);
    return line;
  }

  #closeLine(line: Line<T>): void {
    line.deadlineUs = CLOSED;
    line.end = line.length = 0;
    const index = line.heapIndex;
    const last = this.#heap.pop()!;
    line.heapIndex = OUTSIDE;
    if (this.#spare.length < MAX_SPARE_LINES) this.#spare.push(line);
    if (last === line) return;
    if (index > 0 && last.isBefore(this.#heap[parentOf(index)])) this.#siftUp(last, index);
    else this.#siftDown(last, index);
  }

  #siftUp(line: Line<T>, from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const parent = parentOf(index);
      const above = heap[parent];
      if (above.isBefore(line)) break;
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
      if (child === OUTSIDE || line.isBefore(heap[child])) break;
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
    if (first >= heap.length) return OUTSIDE;
    const end = Math.min(first + ARITY, heap.length);
    let earliest = first;
    for (let child = first + 1; child < end; child++) {
      if (heap[child].isBefore(heap[earliest])) earliest = child;
    }
    return earliest;
  }
}

/** Where the table has the line of a deadline, if it has one. */
function placeOf(deadlineUs: number): number {
  return (deadlineUs / TABLE_PLACE_US) & (TABLE_PLACES - 1);
}

function parentOf(index: number): number {
  return Math.floor((index - 1) / ARITY);
}
