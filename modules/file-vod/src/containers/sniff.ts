/**
 * Tells the container of a file by its first bytes and hands it to that format. Called by the file module on a blocking
 * thread. Rule: names lie, so the extension is never looked at; a new format is one row in the table.
 */

import { MediaError } from '@finch/core/stream/media-error';
import type { IndexMovie, MovieIndex, PositionedReader } from './container';
import { indexMp4 } from './mp4/mp4-demuxer';

interface ContainerFormat {
  /** What people call it. */
  readonly label: string;
  readonly matches: (head: Uint8Array) => boolean;
  /** Absent: we know it when we see it, but can't play it. */
  readonly index?: IndexMovie;
}

/** Enough for every row of the table: the second sync byte of a transport stream with time codes is byte 196. */
const HEAD_BYTES = 197;

/** Boxes that a file of the MP4 family starts with (ISO/IEC 14496-12 §4.3; QuickTime has no ftyp). */
const FIRST_BOXES = new Set(
  'ftyp moov mdat free skip wide uuid styp moof sidx pnot pdin meta udta emsg prft junk'.split(' '),
);

const FORMATS: readonly ContainerFormat[] = [
  { label: 'MP4', matches: startsWithBox, index: indexMp4 },
  { label: 'Matroska or WebM', matches: (head) => hasBytes(head, 0, [0x1a, 0x45, 0xdf, 0xa3]) },
  { label: 'AVI', matches: (head) => hasText(head, 0, 'RIFF') && hasText(head, 8, 'AVI ') },
  { label: 'WAV', matches: (head) => hasText(head, 0, 'RIFF') && hasText(head, 8, 'WAVE') },
  { label: 'Ogg', matches: (head) => hasText(head, 0, 'OggS') },
  { label: 'FLV', matches: (head) => hasText(head, 0, 'FLV') },
  { label: 'MPEG transport stream', matches: isTransportStream },
];

/** Indexes a movie of any known container. MediaError `unsupported` when it isn't one that we play. */
export function indexMovie(reader: PositionedReader): MovieIndex {
  const head = reader.read(0, HEAD_BYTES);
  const format = FORMATS.find((candidate) => candidate.matches(head));
  if (format === undefined)
    throw new MediaError('unsupported', `${reader.name}: not a movie, expected MP4, MOV, M4V, M4A or 3GP`);
  if (format.index === undefined)
    throw new MediaError('unsupported', `${reader.name}: ${format.label} is not supported yet`);
  return format.index(reader);
}

function startsWithBox(head: Uint8Array): boolean {
  return head.length >= 8 && FIRST_BOXES.has(String.fromCharCode(...head.subarray(4, 8)));
}

/** Packets of 188 bytes, or of 192 with a time code in front. */
function isTransportStream(head: Uint8Array): boolean {
  return (head[0] === 0x47 && head[188] === 0x47) || (head[4] === 0x47 && head[196] === 0x47);
}

function hasText(head: Uint8Array, at: number, text: string): boolean {
  return hasBytes(
    head,
    at,
    [...text].map((letter) => letter.charCodeAt(0)),
  );
}

function hasBytes(head: Uint8Array, at: number, bytes: readonly number[]): boolean {
  return bytes.every((byte, i) => head[at + i] === byte);
}
