/**
 * Rewrites the boxes of a finished movie into a form that ffmpeg only writes for huge files. Used by media-movies.
 * Rule: only for movies whose moov comes last, since its growth must not move the media. Spec: ISO/IEC 14496-12 §4.2, §8.7.5.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const HEADER_BYTES = 8;
/** Version and flags, then the entry count. */
const OFFSETS_HEADER_BYTES = 8;
const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl']);

/** Replaces every `stco` (32-bit chunk offsets) of the file by a `co64`. Throws when moov is not last. */
export function widenChunkOffsets(path: string): void {
  const file = readFileSync(path);
  const boxes = boxesIn(file);
  const moov = boxes.at(-1);
  if (moov === undefined || typeOf(moov) !== 'moov') throw new Error(`${path}: expected moov to come last`);
  writeFileSync(path, Buffer.concat([...boxes.slice(0, -1), widen(moov)]));
}

function widen(box: Buffer): Buffer {
  const type = typeOf(box);
  const payload = box.subarray(HEADER_BYTES);
  if (type === 'stco') return makeBox('co64', widenTable(payload));
  if (!CONTAINERS.has(type)) return box;
  return makeBox(type, Buffer.concat(boxesIn(payload).map(widen)));
}

function widenTable(payload: Buffer): Buffer {
  const count = payload.readUInt32BE(4);
  const table = Buffer.alloc(OFFSETS_HEADER_BYTES + count * 8);
  payload.copy(table, 0, 0, OFFSETS_HEADER_BYTES);
  for (let entry = 0; entry < count; entry++) {
    const offset = payload.readUInt32BE(OFFSETS_HEADER_BYTES + entry * 4);
    table.writeBigUInt64BE(BigInt(offset), OFFSETS_HEADER_BYTES + entry * 8);
  }
  return table;
}

function makeBox(type: string, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(HEADER_BYTES + payload.length, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, payload]);
}

function boxesIn(bytes: Buffer): Buffer[] {
  const boxes: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const sizeBytes = bytes.readUInt32BE(offset);
    if (sizeBytes < HEADER_BYTES)
      throw new Error(`box at ${offset}: found size ${sizeBytes}, expected a plain one`);
    boxes.push(bytes.subarray(offset, offset + sizeBytes));
    offset += sizeBytes;
  }
  return boxes;
}

function typeOf(box: Buffer): string {
  return box.toString('latin1', 4, 8);
}
