/** The benchmark's movie, indexed and packetized in memory. Used by the micro benchmarks of RTP. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { indexMp4 } from '@finch/file-vod/containers/mp4/mp4-demuxer';
import { buildPlan, SegmentMap } from '@finch/rtp';
import { MEDIA, MOVIE } from '../workshop.mjs';

const MAX_PAYLOAD_BYTES = 1460;

/** Where it lies. */
export const MOVIE_FILE = join(MEDIA, MOVIE);

const bytes = readFileSync(MOVIE_FILE);
const read = (position, length) => bytes.subarray(position, position + length);

/** The tracks with their frame tables. */
export const index = indexMp4({ sizeBytes: bytes.length, name: MOVIE, read });

/** The segments of a track. */
export function segmentsOf({ track, frames }) {
  return SegmentMap.of(frames, track.kind);
}

/** Makes the plan of one segment, as a blocking thread does. */
export function planOf({ track, frames }, segments, segment) {
  return buildPlan(
    {
      config: track.config,
      frames: frames.share(),
      firstFrame: segments.firstFrameOf(segment),
      frameCount: segments.frameCountOf(segment),
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    },
    read,
  );
}
