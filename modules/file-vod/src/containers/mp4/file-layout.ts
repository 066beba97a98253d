/**
 * The top of a file: where its moov and its fragments lie. Called once per file by the demuxer.
 * Rule: of other boxes only the header is read; what was cut off at the end doesn't hide what is there.
 * Spec: ISO/IEC 14496-12 §4.2, §6.2.3, §8.8.
 */

import { MediaError } from '@finch/core/stream/media-error';
import type { PositionedReader } from '../container';
import {
  BOX_HEADER_BYTES,
  Box,
  BoxBudget,
  fourCharacterCode,
  LARGE_BOX_HEADER_BYTES,
  nameOf,
  uint64,
} from './box-reader';
import { MAX_FRAGMENTS, MAX_MOOF_BYTES, MAX_MOOV_BYTES } from './limits';

/** A box in the file; positions in bytes from its start. */
export interface Extent {
  readonly type: string;
  /** Of the header. */
  readonly position: number;
  readonly headerBytes: number;
  /** Of header and body. */
  readonly sizeBytes: number;
}

/** Where the boxes lie that an index is made from. */
export interface FileLayout {
  readonly moov: Box;
  readonly moofs: readonly Extent[];
}

/** Finds the first moov and every moof. MediaError `broken` when there is no whole moov. */
export function readFileLayout(reader: PositionedReader): FileLayout {
  const budget = new BoxBudget();
  const moofs: Extent[] = [];
  let moov: Extent | undefined;
  let position = 0;
  while (position < reader.sizeBytes) {
    const box = extentAt(reader, position);
    if (typeof box === 'string') {
      if (moov !== undefined) break;
      throw new MediaError('broken', box);
    }
    if (box.type === 'moof') addFragment(moofs, box);
    else if (box.type !== 'mdat' || moofs.length === 0) budget.spend();
    if (box.type === 'moov') moov ??= box;
    position += box.sizeBytes;
  }
  if (moov === undefined)
    throw new MediaError('broken', 'no moov box; the file is cut off or was never finished');
  return { moov: readBox(reader, moov, MAX_MOOV_BYTES), moofs };
}

/** Reads a box whole. MediaError `broken` when it is beyond the bound or cut off. */
export function readBox(reader: PositionedReader, extent: Extent, maxBytes = MAX_MOOF_BYTES): Box {
  if (extent.sizeBytes > maxBytes)
    throw new MediaError(
      'broken',
      `${extent.type} is ${extent.sizeBytes} bytes, at most ${maxBytes} are read`,
    );
  const bodyBytes = extent.sizeBytes - extent.headerBytes;
  const bytes = reader.read(extent.position + extent.headerBytes, bodyBytes);
  if (bytes.length < bodyBytes)
    throw new MediaError('broken', `${extent.type} ends after ${bytes.length} of ${bodyBytes} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Box(view, extent.type, 0, bodyBytes, new BoxBudget());
}

function addFragment(moofs: Extent[], box: Extent): void {
  if (moofs.length >= MAX_FRAGMENTS) throw new MediaError('broken', `more than ${MAX_FRAGMENTS} fragments`);
  moofs.push(box);
}

/** The box there, or what is wrong with it. An mdat that is cut off ends with the file. */
function extentAt(reader: PositionedReader, position: number): Extent | string {
  const left = reader.sizeBytes - position;
  const bytes = reader.read(position, LARGE_BOX_HEADER_BYTES);
  if (bytes.length < BOX_HEADER_BYTES) return `${left} stray bytes at byte ${position}, no moov box before`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = fourCharacterCode(view, 4);
  const size32 = view.getUint32(0);
  const headerBytes = size32 === 1 ? LARGE_BOX_HEADER_BYTES : BOX_HEADER_BYTES;
  if (bytes.length < headerBytes) return `${nameOf(type)} at byte ${position} ends inside its header`;
  let sizeBytes = size32 === 1 ? uint64(view, 8) : size32;
  if (size32 === 0 || (type === 'mdat' && sizeBytes > left)) sizeBytes = left;
  if (sizeBytes < headerBytes || sizeBytes > left)
    return `${nameOf(type)} at byte ${position} is ${sizeBytes} bytes, expected ${headerBytes}..${left}`;
  return { type, position, headerBytes, sizeBytes };
}
