/**
 * What a movie and its tracks say of themselves before their samples: mvhd, mvex, tkhd, mdhd, hdlr, dref.
 * Called by the demuxer once per track. Rule: durations in headers are never believed; the tables know better.
 * Spec: ISO/IEC 14496-12 §8.2.2, §8.3.2, §8.4.2, §8.4.3, §8.7.2, §8.8.3.
 */

import { MediaError } from '@finch/core/stream/media-error';
import type { Box } from './box-reader';

/** A trex box: what a fragment's samples are unless the fragment says otherwise. */
export interface SampleDefaults {
  readonly descriptionIndex: number;
  /** In the track's timescale. */
  readonly duration: number;
  readonly sizeBytes: number;
  readonly flags: number;
}

/** What a track says of itself in tkhd, mdhd and hdlr. */
export interface TrackHeader {
  /** 1..2^31-1. */
  readonly id: number;
  readonly kind: 'video' | 'audio';
  readonly enabled: boolean;
  /** Tracks of one group, above 0, are choices for each other: languages of a film. 0: of no group. */
  readonly alternateGroup: number;
  /** Ticks a second, 1..2^32-1. */
  readonly timescale: number;
  /** ISO 639-2, or "und". */
  readonly language: string;
}

const MAX_TRACK_ID = 0x7fffffff;
const TRACK_ENABLED = 1;
const SELF_CONTAINED = 1;
const KINDS: Readonly<Record<string, 'video' | 'audio'>> = { vide: 'video', soun: 'audio' };

/** Reads the movie's ticks a second; 0 when it doesn't tell, which only edit lists mind. */
export function readMovieTimescale(moov: Box): number {
  const mvhd = moov.find('mvhd');
  if (mvhd === undefined || mvhd.sizeBytes < 24) return 0;
  return mvhd.u32(mvhd.version === 1 ? 20 : 12);
}

/** Reads the trex boxes by track id; empty when the movie has no fragments. */
export function readSampleDefaults(moov: Box): Map<number, SampleDefaults> {
  const defaults = new Map<number, SampleDefaults>();
  for (const trex of moov.find('mvex')?.boxes() ?? []) {
    if (trex.type !== 'trex') continue;
    defaults.set(trex.u32(4), {
      descriptionIndex: trex.u32(8),
      duration: trex.u32(12),
      sizeBytes: trex.u32(16),
      flags: trex.u32(20),
    });
  }
  return defaults;
}

/** Reads a track's number, for messages; 0 when it has none. */
export function readTrackId(trak: Box): number {
  const tkhd = trak.find('tkhd');
  return tkhd === undefined ? 0 : tkhd.u32(tkhd.version === 1 ? 20 : 12);
}

/** Reads a track's headers; undefined when it is neither video nor audio. MediaError `broken`. */
export function readTrackHeader(trak: Box, mdia: Box): TrackHeader | undefined {
  const hdlr = mdia.require('hdlr');
  const kind = KINDS[String.fromCharCode(hdlr.u8(8), hdlr.u8(9), hdlr.u8(10), hdlr.u8(11))];
  if (kind === undefined) return undefined;
  const id = readTrackId(trak);
  if (id < 1 || id > MAX_TRACK_ID)
    throw new MediaError('broken', `tkhd has track number ${id}, expected 1..${MAX_TRACK_ID}`);
  const mdhd = mdia.require('mdhd');
  const timescale = mdhd.u32(mdhd.version === 1 ? 20 : 12);
  if (timescale === 0) throw new MediaError('broken', 'mdhd has timescale 0, expected 1 or more');
  const tkhd = trak.require('tkhd');
  return {
    id,
    kind,
    enabled: (tkhd.flags & TRACK_ENABLED) !== 0,
    alternateGroup: tkhd.u16(tkhd.version === 1 ? 46 : 34),
    timescale,
    language: languageOf(mdhd.u16(mdhd.version === 1 ? 32 : 20)),
  };
}

/** Refuses a data reference to another file: MediaError `unsupported`. `index` counts from 1. */
export function requireOwnMedia(minf: Box, index: number): void {
  const dref = minf.find('dinf')?.find('dref');
  const reference = dref?.boxes(8)[index - 1];
  if (reference !== undefined && (reference.flags & SELF_CONTAINED) === 0)
    throw new MediaError('unsupported', 'its media lies in another file (dref), which is never opened');
}

/** Three letters of 5 bits, 1 = a; smaller numbers are QuickTime's own codes. */
function languageOf(packed: number): string {
  const letters = [packed >> 10, packed >> 5, packed].map((bits) => bits & 31);
  if (letters.some((letter) => letter < 1 || letter > 26)) return 'und';
  return String.fromCharCode(...letters.map((letter) => letter + 96));
}
