/**
 * Writes short movies for tests that play them: H.264 and AAC access units that can be told apart. Over mp4-writer.
 * Rule: every byte of the media is known, so that a receiver can be compared with it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audioTrack, type TestTrack, u32, videoTrack, writeMovie } from './mp4-writer';

export interface ShortMovie {
  readonly frames: number;
  readonly framesPerSecond: number;
  /** Bytes of each video frame, 16 or more; 600 when it is left out. */
  readonly frameBytes?: number;
  readonly keyEvery?: number;
  /** Without sound when true. */
  readonly isSilent?: boolean;
}

const TIMESCALE = 90_000;
const AUDIO_RATE_HZ = 48_000;
const SAMPLES_PER_UNIT = 1024;
const AUDIO_UNIT_BYTES = 200;

/** The NAL unit of video frame `frame`, without its length. */
export function nalUnitOfFrame(frame: number, movie: ShortMovie): Buffer {
  const { frameBytes = 600, keyEvery = 25 } = movie;
  const nal = Buffer.alloc(frameBytes - 4);
  for (let i = 0; i < nal.length; i++) nal[i] = (i * 7 + frame * 31 + 1) & 0xff;
  nal[0] = frame % keyEvery === 0 ? 0x65 : 0x41;
  nal.writeUInt32BE(frame, 1);
  return nal;
}

/** Writes the movie into `folder` and gives its name. */
export function putMovie(folder: string, name: string, movie: ShortMovie): string {
  writeFileSync(join(folder, name), movieBytes(movie));
  return name;
}

/** The bytes of the movie as an MP4 file: one video track (id 1), one audio track (id 2) unless it is silent. */
export function movieBytes(movie: ShortMovie): Buffer {
  const { frames, framesPerSecond, frameBytes = 600, keyEvery = 25, isSilent = false } = movie;
  const video = videoTrack({
    timescale: TIMESCALE,
    samples: Array.from({ length: frames }, (_, frame) => ({
      size: frameBytes,
      duration: TIMESCALE / framesPerSecond,
      key: frame % keyEvery === 0,
    })),
    media: Buffer.concat(
      Array.from({ length: frames }, (_, frame) =>
        Buffer.concat([u32(frameBytes - 4), nalUnitOfFrame(frame, movie)]),
      ),
    ),
  });
  const units = Math.floor(((frames / framesPerSecond) * AUDIO_RATE_HZ) / SAMPLES_PER_UNIT);
  const audio: TestTrack = audioTrack({
    timescale: AUDIO_RATE_HZ,
    samples: Array.from({ length: units }, () => ({ size: AUDIO_UNIT_BYTES, duration: SAMPLES_PER_UNIT })),
  });
  return writeMovie({ tracks: isSilent ? [video] : [video, audio] });
}
