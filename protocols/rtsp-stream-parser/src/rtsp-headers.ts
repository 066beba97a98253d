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
  // Parallel arrays and a linear search: a message has about ten fields and each is looked up once or twice.
  readonly #names: string[] = [];
  readonly #keys: string[] = [];
  readonly #values: string[] = [];

  /** Makes an empty list, or one with the given fields in their order. */
  constructor(init?: RtspHeadersInit) {
    if (init === undefined) return;
    for (const [name, value] of isIterable(init) ? init : Object.entries(init)) this.append(name, value);
  }

  /** Counts the fields, repeated ones included. */
  get size(): number {
    return this.#names.length;
  }

  /** Returns the value of the first field of that name, or undefined. */
  get(name: string): string | undefined {
    return this.#values[this.#keys.indexOf(name.toLowerCase())];
  }

  /** Returns the values of all fields of that name, in order. */
  getAll(name: string): string[] {
    const key = name.toLowerCase();
    return this.#values.filter((_, index) => this.#keys[index] === key);
  }

  /** Tells whether there is a field of that name. */
  has(name: string): boolean {
    return this.#keys.includes(name.toLowerCase());
  }

  /** Replaces the first field of that name where it stands and removes the others; without one, appends. */
  set(name: string, value: string): void {
    const index = this.#keys.indexOf(name.toLowerCase());
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
    this.#keys.push(name.toLowerCase());
    this.#values.push(value);
  }

  /** Removes all fields of that name; tells whether there was one. */
  delete(name: string): boolean {
    return this.#removeFrom(0, name);
  }

  /** Yields name and value of each field in order, in the original spelling. */
  *entries(): IterableIterator<[name: string, value: string]> {
    for (const [index, name] of this.#names.entries()) yield [name, this.#values[index] ?? ''];
  }

  /** Yields what {@link entries} yields. */
  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.entries();
  }

  #removeFrom(start: number, name: string): boolean {
    const key = name.toLowerCase();
    const sizeBefore = this.#keys.length;
    for (let index = sizeBefore - 1; index >= start; index -= 1) {
      if (this.#keys[index] !== key) continue;
      this.#names.splice(index, 1);
      this.#keys.splice(index, 1);
      this.#values.splice(index, 1);
    }
    return this.#keys.length < sizeBefore;
  }
}

function isIterable(init: RtspHeadersInit): init is Iterable<readonly [name: string, value: string]> {
  return Symbol.iterator in init;
}
