/**
 * Plays a movie by GStreamer's rtspsrc and keeps what comes out of its depayloaders. Used by test/clients.
 * Rule: it asks for nothing but the end of the stream, so a server that doesn't tell the end (BYE) runs into the timeout.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClientHost, type ClientResult, PYTHON, runClient } from './clients';
import type { Carrier } from './media-frames';
import { MOVIES, type MovieName, runFfmpeg } from './media-movies';

/** What GStreamer got: files of Annex B video and of bare access units of sound. */
export interface GstreamerReception {
  readonly client: ClientResult;
  readonly videoFile: string;
  readonly soundFile: string;
}

/** How long the jitter buffer holds a packet back; BYE comes while it does. */
const LATENCY_MS = 100;
const PAUSING_PLAYER = join(__dirname, 'gst-pause.py');
let receptions = 0;

/** Says how GStreamer receives. */
export interface GstreamerOptions {
  readonly url: string;
  readonly carrier: Carrier;
  /** Where it plays; without, here. */
  readonly host?: ClientHost;
  readonly timeoutMs: number;
  /** Seconds spent playing and paused by turns before it plays to the end; without them it just plays. */
  readonly turnsS?: readonly number[];
  /** How long a lost packet is waited for that is asked for again; none is without. */
  readonly retransmissionMs?: number;
}

/** Plays the first video and the first sound of a movie to the end, into `folder`. */
export async function receiveByGstreamer(
  folder: string,
  name: MovieName,
  options: GstreamerOptions,
): Promise<GstreamerReception> {
  const base = join(folder, `gstreamer-${receptions++}`);
  const [videoFile, soundFile] = [`${base}.264`, `${base}.au`];
  const source = ['rtspsrc', ...sourceOf(options.url, options.carrier)];
  const { retransmissionMs } = options;
  const again = retransmissionMs === undefined ? [] : ['do-retransmission=true'];
  const pipeline = [...source, `latency=${retransmissionMs ?? LATENCY_MS}`, ...again, 'name=source'];
  const { videos, audios } = MOVIES[name];
  const format = 'video/x-h264,stream-format=byte-stream,alignment=nal';
  if (videos > 0) pipeline.push(...branch('video', ['rtph264depay', '!', format], videoFile));
  if (audios > 0) pipeline.push(...branch('audio', ['rtpmp4gdepay'], soundFile));
  const { turnsS } = options;
  const client =
    turnsS === undefined
      ? await runClient('gst-launch-1.0', pipeline, options)
      : await runClient(PYTHON, [PAUSING_PLAYER, pipeline.join(' '), ...turnsS.map(String)], options);
  return { client, videoFile, soundFile };
}

/** A tunnel is asked for by the scheme of the URL. */
function sourceOf(url: string, carrier: Carrier): string[] {
  if (carrier === 'http') return [`location=${url.replace(/^rtsp:/, 'rtsph:')}`];
  // The certificate of the tests is signed by nobody.
  if (url.startsWith('rtsps:')) return [`location=${url}`, 'tls-validation-flags=0'];
  return [`location=${url}`, `protocols=${carrier}`];
}

/**
 * rtspsrc dates a track by the arrival of its first packet and cuts at the length of the movie, so sinks drop the end of a
 * track that began later than another; one segment for all keeps it.
 */
function branch(media: string, depayloader: readonly string[], file: string): string[] {
  const wholeSegment = ['identity', 'single-segment=true'];
  const caps = `application/x-rtp,media=${media}`;
  return [
    'source.',
    '!',
    caps,
    '!',
    ...depayloader,
    '!',
    ...wholeSegment,
    '!',
    'filesink',
    'async=false', // a sink that waits for its first buffer while the server is paused keeps the pipeline from going on
    `location=${file}`,
  ];
}

/** Reads the first sound of a movie as bare access units, one behind the other. */
export async function soundBytesOfFile(folder: string, name: MovieName): Promise<Buffer> {
  const file = join(folder, `${name}.au`);
  await runFfmpeg(['-i', join(folder, name), '-map', '0:a:0', '-c', 'copy', '-f', 'data', '-y', file]);
  return readFileSync(file);
}
