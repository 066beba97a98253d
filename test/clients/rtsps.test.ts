/** Players by RTSPS get what they get in clear: every frame, and the end of the movie. */
import { clientOrSkip, runClient } from '../support/clients';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../support/finch-under-test';
import { compareFrames, framesOfFile, picturesOfStream, receive, sameFrames } from '../support/media-frames';
import { receiveByGstreamer } from '../support/media-gstreamer';
import { type MovieName, makeMovies } from '../support/media-movies';
import { TLS_CONFIG } from '../support/tls-files';

jest.setTimeout(60_000);

const NAME: MovieName = 'b-frames.mp4';
const MOVIE_S = 4;
const PLAY_TIMEOUT_MS = 40_000;

const folder = temporaryFolder();
const output = temporaryFolder();
let finch: FinchUnderTest;

beforeAll(async () => {
  await makeMovies(folder.path, MOVIE_S, [NAME]);
  finch = await startFinch({ ...TLS_CONFIG, media: folder.path, threads: 2, hosts: ['::'] });
});
afterAll(async () => {
  await finch?.stop();
  folder.remove();
  output.remove();
});

clientOrSkip('ffmpeg')('ffmpeg by RTSPS', () => {
  it('gets every frame, several at a time, without a complaint', async () => {
    const options = { url: finch.tlsUrl(NAME), carrier: 'tcp', timeoutMs: PLAY_TIMEOUT_MS } as const;
    const players = Array.from({ length: 3 }, () => receive(output.path, NAME, options));
    const file = await framesOfFile(folder.path, NAME);
    for (const { client, videos, audios } of await Promise.all(players)) {
      const { exitCode, isTimedOut, stderr } = client;
      expect({ exitCode, isTimedOut, stderr }).toEqual({ exitCode: 0, isTimedOut: false, stderr: '' });
      expect(compareFrames(videos[0]!, file.videos[0]!)).toBe(sameFrames(file.videos[0]!.length));
      expect(compareFrames(audios[0]!, file.audios[0]!)).toBe(sameFrames(file.audios[0]!.length));
    }
  });
});

clientOrSkip('ffprobe')('ffprobe by RTSPS', () => {
  it.each(['127.0.0.1', '[::1]'])('describes the movie at %s', async (host) => {
    const url = finch.tlsUrl(NAME).replace('127.0.0.1', host);
    const args = ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', url];
    const { stdout } = await runClient('ffprobe', args, { timeoutMs: PLAY_TIMEOUT_MS });
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual(['h264', 'aac']);
  });
});

clientOrSkip('gst-launch-1.0')('GStreamer by RTSPS', () => {
  it('gets every picture and ends by itself', async () => {
    const options = { url: finch.tlsUrl(NAME), carrier: 'tcp', timeoutMs: PLAY_TIMEOUT_MS } as const;
    const { client, videoFile } = await receiveByGstreamer(output.path, NAME, options);
    expect([client.isTimedOut, client.stdout.includes('Got EOS')]).toEqual([false, true]);
    const file = (await framesOfFile(folder.path, NAME)).videos[0]!;
    expect(compareFrames(await picturesOfStream(videoFile), file)).toBe(sameFrames(file.length));
  });
});
