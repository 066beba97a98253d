/**
 * The sample tables of a track (stbl): sizes, times, chunks and sync samples become rows. Called by the demuxer.
 * Rule: one walk over the chunks, with a cursor in each table; every table is as long as its box, never as it claims.
 * Spec: ISO/IEC 14496-12 §8.6.1.2 (stts), §8.6.1.3 (ctts), §8.6.2 (stss), §8.7.3 (stsz, stz2), §8.7.4 (stsc), §8.7.5 (stco).
 */

import { MediaError } from '@finch/core/stream/media-error';
import { type Box, type TableRows, uint64 } from './box-reader';
import { MAX_SAMPLES } from './limits';
import { RunLengthCursor } from './run-length-cursor';
import type { SampleColumns } from './sample-columns';

/** Sizes of samples: all `uniformBytes`, or in a table of `bits` each. */
export interface SampleSizes {
  readonly count: number;
  readonly uniformBytes: number;
  readonly bits: number;
  readonly position: number;
}

/** Finds the sample sizes; count 0 when the track has neither stsz nor stz2. MediaError `broken`. */
export function readSampleSizes(stbl: Box, fileBytes: number): SampleSizes {
  const stsz = stbl.find('stsz');
  if (stsz !== undefined) return readStsz(stsz, fileBytes);
  const stz2 = stbl.find('stz2');
  if (stz2 === undefined) return { count: 0, uniformBytes: 0, bits: 0, position: 0 };
  const bits = stz2.u8(7);
  if (bits !== 4 && bits !== 8 && bits !== 16)
    throw new MediaError('broken', `stz2 has fields of ${bits} bits, expected 4, 8 or 16`);
  // A row of 1 byte stands for two samples of 4 bits, so the bound is checked here.
  const count = stz2.u32(8);
  const room = Math.floor(((stz2.sizeBytes - 12) * 8) / bits);
  if (count > room)
    throw new MediaError('broken', `stz2 claims ${count} samples, the box has room for ${room}`);
  return { count, uniformBytes: 0, bits, position: stz2.start + 12 };
}

/**
 * Adds the samples of the tables to `columns` and the numbers of the sample descriptions in use to `descriptions`.
 * `allKeys`: every sample is a sync sample whatever stss says. Returns a warning, or ''. MediaError `broken`.
 */
export function readSampleTables(
  stbl: Box,
  sizes: SampleSizes,
  columns: SampleColumns,
  descriptions: Set<number>,
  allKeys: boolean,
): string {
  if (sizes.count > MAX_SAMPLES)
    throw new MediaError('broken', `${sizes.count} samples, expected ${MAX_SAMPLES} at most`);
  if (sizes.bits === 0) columns.budget.spendUniform(sizes.count);
  const walk = new SampleWalk(stbl, sizes, columns, allKeys);
  const chunks = readChunks(stbl);
  const runs = stbl.require('stsc').table(4, 12);
  let run = -1;
  let samplesPerChunk = 0;
  for (let chunk = 1; chunk <= chunks.count && walk.left > 0; chunk++) {
    // Of runs that start at the same chunk the last counts: some writers leave empty ones behind.
    while (run + 1 < runs.count && firstChunk(stbl.view, runs, run + 1) <= chunk) {
      run++;
      requireAscending(stbl.view, runs, run);
      samplesPerChunk = stbl.view.getUint32(runs.position + run * 12 + 4);
    }
    if (samplesPerChunk > 0) descriptions.add(stbl.view.getUint32(runs.position + run * 12 + 8));
    walk.addChunk(chunks.offset(chunk - 1), samplesPerChunk);
  }
  walk.requireTime();
  return walk.left > 0 ? `${walk.left} of ${sizes.count} samples are in no chunk and left out` : '';
}

/** The walk over a track's samples: where each table stands. */
class SampleWalk {
  /** Samples still to come. */
  left: number;
  readonly #view: DataView;
  readonly #sizes: SampleSizes;
  readonly #columns: SampleColumns;
  readonly #durations: RunLengthCursor;
  readonly #offsets: RunLengthCursor | undefined;
  readonly #keys: TableRows | undefined;
  #nextKey = 0;

