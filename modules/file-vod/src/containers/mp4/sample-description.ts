/**
 * A track's sample descriptions (stsd): which codec, with which configuration. Called by the demuxer.
 * Rule: dispatch by the four characters of the entry; a codec that isn't in the table is named in the refusal.
 * Spec: ISO/IEC 14496-12 §8.5.2, §12.1.3, §12.2.3; ISO/IEC 14496-15 §5.4.2; QuickTime File Format, sound description v1, v2.
 * ```
 *   every entry: | 6 reserved | data_reference_index 2 |
 *   visual (78): | ... 16 | width 2 | height 2 | ... 50 | boxes            at 24, 26
 *   sound  (28): | version 2 | revision 2 | vendor 4 | channels 2 | ... 10 | boxes; v1: 16 bytes more, v2: 36 more
 * ```
 */

import { MediaError } from '@finch/core/stream/media-error';
import type { CodecConfig } from '@finch/core/stream/track';
import { readAacConfiguration } from './aac-configuration';
import { completeAvcConfiguration, readAvcConfiguration } from './avc-configuration';
import { type Box, nameOf } from './box-reader';
import { MAX_SAMPLE_DESCRIPTIONS } from './limits';

/** A codec's configuration, and the picture size of video in pixels (0 when unknown, and for audio). */
export interface SampleDescription {
  readonly config: CodecConfig;
  readonly width: number;
  readonly height: number;
}

type ReadDescription = (entry: Box, firstFrame: () => Uint8Array) => SampleDescription;

const VISUAL_ENTRY_BYTES = 78;
const SOUND_ENTRY_BYTES = 28;
/** Where the boxes of a sound entry can start, by its version: ISO files use version 1 without QuickTime's fields. */
const SOUND_BOXES_AT: readonly (readonly number[])[] = [[28], [44, 28], [64]];
const ENCRYPTED: readonly string[] = ['encv', 'enca', 'drmi', 'drms'];
const PICTURES: readonly string[] = ['png ', 'jpeg', 'mjpa', 'mjpb', 'gif ', 'bmp ', 'tiff'];

const CODECS: Readonly<Record<string, { kind: 'video' | 'audio'; read: ReadDescription }>> = {
  avc1: { kind: 'video', read: readAvc },
  avc3: { kind: 'video', read: readAvc },
  mp4a: { kind: 'audio', read: readMp4a },
};

/** Reads the entries of an stsd box. MediaError `broken` when it doesn't have what it claims. */
export function readSampleEntries(stsd: Box): Box[] {
  const count = stsd.u32(4);
  const entries = stsd.boxes(8);
  if (count < 1 || count > MAX_SAMPLE_DESCRIPTIONS || count > entries.length)
    throw new MediaError(
      'broken',
      `stsd claims ${count} entries and has ${entries.length}, expected 1..${MAX_SAMPLE_DESCRIPTIONS}`,
    );
  return entries.slice(0, count);
}

/** True for cover art, which isn't missed: one picture. */
export function isCoverArt(entries: readonly Box[], sampleCount: number): boolean {
  return sampleCount <= 1 && entries.every((entry) => PICTURES.includes(entry.type));
}

/** Refuses a track none of whose entries can be played. MediaError `unsupported`. */
export function requireSupported(entries: readonly Box[], kind: 'video' | 'audio'): void {
  if (entries.some((entry) => CODECS[entry.type]?.kind === kind)) return;
  const type = entries[0]!.type;
  if (ENCRYPTED.includes(type)) throw new MediaError('unsupported', `encrypted (${type})`);
  throw new MediaError('unsupported', `codec ${nameOf(type)} is not supported yet`);
}

/** Number of the data reference of an entry, from 1. */
export function dataReferenceIndex(entry: Box): number {
  return entry.u16(6);
}

/**
 * Reads the one configuration that the used entries (counted from 1) share. `firstFrame` gives the start of the track's
 * first frame. MediaError `unsupported` when they differ, `broken` when an entry is missing or wrong.
 */
export function readSharedDescription(
  entries: readonly Box[],
  used: ReadonlySet<number>,
  kind: 'video' | 'audio',
  firstFrame: () => Uint8Array,
): SampleDescription {
  let shared: SampleDescription | undefined;
  for (const index of used) {
    const entry = entries[index - 1];
    if (entry === undefined)
      throw new MediaError('broken', `sample description ${index} of ${entries.length} is used`);
    requireSupported([entry], kind);
    const description = CODECS[entry.type]!.read(entry, firstFrame);
    if (shared !== undefined && !sameConfig(shared.config, description.config))
      throw new MediaError('unsupported', `${used.size} different sample descriptions are not supported yet`);
    shared ??= description;
  }
  if (shared === undefined) throw new MediaError('broken', 'no sample description is used');
  return shared;
}

function readAvc(entry: Box, firstFrame: () => Uint8Array): SampleDescription {
  const avcC = entry.boxes(VISUAL_ENTRY_BYTES, 'stop').find((box) => box.type === 'avcC');
  if (avcC === undefined) throw new MediaError('broken', `${entry.type} has no avcC box`);
  const config = completeAvcConfiguration(readAvcConfiguration(avcC), firstFrame);
  return { config, width: entry.u16(24), height: entry.u16(26) };
}

function readMp4a(entry: Box): SampleDescription {
  const config = readAacConfiguration(findEsds(entry), entry.u16(16));
  return { config, width: 0, height: 0 };
}

/** The esds box of a sound entry, or of the wave box in it (QuickTime). */
function findEsds(entry: Box): Box {
  const version = entry.sizeBytes < SOUND_ENTRY_BYTES ? 0 : entry.u16(8);
  for (const from of SOUND_BOXES_AT[version] ?? []) {
    const boxes = entry.boxes(from, 'stop');
    const wave = boxes.find((box) => box.type === 'wave');
    const esds = [...boxes, ...(wave?.boxes(0, 'stop') ?? [])].find((box) => box.type === 'esds');
    if (esds !== undefined) return esds;
  }
  throw new MediaError('broken', `${entry.type} version ${version} has no whole esds box`);
}

function sameConfig(a: CodecConfig, b: CodecConfig): boolean {
  if (a.codec === 'h264' && b.codec === 'h264')
    return (
      a.nalLengthSizeBytes === b.nalLengthSizeBytes && sameBytes(a.sps, b.sps) && sameBytes(a.pps, b.pps)
    );
  if (a.codec === 'aac' && b.codec === 'aac')
    return sameBytes([a.audioSpecificConfig], [b.audioSpecificConfig]);
  return false;
}

function sameBytes(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((bytes, i) => Buffer.compare(bytes, b[i]!) === 0);
}
