/**
 * What is in a movie, and what a viewer got of it, frame by frame: ffmpeg names each frame by its MD5 and its time. Used by
 * test/clients.
 * Rule: video is decoded and sound is copied, so that a lost, damaged or exchanged packet shows as another frame.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClientHost, type ClientResult, runClient } from './clients';
import { MOVIES, type MovieName, runFfmpeg } from './media-movies';

/** A decoded picture, or an access unit of sound. */
export interface MediaFrame {
  readonly md5: string;
  /** Presentation time in seconds: of the file with its edit list, or of the movie that is received. */
  readonly ptsS: number;
}

/** The frames of each stream, in the order of the file. */
export interface MovieFrames {
  readonly videos: readonly (readonly MediaFrame[])[];
  readonly audios: readonly (readonly MediaFrame[])[];
}

/** How a movie came in by ffmpeg. */
export interface Reception extends MovieFrames {
  readonly client: ClientResult;
}

/** Names the ways of the media; `http` is TCP in a tunnel. */
export type Carrier = 'udp' | 'tcp' | 'http';
/** Lists those without a tunnel. */
export const CARRIERS: readonly Carrier[] = ['udp', 'tcp'];

let outputs = 0;

/** Reads the frames of a file, those before the start of its edit list left out if it is sound and hidden if it is video. */
export async function framesOfFile(folder: string, name: MovieName): Promise<MovieFrames> {
  const output = outputOf(folder, name);
  await runFfmpeg(['-i', join(folder, name), '-copyts', ...output.args]);
  return output.read();
}

/** Reads all pictures of a file in the order of presentation, also those that its edit list hides; their times mean nothing. */
export async function allPicturesOfFile(folder: string, name: MovieName): Promise<readonly MediaFrame[]> {
  const output = outputOf(folder, name);
  await runFfmpeg(['-ignore_editlist', '1', '-i', join(folder, name), ...output.args]);
  return output.read().videos[0] ?? [];
}

/** Decodes a file that a player wrote, Annex B or another `format` of ffmpeg; the times mean nothing. */
export async function picturesOfStream(file: string, format = 'h264'): Promise<readonly MediaFrame[]> {
  const list = `${file}.frames`;
  const output = ['-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framemd5', '-y', list];
  await runFfmpeg(['-f', format, '-i', file, ...output]);
  return readFrames(list);
}

/** Says how ffmpeg receives. */
export interface ReceiveOptions {
  readonly url: string;
  readonly carrier: Carrier;
  /** Ask for this time, and take what comes. */
  readonly seekS?: number;
  /** Gives up after six such silences in a row; without, it waits for packets and BYE without end. For UDP. */
  readonly silenceS?: number;
  /** Where it plays; without, here. */
  readonly host?: ClientHost;
  readonly timeoutMs: number;
}

/** Plays a movie with ffmpeg to its end. `folder` takes the lists of frames. */
export async function receive(folder: string, name: MovieName, options: ReceiveOptions): Promise<Reception> {
  const output = outputOf(folder, name);
  const seek = options.seekS === undefined ? [] : ['-ss', String(options.seekS), '-noaccurate_seek'];
  const { silenceS } = options;
  const timeout = silenceS === undefined ? [] : ['-timeout', String(silenceS * 1_000_000)]; // microseconds
  const input = ['-rtsp_transport', options.carrier, ...timeout, ...seek, '-i', options.url, '-copyts'];
  const args = ['-nostdin', '-hide_banner', '-v', 'error', ...input, ...output.args];
  const client = await runClient('ffmpeg', args, options);
  return { client, ...output.read() };
}

function outputOf(folder: string, name: MovieName): { args: string[]; read: () => MovieFrames } {
  const { videos, audios } = MOVIES[name];
  const base = join(folder, `frames-${outputs++}`);
  const files = (kind: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${base}.${kind}${i}`);
  const [videoFiles, audioFiles] = [files('v', videos), files('a', audios)];
  const exactTimes = ['-fps_mode', 'passthrough', '-enc_time_base', '-1'];
  const args = [
    ...videoFiles.flatMap((file, i) => ['-map', `0:v:${i}`, ...exactTimes, '-f', 'framemd5', file]),
    ...audioFiles.flatMap((file, i) => ['-map', `0:a:${i}`, '-c', 'copy', '-f', 'framemd5', file]),
  ];
  return {
    args,
    read: () => ({ videos: videoFiles.map(readFrames), audios: audioFiles.map(readFrames) }),
  };
}

/**
 * Lines of the format framemd5 are `stream, dts, pts, duration, size, md5`, then side data; the time base is in a comment.
 * A file that isn't there has no frames: what the client printed says why.
 */
function readFrames(file: string): MediaFrame[] {
  const text = readIfThere(file);
  const [, ticks, perSecond] = /^#tb 0: (\d+)\/(\d+)$/m.exec(text) ?? ['', '1', '1'];
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const fields = line.split(',').map((field) => field.trim());
    return { md5: fields[5]!, ptsS: (Number(fields[2]) * Number(ticks)) / Number(perSecond) };
  });
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Says how two lists of frames differ, shortly; `sameFrames` of the file's count when they do not. */
export function compareFrames(received: readonly MediaFrame[], file: readonly MediaFrame[]): string {
  const different = file.findIndex(({ md5 }, i) => md5 !== received[i]?.md5);
  if (different < 0 && received.length === file.length) return sameFrames(file.length);
  const at = different < 0 ? file.length : different;
  return `${received.length} frames of ${file.length}, number ${at} is the first that differs`;
}

/** What `compareFrames` says of two equal lists. */
export function sameFrames(count: number): string {
  return `the same ${count} frames`;
}

/** Counts the frames of the file that are among those that were received. */
export function intactOf(received: readonly MediaFrame[], file: readonly MediaFrame[]): number {
  const got = new Set(received.map(({ md5 }) => md5));
  return file.filter(({ md5 }) => got.has(md5)).length;
}

/** Counts the frames at the end of the file that are also, in the same order, the end of what was received. */
export function commonTail(received: readonly MediaFrame[], file: readonly MediaFrame[]): number {
  const limit = Math.min(received.length, file.length);
  let count = 0;
  while (count < limit && received.at(-1 - count)!.md5 === file.at(-1 - count)!.md5) count++;
  return count;
}

/** Tells how much later each received frame is than the same frame of the file, in seconds; frames that the file lacks are NaN. */
export function delaysOf(received: readonly MediaFrame[], file: readonly MediaFrame[]): number[] {
  const timeOf = new Map(file.map(({ md5, ptsS }) => [md5, ptsS]));
  return received.map(({ md5, ptsS }) => ptsS - (timeOf.get(md5) ?? Number.NaN));
}