  constructor(stbl: Box, sizes: SampleSizes, columns: SampleColumns, allKeys: boolean) {
    this.left = sizes.count;
    this.#view = stbl.view;
    this.#sizes = sizes;
    this.#columns = columns;
    this.#durations = new RunLengthCursor(stbl.view, stbl.require('stts').table(4, 8), 'repeat-last');
    if (this.#durations.count === 0)
      throw new MediaError('broken', 'stts is empty, expected a time for each sample');
    const ctts = stbl.find('ctts');
    if (ctts !== undefined) this.#offsets = new RunLengthCursor(stbl.view, ctts.table(4, 8), 'zero');
    this.#keys = allKeys ? undefined : stbl.find('stss')?.table(4, 4);
  }

  addChunk(chunkOffset: number, samplesPerChunk: number): void {
    let offset = chunkOffset;
    for (let i = 0; i < samplesPerChunk && this.left > 0; i++) {
      const sample = this.#sizes.count - this.left;
      const sizeBytes = sizeOf(this.#view, this.#sizes, sample);
      const duration = this.#durations.next();
      const cts = this.#offsets === undefined ? 0 : this.#offsets.next();
      this.#columns.add(offset, sizeBytes, duration, cts, this.#isKey(sample + 1));
      offset += sizeBytes;
      this.left--;
    }
  }

  /** Frames that are all due at once can't be paced. */
  requireTime(): void {
    const { length, dts } = this.#columns;
    if (length > 1 && dts[length - 1]! <= dts[0]!)
      throw new MediaError('broken', `stts gives ${length} frames no time to be shown`);
  }

  #isKey(sampleNumber: number): boolean {
    if (this.#keys === undefined) return true;
    const { position, count } = this.#keys;
    while (this.#nextKey < count && this.#view.getUint32(position + this.#nextKey * 4) < sampleNumber)
      this.#nextKey++;
    return this.#nextKey < count && this.#view.getUint32(position + this.#nextKey * 4) === sampleNumber;
  }
}

function readStsz(stsz: Box, fileBytes: number): SampleSizes {
  const uniformBytes = stsz.u32(4);
  if (uniformBytes === 0) {
    const table = stsz.table(8, 4);
    return { count: table.count, uniformBytes, bits: 32, position: table.position };
  }
  const count = stsz.u32(8);
  const room = Math.floor(fileBytes / uniformBytes);
  if (count > room)
    throw new MediaError(
      'broken',
      `stsz claims ${count} samples of ${uniformBytes} bytes, expected ${room} at most in this file`,
    );
  return { count, uniformBytes, bits: 0, position: 0 };
}

function sizeOf(view: DataView, sizes: SampleSizes, sample: number): number {
  const { bits, position } = sizes;
  if (bits === 32) return view.getUint32(position + sample * 4);
  if (bits === 0) return sizes.uniformBytes;
  if (bits === 16) return view.getUint16(position + sample * 2);
  if (bits === 8) return view.getUint8(position + sample);
  const pair = view.getUint8(position + (sample >> 1));
  return (sample & 1) === 0 ? pair >> 4 : pair & 15;
}

interface Chunks {
  readonly count: number;
  offset(index: number): number;
}

function readChunks(stbl: Box): Chunks {
  const { view } = stbl;
  const co64 = stbl.find('co64')?.table(4, 8);
  if (co64 !== undefined) return { count: co64.count, offset: (i) => uint64(view, co64.position + i * 8) };
  const stco = stbl.require('stco').table(4, 4);
  return { count: stco.count, offset: (i) => view.getUint32(stco.position + i * 4) };
}

function firstChunk(view: DataView, runs: TableRows, run: number): number {
  return view.getUint32(runs.position + run * 12);
}

function requireAscending(view: DataView, runs: TableRows, run: number): void {
  const lowest = run === 0 ? 1 : firstChunk(view, runs, run - 1);
  if (firstChunk(view, runs, run) < lowest)
    throw new MediaError(
      'broken',
      `stsc entry ${run + 1} starts at chunk ${firstChunk(view, runs, run)}, expected ${lowest} or more`,
    );
}
