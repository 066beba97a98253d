/**
 * Players over bad networks play on: 5 % loss with reordering and 100 ms of delay; links that carry less than the movie, over UDP
 * and TCP. What is lost is asked for again, what is too much is left out, and all comes back with the network.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { BadNetwork } from '../support/bad-network';
import { clientOrSkip, runClient } from '../support/clients';
import { eventually } from '../support/deadline';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../support/finch-under-test';
import {
  compareFrames,
  framesOfFile,
  type MediaFrame,
  picturesOfStream,
  receive,
  sameFrames,
} from '../support/media-frames';
import { receiveByGstreamer } from '../support/media-gstreamer';
import { type MovieName, makeMovies, runFfmpeg } from '../support/media-movies';

const MOVIE: MovieName = 'b-frames.mp4';
const MOVIE_S = 12;
const LONG_MOVIE_S = 90;
const HEAVY_S = 12;
/** What people have who complain. */
const BAD = { loss: 0.05, delayMs: 100, reordering: 0.05 };
const PLAY_TIMEOUT_MS = 45_000;

/** A movie of noise, 10 Mbit/s. */
async function makeHeavyMovie(folder: string): Promise<string> {
  const noise = `testsrc2=size=640x360:rate=25:duration=${HEAVY_S},noise=alls=80:allf=t`;
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', '-bf', '2'];
  const rate = ['-b:v', '10M', '-maxrate', '10M', '-bufsize', '2M'];
  await runFfmpeg(['-f', 'lavfi', '-i', noise, ...codec, ...rate, '-y', join(folder, 'heavy.mp4')]);
  return 'heavy.mp4';
}

const bytesPerS = (folder: string, name: string, seconds: number) =>
  statSync(join(folder, name)).size / seconds;

/** How many pictures of the file came in whole. */
function intact(received: readonly MediaFrame[], file: readonly MediaFrame[]): number {
  const got = new Set(received.map(({ md5 }) => md5));
  return file.filter(({ md5 }) => got.has(md5)).length;
}

describe('over a bad network', () => {
  const folder = temporaryFolder();
  const long = temporaryFolder();
  const output = temporaryFolder();
  let finch: FinchUnderTest;
  const networks: BadNetwork[] = [];
  let pictures: readonly MediaFrame[];

  const network = async (faults: Parameters<typeof BadNetwork.open>[1]) => {
    const opened = await BadNetwork.open(finch.port, faults);
    networks.push(opened);
    return opened;
  };
  const logged = (text: string) => finch.log.filter(({ message }) => message.includes(text));
  const stopOf = async (name: string) => {
    await eventually(() => expect(logged(`stops ${name}`).length).toBeGreaterThan(0));
    return logged(`stops ${name}`).at(-1)!.fields ?? {};
  };

  beforeAll(async () => {
    await makeMovies(folder.path, MOVIE_S, [MOVIE]);
    pictures = (await framesOfFile(folder.path, MOVIE)).videos[0]!;
    await makeHeavyMovie(folder.path);
    await makeMovies(long.path, LONG_MOVIE_S, ['moov-first.mp4']);
    await runFfmpeg(['-i', join(long.path, 'moov-first.mp4'), '-c', 'copy', join(folder.path, 'long.mp4')]);
    finch = await startFinch({ media: folder.path, retransmission: 'avpf' });
  }, 90_000);
  afterEach(async () => {
    for (const opened of networks.splice(0)) await opened.close();
  });
  afterAll(async () => {
    await finch?.stop();
    for (const { remove } of [folder, long, output]) remove();
  });

  clientOrSkip('ffmpeg')('ffmpeg', () => {
    it('plays a movie to the end at 5 % loss, 100 ms of delay and reordering', async () => {
      const { url } = await network(BAD).then((opened) => ({ url: opened.url(MOVIE) }));
      const { client, videos } = await receive(output.path, MOVIE, {
        url,
        carrier: 'udp',
        timeoutMs: PLAY_TIMEOUT_MS,
      });
      expect(client.isTimedOut).toBe(false);
      expect(videos[0]!.length).toBeGreaterThan(pictures.length / 2);
      expect(logged('gets pictures')).toEqual([]); // 5 % is no reason to thin
    }, 60_000);

    // It reports every 8 s or so; that all comes back is shown in virtual time (quality-control.test.ts).
    it('is thinned over UDP where the link carries less than half, and plays on', async () => {
      const opened = await network({ bytesPerS: 0.45 * bytesPerS(folder.path, 'long.mp4', LONG_MOVIE_S) });
      const url = opened.url('long.mp4');
      const args = ['-nostdin', '-v', 'error', '-rtsp_transport', 'udp', '-i', url, '-f', 'null', '-'];
      const playing = runClient('ffmpeg', args, { timeoutMs: LONG_MOVIE_S * 1000 });
      const thinner = 'gets pictures that others refer to of long.mp4';
      await eventually(() => expect(logged(thinner).length).toBe(1), 60_000);
      expect(Number(logged(thinner)[0]!.fields!.lossPercent)).toBeGreaterThanOrEqual(30);
      opened.become({});
      const had = opened.datagrams;
      await eventually(() => expect(opened.datagrams).toBeGreaterThan(had + 200), 30_000);
      await opened.close();
      networks.length = 0;
      expect((await playing).isTimedOut).toBe(false);
    }, 120_000);

    it('plays over TCP where the link carries a third: it gets what it can decode, in time', async () => {
      const opened = await network({ bytesPerS: bytesPerS(folder.path, 'heavy.mp4', HEAVY_S) / 3 });
      const args = ['-rtsp_transport', 'tcp', '-i', opened.url('heavy.mp4'), '-map', '0:v', '-f', 'framemd5'];
      const list = join(output.path, 'heavy.frames');
      const other = receive(output.path, MOVIE, {
        url: finch.url(MOVIE),
        carrier: 'tcp',
        timeoutMs: PLAY_TIMEOUT_MS,
      });
      const client = await runClient('ffmpeg', ['-nostdin', '-v', 'error', ...args, '-y', list], {
        timeoutMs: PLAY_TIMEOUT_MS,
      });
      expect(client.isTimedOut).toBe(false);
      expect(client.stderr).not.toMatch(/error while decoding|missing/i);
      const counts = await stopOf('heavy.mp4');
      expect(Number(counts['thinned.upToKeyFrame'])).toBeGreaterThan(50);
      // Nobody else notices.
      expect(compareFrames((await other).videos[0]!, pictures)).toBe(sameFrames(pictures.length));
    }, 90_000);
  });

  clientOrSkip('gst-launch-1.0')('GStreamer', () => {
    it('that asks for lost packets again gets the movie whole at 5 % loss, 100 ms of delay and reordering', async () => {
      const opened = await network(BAD);
      const { client, videoFile } = await receiveByGstreamer(output.path, MOVIE, {
        url: opened.url(MOVIE),
        carrier: 'udp',
        timeoutMs: PLAY_TIMEOUT_MS,
        retransmissionMs: 1500,
      });
      expect({ isTimedOut: client.isTimedOut, hasEnded: client.stdout.includes('Got EOS') }).toEqual({
        isTimedOut: false,
        hasEnded: true,
      });
      const counts = await stopOf(MOVIE);
      expect(opened.lost).toBeGreaterThan(5);
      expect(Number(counts.retransmitted)).toBeGreaterThan(opened.lost / 2);
      expect(intact(await picturesOfStream(videoFile), pictures)).toBeGreaterThan(pictures.length * 0.95);
    }, 60_000);
  });
});
