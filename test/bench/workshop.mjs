/**
 * What benchmarks work with: the movie, its packet list, the floor program. Made once into a cache folder beside the
 * system's temporary files. Used by scripts/bench.mjs. Rule: a step is done again only when its inputs have changed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of what is made once. */
export const CACHE = join(tmpdir(), 'finch-bench');
/** The folder that servers serve. */
export const MEDIA = join(CACHE, 'media');
/** The movie's name in it. */
export const MOVIE = 'bench-720p25.mp4';
/** The floor's packet list and SDP. */
export const LIST = join(CACHE, 'bench.list');
export const SDP = join(CACHE, 'bench.sdp');
/** The floor program. */
export const FLOOR = join(CACHE, 'floor');

const SOURCES = fileURLToPath(new URL('./floor/', import.meta.url));
const MOVIE_SECONDS = 120;

/** Makes what is missing; throws Error saying which tool is not there. */
export async function prepare({ floor = true } = {}) {
  mkdirSync(MEDIA, { recursive: true });
  const movie = join(MEDIA, MOVIE);
  if (!existsSync(movie)) makeMovie(movie);
  if (!floor) return;
  if (!isNewer(LIST, [movie])) {
    const { writePacketList } = await import('./packet-list.mjs');
    writePacketList(movie, LIST, SDP);
  }
  const sources = readdirSync(SOURCES)
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => join(SOURCES, name));
  if (!isNewer(FLOOR, sources))
    run(process.env.CC ?? 'cc', [
      '-std=c11',
      '-O2',
      '-o',
      FLOOR,
      ...sources.filter((name) => name.endsWith('.c')),
    ]);
}

// 1280x720, 25 pictures a second, 2.4 Mbit/s H.264 without B-frames, 96 kbit/s AAC. The noise makes pictures that need
// their bits; without it x264 could hold the rate by filler only, with a small NAL unit before each picture that ordinary
// movies have not.
function makeMovie(path) {
  const video = ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '0', '-g', '50', '-pix_fmt', 'yuv420p'];
  const rate = ['-b:v', '2400k', '-maxrate', '2400k', '-bufsize', '2400k'];
  const audio = ['-c:a', 'aac', '-b:a', '96k', '-ac', '2'];
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=25,noise=alls=12:allf=t'];
  const sound = ['-f', 'lavfi', '-i', 'sine=sample_rate=48000'];
  const output = ['-t', String(MOVIE_SECONDS), '-movflags', '+faststart', path];
  run('ffmpeg', ['-y', '-loglevel', 'error', ...picture, ...sound, ...video, ...rate, ...audio, ...output]);
}

function isNewer(output, inputs) {
  if (!existsSync(output)) return false;
  const madeMs = statSync(output).mtimeMs;
  return inputs.every((input) => statSync(input).mtimeMs <= madeMs);
}

function run(command, args) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    throw new Error(error.code === 'ENOENT' ? `${command} is not installed` : error.message);
  }
}
