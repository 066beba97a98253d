/**
 * The tasks of a thread that wait for their run, first come first served. Used by TaskThread alone.
 * Rule (hot path): a ring that doubles when it is full and never shrinks, so queueing allocates nothing in the long run.
 * It is as long as the most tasks that ever waited at once.
 */

const FIRST_CAPACITY = 64; // elements; a power of two, as every later capacity

/** A growing ring buffer. */
export class TaskQueue<T> {
  #ring: (T | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  #head = 0;
  #length = 0;

  /** Number of elements that wait. */
  get length(): number {
    return this.#length;
  }

  /** Adds one at the end. */
  push(element: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[this.#place(this.#length)] = element;
    this.#length++;
  }

  /** Element `index` of 0..length-1, which stays. */
  at(index: number): T | undefined {
    return this.#ring[this.#place(index)];
  }

  /** Takes the first one; undefined when the queue is empty. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const element = this.#ring[this.#head];
    this.#ring[this.#head] = undefined; // or a deleted task stays alive until its place is used again
    this.#head = this.#place(1);
    this.#length--;
    return element;
  }

  /** Takes element `index` of 0..length-1; the first one moves to its place. For run orders other than FIFO. */
  take(index: number): T | undefined {
    const place = this.#place(index);
    const element = this.#ring[place];
    this.#ring[place] = this.#ring[this.#head];
    this.#ring[this.#head] = element;
    return this.shift();
  }

  #place(index: number): number {
    return (this.#head + index) & (this.#ring.length - 1);
  }

  #grow(): void {
    const ring: (T | undefined)[] = new Array(this.#ring.length * 2).fill(undefined);
    for (let i = 0; i < this.#length; i++) ring[i] = this.#ring[this.#place(i)];
    this.#ring = ring;
    this.#head = 0;
  }
}
