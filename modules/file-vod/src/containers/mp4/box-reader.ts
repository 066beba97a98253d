/**
 * Boxes in memory: the children of a box and the fields in it. Used by every file of this folder.
 * Rule: no field is read outside its box, and a list of boxes always ends. Spec: ISO/IEC 14496-12 §4.2.
 * ```
 *   0        4        8                16
 *   | size   | type   | largesize      |      largesize only when size is 1; size 0 = to the end of the file
 * ```
 */

import { MediaError } from '@finch/core/stream/media-error';
import { MAX_BOXES } from './limits';

/** Bytes of a plain box header, and of one with a largesize. */
export const BOX_HEADER_BYTES = 8;
/** Header of a box with a 64-bit size, in bytes. */
export const LARGE_BOX_HEADER_BYTES = 16;

const TWO_POW_32 = 2 ** 32;

/** What to do with a list of boxes that goes wrong: refuse it, or keep the boxes before. */
export type OnBadBox = 'throw' | 'stop';

/** Rows of a table inside a box: where the first lies in the box's view, and how many there are. */
export interface TableRows {
  readonly position: number;
  readonly count: number;
}

/** Counts boxes, so that a file of nothing but boxes ends early. */
export class BoxBudget {
  #left = MAX_BOXES;

  /** Takes one box. MediaError `broken` when there were too many. */
  spend(): void {
    if (--this.#left < 0) throw new MediaError('broken', `more than ${MAX_BOXES} boxes`);
  }
}

/** One box; offsets (`at`) count from the first byte after its header. MediaError `broken` on a read outside. */
export class Box {
  constructor(
    readonly view: DataView,
    readonly type: string,
    readonly start: number,
    readonly end: number,
    readonly budget: BoxBudget,
  ) {}

  /** Bytes after the header. */
  get sizeBytes(): number {
    return this.end - this.start;
  }

  u8(at: number): number {
    return this.view.getUint8(this.#place(at, 1));
  }

  u16(at: number): number {
    return this.view.getUint16(this.#place(at, 2));
  }

  u32(at: number): number {
    return this.view.getUint32(this.#place(at, 4));
  }

  i32(at: number): number {
    return this.view.getInt32(this.#place(at, 4));
  }

  i64(at: number): bigint {
    return this.view.getBigInt64(this.#place(at, 8));
  }

  /** A 64-bit number; beyond 2^53 it is only near the truth, which every bound refuses. */
  u64(at: number): number {
    return uint64(this.view, this.#place(at, 8));
  }

  /** Version byte of a full box. */
  get version(): number {
    return this.u8(0);
  }

  /** The 24 flag bits of a full box. */
  get flags(): number {
    return this.u32(0) & 0xffffff;
  }

  /** The bytes from `at` on, not copied. */
  bytes(at: number, length = this.sizeBytes - at): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.#place(at, length), length);
  }

  /** The table whose 32-bit count lies at `countAt` and whose rows follow it. */
  table(countAt: number, rowBytes: number): TableRows {
    const count = this.u32(countAt);
    const room = Math.floor((this.sizeBytes - countAt - 4) / rowBytes);
    if (count > room)
      throw new MediaError('broken', `${this.type} claims ${count} entries, the box has room for ${room}`);
    return { position: this.start + countAt + 4, count };
  }

  /** The boxes from `from` to the end. Fewer than 8 bytes or a box of zeros at the end are padding (QuickTime). */
  boxes(from = 0, onBad: OnBadBox = 'throw'): Box[] {
    const found: Box[] = [];
    let position = this.start + from;
    while (this.end - position >= BOX_HEADER_BYTES) {
      this.budget.spend();
      const box = this.#boxAt(position);
      if (typeof box === 'string') {
        if (onBad === 'stop' || box === '') break;
        throw new MediaError('broken', box);
      }
      found.push(box);
      position = box.end;
    }
    return found;
  }

  /** The first child of that type. */
  find(type: string): Box | undefined {
    return this.boxes().find((box) => box.type === type);
  }

  /** The first child of that type. MediaError `broken` when there is none. */
  require(type: string): Box {
    const box = this.find(type);
    if (box === undefined) throw new MediaError('broken', `${this.type} has no ${type} box`);
    return box;
  }

  /** The box there, or what is wrong with it; '' for padding. */
  #boxAt(position: number): Box | string {
    const size32 = this.view.getUint32(position);
    const type = fourCharacterCode(this.view, position + 4);
    if (size32 === 0 && type === '\0\0\0\0') return '';
    const large = size32 === 1;
    const headerBytes = large ? LARGE_BOX_HEADER_BYTES : BOX_HEADER_BYTES;
    if (this.end - position < headerBytes) return `${nameOf(type)} in ${this.type} ends inside its header`;
    const size = large ? uint64(this.view, position + 8) : size32;
    if (size < headerBytes || size > this.end - position)
      return `${nameOf(type)} in ${this.type} is ${size} bytes, expected ${headerBytes}..${this.end - position}`;
    return new Box(this.view, type, position + headerBytes, position + size, this.budget);
  }

  #place(at: number, length: number): number {
    if (at < 0 || length < 0 || at + length > this.sizeBytes)
      throw new MediaError(
        'broken',
        `${this.type} is ${this.sizeBytes} bytes, expected ${at + length} or more`,
      );
    return this.start + at;
  }
}

/** Reads a 64-bit number as a double. */
export function uint64(view: DataView, position: number): number {
  return view.getUint32(position) * TWO_POW_32 + view.getUint32(position + 4);
}

/** Reads the four characters of a type. */
export function fourCharacterCode(view: DataView, position: number): string {
  return String.fromCharCode(
    view.getUint8(position),
    view.getUint8(position + 1),
    view.getUint8(position + 2),
    view.getUint8(position + 3),
  );
}

/** Makes a type from a file fit for a message: control and other odd characters become dots. */
export function nameOf(type: string): string {
  return type.replace(/[^ -~]/g, '.').trim() || 'box';
}
