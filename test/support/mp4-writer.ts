/**
 * Writes small MP4 files for tests: boxes from parts, and whole movies from a description of their tracks.
 * Rule: everything a test wants wrong can be replaced box by box; what it doesn't mention is right.
 */

import type { PositionedReader } from '@finch/file-vod/containers/container';

export type Part = Uint8Array | string | readonly Part[];

export interface TestSample {
  readonly size: number;
  readonly duration: number;
  readonly cts?: number;
  readonly key?: boolean;
}

export interface TestTrack {
  readonly id?: number;
  readonly handler?: string;
  /** tkhd flags; 1 = enabled. */
  readonly flags?: number;
  /** tkhd alternate_group; 0 = none. */
  readonly alternateGroup?: number;
  readonly timescale?: number;
  readonly language?: string;
  readonly version?: 0 | 1;
  readonly entries?: readonly Part[];
  readonly samples: readonly TestSample[];
  readonly samplesPerChunk?: number;
  /** Bytes of the media; samples are filled with their number otherwise. */
  readonly media?: Uint8Array;
  /** An edts box, or nothing. */
  readonly edts?: Part;
  readonly dinf?: Part;
  /** Replaces or removes (`''`) boxes of stbl by type. `stco` gets its offsets as an argument. */
  readonly stbl?: Readonly<Record<string, Part | ((chunkOffsets: readonly number[]) => Part)>>;
}

export interface TestMovie {
  readonly tracks: readonly TestTrack[];
  readonly timescale?: number;
  readonly moovLast?: boolean;
  /** Boxes before everything. */
  readonly head?: Part;
  /** Boxes at the end of moov. */
  readonly moovTail?: Part;
  /** mdat header: 32-bit size, largesize, or size 0 (to the end; needs moov first). */
  readonly mdat?: 'small' | 'large' | 'to-the-end';
}

export const u8 = (...values: number[]): Buffer => Buffer.from(values);
export const u16 = (...values: number[]): Buffer =>
  Buffer.concat(values.map((v) => u8((v >> 8) & 255, v & 255)));
export const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((v, i) => {
    bytes.writeUInt32BE(v >>> 0, i * 4);
  });
  return bytes;
};
export const u64 = (...values: (number | bigint)[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((v, i) => {
    bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(v)), i * 8);
  });
  return bytes;
};
export const zeros = (count: number): Buffer => Buffer.alloc(count);

export function join(...parts: Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part, 'latin1');
      return part instanceof Uint8Array ? part : join(...part);
    }),
  );
}

export function box(type: string, ...parts: Part[]): Buffer {
  const body = join(...parts);
  return join(u32(body.length + 8), type, body);
}

export function largeBox(type: string, ...parts: Part[]): Buffer {
  const body = join(...parts);
  return join(u32(1), type, u64(body.length + 16), body);
}

export function fullBox(type: string, version: number, flags: number, ...parts: Part[]): Buffer {
  return box(type, u32(version * 0x1000000 + flags), ...parts);
}

/** A table box: version and flags, count, rows. */
export function tableBox(type: string, rows: readonly (readonly number[])[], version = 0): Buffer {
  return fullBox(type, version, 0, u32(rows.length), u32(...rows.flat()));
}

export const SPS = u8(0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02);
export const PPS = u8(0x68, 0xce, 0x3c, 0x80);

export function avcC(
  sps: readonly Uint8Array[] = [SPS],
  pps: readonly Uint8Array[] = [PPS],
  sizeBytes = 4,
): Buffer {
  const sets = (list: readonly Uint8Array[]): Part => list.map((set) => [u16(set.length), set]);
  return box(
    'avcC',
    u8(1, 0x42, 0xc0, 0x1e, 0xfc | (sizeBytes - 1), 0xe0 | sps.length),
    sets(sps),
    u8(pps.length),
    sets(pps),
  );
}

export function visualEntry(type: string, ...boxes: Part[]): Buffer {
  return box(type, zeros(6), u16(1), zeros(16), u16(640, 360), zeros(50), ...boxes);
}

export function soundEntry(type: string, version: number, extra: Part, ...boxes: Part[]): Buffer {
  return box(type, zeros(6), u16(1), u16(version), zeros(6), u16(2, 16), zeros(4), u32(0), extra, ...boxes);
}

/** An esds box with long-form lengths, as QuickTime writes them. */
export function esds(config: Uint8Array, objectType = 0x40): Buffer {
  const descriptor = (tag: number, body: Uint8Array): Buffer =>
    join(u8(tag, 0x80, 0x80, 0x80 | (body.length >> 7), body.length & 127), body);
  const decoder = join(u8(objectType, 0x15), zeros(11), descriptor(5, config));
  return fullBox(
    'esds',
    0,
    0,
    descriptor(3, join(u16(1), u8(0), descriptor(4, decoder), descriptor(6, u8(2)))),
  );
}

/** AAC-LC, 48 kHz, two channels. */
export const AAC_CONFIG = u8(0x11, 0x90);
export const avc1 = visualEntry('avc1', avcC());
export const mp4a = soundEntry('mp4a', 0, '', esds(AAC_CONFIG));

/** An edts box from rows of segment_duration, media_time, media_rate. */
export function editList(rows: readonly (readonly number[])[], version: 0 | 1 = 0): Buffer {
  const wide = version === 1;
  const row = ([duration = 0, time = 0, rate = 1]: readonly number[]): Part => [
    wide ? u64(duration, time) : u32(duration, time),
    u16(rate, 0),
  ];
  return box('edts', fullBox('elst', version, 0, u32(rows.length), rows.map(row)));
}

