/** A receive set of the addon with memory of its own, for tests. Rule: it knows the layout of a row by itself; who makes one closes it. */
import { native } from '@finch/native';
import { EAGAIN, onceArrived } from './sockets-under-test';

/** What a descriptor of a set is. */
export const Kind = { datagrams: 0, stream: 1, connecting: 2 } as const;

const ROW_WORDS = 8;

/** What a row says, its bytes copied. */
export interface TakenRow {
  readonly tag: number;
  readonly kind: number;
  readonly result: number;
  readonly segmentBytes: number;
  readonly arrivalUs: number;
  readonly dropped: number;
  readonly bytes: Buffer;
}

/** A set; see the head of this file. */
export class SetUnderTest {
  readonly fd = native.receiveSetOpen();
  readonly #into: Uint8Array;
  readonly #rows: Float64Array;

  constructor(
    readonly slots = 8,
    readonly slotBytes = 65_536,
  ) {
    if (this.fd < 0) throw new Error(`no receive set: ${this.fd}`);
    this.#into = new Uint8Array(slots * slotBytes);
    this.#rows = new Float64Array(slots * ROW_WORDS);
  }

  /** Has the set read `fd`: 0 or -errno. */
  add(fd: number, kind: number, tag: number): number {
    return native.receiveSetAdd(this.fd, fd, kind, tag);
  }

  /** The rows of one call, with at most `most` datagrams of a socket; does not wait. */
  takeNow(most = this.slots): TakenRow[] {
    const count = native.receiveSetTake(this.fd, this.#into, this.slotBytes, most, this.#rows);
    if (count < 0) throw new Error(`the set gave ${count}`);
    return Array.from({ length: count }, (_, i) => this.#row(i));
  }

  /** The rows of the first call that has some, waited for; none when nothing comes. */
  takeOnce(most = this.slots): TakenRow[] {
    let rows: TakenRow[] = [];
    onceArrived(() => {
      rows = this.takeNow(most);
      return rows.length || -EAGAIN;
    });
    return rows;
  }

  /** The rows of as many calls as it takes to get `count`; fewer when they don't come. */
  take(count: number): TakenRow[] {
    const taken: TakenRow[] = [];
    while (taken.length < count) {
      const rows = this.takeOnce();
      if (rows.length === 0) break;
      taken.push(...rows);
    }
    return taken;
  }

  close(): void {
    native.socketClose(this.fd);
  }

  #row(i: number): TakenRow {
    const at = i * ROW_WORDS;
    const word = (place: number) => this.#rows[at + place]!;
    const begin = word(3);
    return {
      tag: word(0),
      kind: word(1),
      result: word(2),
      segmentBytes: word(4),
      arrivalUs: word(5),
      dropped: word(6),
      bytes: Buffer.from(this.#into.slice(begin, begin + Math.max(word(2), 0))),
    };
  }
}
