/** Makes presentations without a file, for tests of what reads nothing but their indexes. */
import type { Presentation, StoredTrack, Track } from '@finch/core';
import { FrameTable } from '@finch/core/stream/frame-table';

export interface MadeUpTrack {
  readonly kind: 'video' | 'audio';
  readonly clockRateHz: number;
  /** Decode times in microseconds. */
  readonly dtsUs: readonly number[];
  /** Presentation less decode time of each frame, in microseconds; 0 when left out. */
  readonly offsetsUs?: readonly number[];
  readonly keyFrames?: readonly number[];
}

/** A presentation that counts how often it is closed. */
export function presentationOf(parts: readonly MadeUpTrack[]): Presentation & { readonly closes: number } {
  let closes = 0;
  return {
    name: 'made-up.mp4',
    durationUs: 0,
    modifiedMs: 0,
    tracks: parts.map(storedTrack),
    source: { fileId: 0, fd: -1, path: 'made-up.mp4' },
    onClose: () => {},
    close: () => {
      closes++;
    },
    get closes() {
      return closes;
    },
  };
}

function storedTrack(part: MadeUpTrack, place: number): StoredTrack {
  const { kind, clockRateHz, dtsUs, offsetsUs = [], keyFrames = dtsUs.map((_, i) => i) } = part;
  const frames = FrameTable.allocate(dtsUs.length, keyFrames.length);
  frames.dtsUs.set(dtsUs);
  frames.keyFrames.set(keyFrames);
  dtsUs.forEach((us, i) => {
    frames.ptsTicks[i] = Math.round(((us + (offsetsUs[i] ?? 0)) * clockRateHz) / 1e6);
    frames.sizes[i] = 1;
    frames.offsets[i] = i;
  });
  return { track: trackOf(kind, clockRateHz, place + 1), frames };
}

function trackOf(kind: 'video' | 'audio', clockRateHz: number, id: number): Track {
  const common = { id, kind, clockRateHz, language: 'und', bitRateBps: 0 };
  if (kind === 'video')
    return { ...common, config: { codec: 'h264', sps: [], pps: [], nalLengthSizeBytes: 4 } };
  const audioSpecificConfig = Uint8Array.of(0x11, 0x90);
  const config = { codec: 'aac', audioSpecificConfig, channels: 2, samplesPerFrame: 1024 } as const;
  return { ...common, config: { ...config, sampleRateHz: clockRateHz } };
}
