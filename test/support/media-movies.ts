/**
 * Movies for tests, made by ffmpeg's test sources: one row of the table is one kind of file that people have. Used by
 * test/clients and test/load.
 * Rule: small (320x180, 25 fps, a key frame a second unless the row says otherwise) and the same on every run.
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { runClient } from './clients';
import { widenChunkOffsets } from './media-boxes';

/** Pictures a second of every movie that is not VFR. */
export const FRAME_RATE_HZ = 25;
/** Between two key frames. */
export const KEY_INTERVAL_S = 1;
/** A heavy movie on a busy machine. */
const MAKE_TIMEOUT_MS = 100_000;

/** Says how a movie is made. */
export interface MovieRecipe {
  /** Arguments of ffmpeg, without the output file; `source` is the name of another movie of the same folder. */
  readonly args: (durationS: number, source: (name: string) => string) => readonly string[];
  /** Another movie that must be there first. */
  readonly needs?: string;
  /** Work on the finished file. */
  readonly finish?: (path: string) => void;
  /** Numbers of streams that ffprobe finds. */
  readonly videos: number;
  readonly audios: number;
}

const KEY_FRAMES = ['-g', String(FRAME_RATE_HZ * KEY_INTERVAL_S), '-sc_threshold', '0'];
const H264 = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-threads',
  '1',
  '-pix_fmt',
  'yuv420p',
  ...KEY_FRAMES,
];
const H264_B_FRAMES = [...H264, '-bf', '2', '-b_strategy', '0'];
const AAC = ['-c:a', 'aac', '-b:a', '96k'];
const FAST_START = ['-movflags', '+faststart'];

function picture(durationS: number): string[] {
  return ['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=${FRAME_RATE_HZ}:duration=${durationS}`];
}

/** A tone that rises, so that no two access units are alike. */
function tone(durationS: number, channels = 2, pitchHz = 440): string[] {
  const one = `0.3*sin(2*PI*t*(${pitchHz}+50*t))`;
  const all = Array.from({ length: channels }, () => one).join('|');
  return ['-f', 'lavfi', '-i', `aevalsrc='${all}':s=48000:d=${durationS}`];
}

/** Names every kind of movie; the extension is the container. */
export const MOVIES = {
  'moov-first.mp4': {
    args: (s) => [...picture(s), ...tone(s), ...H264, '-bf', '0', ...AAC, ...FAST_START],
    videos: 1,
    audios: 1,
  },
  'moov-last-mono.mp4': {
    args: (s) => [...picture(s), ...tone(s, 1), ...H264, '-bf', '0', ...AAC],
    videos: 1,
    audios: 1,
  },
  'b-frames.mp4': {
    args: (s) => [...picture(s), ...tone(s), ...H264_B_FRAMES, ...AAC, ...FAST_START],
    videos: 1,
    audios: 1,
  },
  'quicktime.mov': {
    args: (s) => [...picture(s), ...tone(s), ...H264_B_FRAMES, ...AAC],
    videos: 1,
    audios: 1,
  },
  // the edit list skips the pictures between a key frame and the cut
  'edit-cut.mp4': {
    needs: 'b-frames.mp4',
    args: (_s, source) => ['-ss', '1.52', '-i', source('b-frames.mp4'), '-c', 'copy'],
    videos: 1,
    audios: 1,
  },
  // the edit list lets the sound begin later (an empty edit)
  'edit-delay.mp4': {
    needs: 'b-frames.mp4',
    args: (_s, source) => {
      const path = source('b-frames.mp4');
      return ['-i', path, '-itsoffset', '0.6', '-i', path, '-map', '0:v', '-map', '1:a', '-c', 'copy'];
    },
    videos: 1,
    audios: 1,
  },
  'two-languages.mp4': {
    args: (s) => [
      ...[...picture(s), ...tone(s), ...tone(s, 1, 880)],
      ...['-map', '0:v', '-map', '1:a', '-map', '2:a'],
      ...['-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=deu'],
      ...['-disposition:a', 'default'], // else ffmpeg disables the second one (ISO/IEC 14496-12 §8.3.2.3)
      ...[...H264, '-bf', '0', ...AAC],
    ],
    videos: 1,
    audios: 2,
  },
  'sound-only.m4a': { args: (s) => [...tone(s), ...AAC], videos: 0, audios: 1 },
  'picture-only.mp4': { args: (s) => [...picture(s), ...H264_B_FRAMES], videos: 1, audios: 0 },
  'sound-ends-early.mp4': {
    args: (s) => [...picture(s), ...tone(s / 2), ...H264, '-bf', '0', ...AAC],
    videos: 1,
    audios: 1,
  },
  // of ten pictures six, so the time between two of them changes
  'vfr.mp4': {
    args: (s) => {
      const select = ['-vf', "select='lt(mod(n,10),6)'", '-fps_mode', 'vfr'];
      return [...picture(s), ...tone(s), ...select, ...H264, '-bf', '0', ...AAC];
    },
    videos: 1,
    audios: 1,
  },
  'co64.mp4': {
    needs: 'moov-last-mono.mp4',
    args: (_s, source) => ['-i', source('moov-last-mono.mp4'), '-map', '0', '-c', 'copy'],
    finish: widenChunkOffsets,
    videos: 1,
    audios: 1,
  },
} as const satisfies Record<string, MovieRecipe>;

/** Names a movie of the table. */
export type MovieName = keyof typeof MOVIES;

/** Lists all of them. */
export const MOVIE_NAMES = Object.keys(MOVIES) as MovieName[];

/** Makes the movies, and those they need, in `folder`; each lasts `durationS` seconds before its cut. */
export async function makeMovies(
  folder: string,
  durationS: number,
  names: readonly MovieName[] = MOVIE_NAMES,
): Promise<void> {
  const made = new Map<MovieName, Promise<void>>();
  const make = (name: MovieName): Promise<void> => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const recipe: MovieRecipe = MOVIES[name];
    const needed = recipe.needs === undefined ? Promise.resolve() : make(recipe.needs as MovieName);
    const work = needed.then(() => makeMovie(folder, name, recipe, durationS));
    made.set(name, work);
    return work;
  };
  await Promise.all(names.map(make));
}

async function makeMovie(
  folder: string,
  name: string,
  recipe: MovieRecipe,
  durationS: number,
): Promise<void> {
  const unfinished = join(folder, `unfinished-${name}`);
  const args = recipe.args(durationS, (source) => join(folder, source));
  const exact = ['-fflags', '+bitexact', '-flags', '+bitexact', '-y', unfinished];
  await runFfmpeg([...args, ...exact]);
  recipe.finish?.(unfinished);
  renameSync(unfinished, join(folder, name));
}

/** Runs ffmpeg, quietly. Throws with what it printed when it fails. */
export async function runFfmpeg(args: readonly string[], timeoutMs = MAKE_TIMEOUT_MS): Promise<string> {
  const result = await runClient('ffmpeg', ['-nostdin', '-hide_banner', '-v', 'error', ...args], {
    timeoutMs,
  });
  if (result.exitCode === 0) return result.stdout;
  const how = result.isTimedOut ? `did not end within ${timeoutMs} ms` : `exit code ${result.exitCode}`;
  throw new Error(`ffmpeg ${args.join(' ')}: ${how}: ${result.stderr}`);
}
