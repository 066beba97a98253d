/**
 * The header fields of one message. Made by the parser and by whoever writes a message.
 * Rule: names compare without case, and order and spelling stay as they came. Spec: RFC 2326 §4.2 (RFC 2068 §4.2).
 */

/** Gives header fields to a message that is written: a field list, another RtspHeaders, or an object. */
export type RtspHeadersInit =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string>>;

/** Keeps header fields in order; a name may occur more than once. Nothing is checked here: the writer does. */
export class RtspHeaders {
  // Parallel arrays and a linear search: a message has about ten fields and each is looked up once or twice. Names are kept as
  // they came: nearly all who look one up spell it alike, and of the others few have names of that length.
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  /** Makes an empty list, or one with the given fields in their order. */
  constructor(init?: RtspHeadersInit) {
    if (init === undefined) return;
    if (isIterable(init)) for (const [name, value] of init) this.append(name, value);
    else for (const name of Object.keys(init)) this.append(name, init[name]!);
  }

  /** Counts the fields, repeated ones included. */
  get size(): number {
    return this.#names.length;
  }

  /** Returns the value of the first field of that name, or undefined. */
  get(name: string): string | undefined {
    const index = this.#indexOf(name);
    return index < 0 ? undefined : this.#values[index];
  }

  /** Returns the values of all fields of that name, in order. */
  getAll(name: string): string[] {
    return this.#values.filter((_, index) => isSameName(this.#names[index]!, name));
  }

  /** Tells whether there is a field of that name. */
  has(name: string): boolean {
    return this.#indexOf(name) >= 0;
  }

  /** Replaces the first field of that name where it stands and removes the others; without one, appends. */
  set(name: string, value: string): void {
    const index = this.#indexOf(name);
    if (index < 0) {
      this.append(name, value);
      return;
    }
    this.#names[index] = name;
    this.#values[index] = value;
    this.#removeFrom(index + 1, name);
  }

  /** Adds a field at the end, beside those of the same name. */
  append(name: string, value: string): void {
    this.#names.push(name);
    this.#values.push(value);
  }

  /** Removes all fields of that name; tells whether there was one. */
  delete(name: string): boolean {
    return this.#removeFrom(0, name);
  }

  /** The name of the field at a place, 0..size-1, in the original spelling. */
  nameAt(index: number): string {
    return this.#names[index] ?? '';
  }

  /** The value of the field at a place, 0..size-1. */
  valueAt(index: number): string {
    return this.#values[index] ?? '';
  }

  /** Yields name and value of each field in order, in the original spelling. */
  *entries(): IterableIterator<[name: string, value: string]> {
    for (let index = 0; index < this.size; index += 1) yield [this.nameAt(index), this.valueAt(index)];
  }

  /** Yields what {@link entries} yields. */
  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.entries();
  }

  #removeFrom(start: number, name: string): boolean {
    const sizeBefore = this.size;
    for (let index = sizeBefore - 1; index >= start; index -= 1) {
      if (!isSameName(this.nameAt(index), name)) continue;
      this.#names.splice(index, 1);
      this.#values.splice(index, 1);
    }
    return this.size < sizeBefore;
  }

  #indexOf(name: string): number {
    const names = this.#names;
    for (let index = 0; index < names.length; index += 1) if (isSameName(names[index]!, name)) return index;
    return -1;
  }
}

function isSameName(a: string, b: string): boolean {
  return a === b || (a.length === b.length && a.toLowerCase() === b.toLowerCase());
}

function isIterable(init: RtspHeadersInit): init is Iterable<readonly [name: string, value: string]> {
  return Symbol.iterator in init;
}
