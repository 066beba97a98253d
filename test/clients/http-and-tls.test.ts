/**
 * Players whose RTSP goes inside something else, a tunnel of HTTP or TLS, get what they get without: every frame, and the end
 * of the movie. All at once on two task threads, so that the halves of tunnels are on both.
 */
import { clientOrSkip, runClient } from '../support/clients';
import { type Carrier, compareFrames, picturesOfStream, receive, sameFrames } from '../support/media-frames';
import { receiveByGstreamer } from '../support/media-gstreamer';
import { FRAME_RATE_HZ, type MovieName } from '../support/media-movies';
import { receiveByVlc, vlcOrSkip } from '../support/media-vlc';
import { serveMovies } from '../support/movie-server';
import { TLS_CONFIG } from '../support/tls-files';

jest.setTimeout(120_000);

const NAME: MovieName = 'b-frames.mp4';
const PLAY_TIMEOUT_MS = 50_000;
/** VLC's muxer loses what it holds when VLC quits, from local files too. */
const LOST_AT_QUIT_S = 1;

const server = serveMovies({
  names: [NAME],
  durationS: 4,
  config: () => ({ ...TLS_CONFIG, threads: 2, hosts: ['::'] }),
});
const file = () => server.framesOf(NAME);

const WAYS: readonly (readonly [way: string])[] = [['through HTTP'], ['by RTSPS']];
const optionsOf = (way: string): { url: string; carrier: Carrier; timeoutMs: number } => ({
  url: way === 'by RTSPS' ? server.finch.tlsUrl(NAME) : server.finch.url(NAME),
  carrier: way === 'by RTSPS' ? 'tcp' : 'http',
  timeoutMs: PLAY_TIMEOUT_MS,
});

clientOrSkip('ffmpeg')('ffmpeg', () => {
  const receptionsOf = server.beginEach(WAYS, (way) =>
    Promise.all([1, 2, 3].map(() => receive(server.output, NAME, optionsOf(way)))),
  );

  it.each(WAYS)('%s gets every frame, several at a time, without a complaint', async (way) => {
    const movie = await file();
    for (const { client, videos, audios } of await receptionsOf(way)) {
      const { exitCode, isTimedOut, stderr } = client;
      expect({ exitCode, isTimedOut, stderr }).toEqual({ exitCode: 0, isTimedOut: false, stderr: '' });
      expect(compareFrames(videos[0]!, movie.videos[0]!)).toBe(sameFrames(movie.videos[0]!.length));
      expect(compareFrames(audios[0]!, movie.audios[0]!)).toBe(sameFrames(movie.audios[0]!.length));
    }
  });
});

clientOrSkip('ffprobe', 'ffmpeg')('ffprobe by RTSPS', () => {
  it.each(['127.0.0.1', '[::1]'])('describes the movie at %s', async (host) => {
    const url = server.finch.tlsUrl(NAME).replace('127.0.0.1', host);
    const args = ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', url];
    const { stdout } = await runClient('ffprobe', args, { timeoutMs: PLAY_TIMEOUT_MS });
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual(['h264', 'aac']);
  });
});

clientOrSkip('gst-launch-1.0', 'ffmpeg')('GStreamer', () => {
  const receptionOf = server.beginEach(WAYS, (way) =>
    receiveByGstreamer(server.output, NAME, optionsOf(way)),
  );

  it.each(WAYS)('%s gets every picture and ends by itself', async (way) => {
    const { client, videoFile } = await receptionOf(way);
    expect([client.isTimedOut, client.stdout.includes('Got EOS')]).toEqual([false, true]);
    await server.expectEveryPicture(NAME, videoFile);
  });
});

vlcOrSkip()('VLC through HTTP', () => {
  const reception = server.begin(() => {
    const { url, ...options } = optionsOf('through HTTP');
    return receiveByVlc(server.output, { location: url, ...options });
  });

  it('gets the pictures without a gap and ends by itself', async () => {
    const { client, file: stream } = await reception();
    expect([client.exitCode, client.isTimedOut]).toEqual([0, false]);
    const movie = (await file()).videos[0]!;
    const pictures = await picturesOfStream(stream, 'mpegts');
    // What it loses at its end includes B-frames between others.
    const count = movie.length - LOST_AT_QUIT_S * FRAME_RATE_HZ;
    expect(compareFrames(pictures.slice(0, count), movie.slice(0, count))).toBe(sameFrames(count));
  });
});