/** `count` samples alike; every `keyEvery`th is a key frame. */
export function samples(count: number, size: number, duration: number, keyEvery = 1): TestSample[] {
  return Array.from({ length: count }, (_, i) => ({ size, duration, key: i % keyEvery === 0 }));
}

export const videoTrack = (track: Partial<TestTrack> = {}): TestTrack => ({
  id: 1,
  handler: 'vide',
  timescale: 12800,
  entries: [avc1],
  samples: samples(10, 20, 512, 5),
  ...track,
});

export const audioTrack = (track: Partial<TestTrack> = {}): TestTrack => ({
  id: 2,
  handler: 'soun',
  timescale: 48000,
  entries: [mp4a],
  samples: samples(10, 8, 1024),
  ...track,
});

/** Writes a movie. Media lie track after track; the samples of a track behind each other. */
export function writeMovie(movie: TestMovie): Buffer {
  const head = join(movie.head ?? box('ftyp', 'isom', u32(0), 'isomavc1'));
  const media = join(...movie.tracks.map(trackMedia));
  const mdat =
    movie.mdat === 'to-the-end'
      ? join(u32(0), 'mdat', media)
      : movie.mdat === 'large'
        ? largeBox('mdat', media)
        : box('mdat', media);
  const mdatHeader = mdat.length - media.length;
  const moovBytes = writeMoov(movie, 0).length;
  const mediaAt = head.length + mdatHeader + (movie.moovLast === true ? 0 : moovBytes);
  const moov = writeMoov(movie, mediaAt);
  return movie.moovLast === true ? join(head, mdat, moov) : join(head, moov, mdat);
}

/** Writes only the moov, for media at byte `mediaAt`. */
export function writeMoov(movie: TestMovie, mediaAt: number): Buffer {
  let at = mediaAt;
  const traks = movie.tracks.map((track) => {
    const trak = writeTrak(track, at);
    at += trackMedia(track).length;
    return trak;
  });
  const mvhd = fullBox('mvhd', 0, 0, zeros(8), u32(movie.timescale ?? 1000, 0), zeros(80));
  return box('moov', mvhd, traks, movie.moovTail ?? '');
}

function trackMedia(track: TestTrack): Buffer {
  if (track.media !== undefined) return Buffer.from(track.media);
  return join(...track.samples.map(({ size }, i) => Buffer.alloc(size, i & 255)));
}

function writeTrak(track: TestTrack, mediaAt: number): Buffer {
  const version = track.version ?? 0;
  const times = zeros(version === 1 ? 16 : 8);
  const duration = zeros(version === 1 ? 8 : 4);
  const packed = [...(track.language ?? 'eng')].reduce((bits, c) => bits * 32 + c.charCodeAt(0) - 96, 0);
  return box(
    'trak',
    fullBox(
      'tkhd',
      version,
      track.flags ?? 1,
      times,
      u32(track.id ?? 1, 0),
      duration,
      zeros(10),
      u16(track.alternateGroup ?? 0),
      zeros(48),
    ),
    track.edts ?? '',
    box(
      'mdia',
      fullBox('mdhd', version, 0, times, u32(track.timescale ?? 1000), duration, u16(packed, 0)),
      fullBox('hdlr', 0, 0, u32(0), track.handler ?? 'vide', zeros(13)),
      box('minf', track.dinf ?? '', writeStbl(track, mediaAt)),
    ),
  );
}

function writeStbl(track: TestTrack, mediaAt: number): Buffer {
  const { samples } = track;
  const perChunk = track.samplesPerChunk ?? 3;
  const chunkOffsets: number[] = [];
  let at = mediaAt;
  samples.forEach(({ size }, i) => {
    if (i % perChunk === 0) chunkOffsets.push(at);
    at += size;
  });
  const keys = samples.flatMap(({ key }, i) => (key === false ? [] : [[i + 1]]));
  const written: Record<string, Part> = {
    stsd: fullBox('stsd', 0, 0, u32(track.entries?.length ?? 0), track.entries ?? ''),
    stts: tableBox(
      'stts',
      samples.map(({ duration }) => [1, duration]),
    ),
    ctts: samples.some(({ cts }) => cts !== undefined)
      ? tableBox(
          'ctts',
          samples.map(({ cts }) => [1, cts ?? 0]),
          1,
        )
      : '',
    stss: keys.length < samples.length ? tableBox('stss', keys) : '',
    stsc: tableBox('stsc', samples.length > 0 ? [[1, perChunk, 1]] : []),
    stsz: fullBox('stsz', 0, 0, u32(0, samples.length, ...samples.map(({ size }) => size))),
    stco: tableBox(
      'stco',
      chunkOffsets.map((offset) => [offset]),
    ),
  };
  for (const [type, part] of Object.entries(track.stbl ?? {}))
    written[type] = typeof part === 'function' ? part(chunkOffsets) : part;
  return box('stbl', ...Object.values(written));
}

/** A reader over bytes in memory that counts what it gives. */
export class MemoryReader implements PositionedReader {
  readonly reads: { position: number; length: number }[] = [];

  constructor(
    readonly bytes: Uint8Array,
    readonly name = 'test.mp4',
  ) {}

  get sizeBytes(): number {
    return this.bytes.length;
  }

  read(position: number, length: number): Uint8Array {
    this.reads.push({ position, length });
    return this.bytes.slice(position, position + length);
  }
}
