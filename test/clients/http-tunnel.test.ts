/** Players that tunnel RTSP through HTTP get what they get without the tunnel; their halves are spread over two threads. */
import { clientOrSkip } from '../support/clients';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../support/finch-under-test';
import { compareFrames, framesOfFile, picturesOfStream, receive, sameFrames } from '../support/media-frames';
import { receiveByGstreamer } from '../support/media-gstreamer';
import { FRAME_RATE_HZ, type MovieName, makeMovies } from '../support/media-movies';
import { receiveByVlc, vlcOrSkip } from '../support/media-vlc';

jest.setTimeout(40_000);

const NAME: MovieName = 'b-frames.mp4';
const MOVIE_S = 4;
const PLAY_TIMEOUT_MS = 25_000;
/** VLC's muxer loses what it holds when VLC quits, from local files too. */
const LOST_AT_QUIT_S = 1;

const folder = temporaryFolder();
const output = temporaryFolder();
let finch: FinchUnderTest;

beforeAll(async () => {
  await makeMovies(folder.path, MOVIE_S, [NAME]);
  finch = await startFinch({ media: folder.path, threads: 2 });
});
afterAll(async () => {
  await finch?.stop();
  folder.remove();
  output.remove();
});

clientOrSkip('ffmpeg')('ffmpeg through HTTP', () => {
  it('gets every frame, several at a time, without a complaint', async () => {
    const options = { url: finch.url(NAME), carrier: 'http', timeoutMs: PLAY_TIMEOUT_MS } as const;
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

clientOrSkip('gst-launch-1.0')('GStreamer through HTTP', () => {
  it('gets every picture and ends by itself', async () => {
    const options = { url: finch.url(NAME), carrier: 'http', timeoutMs: PLAY_TIMEOUT_MS } as const;
    const { client, videoFile } = await receiveByGstreamer(output.path, NAME, options);
    expect([client.isTimedOut, client.stdout.includes('Got EOS')]).toEqual([false, true]);
    const file = (await framesOfFile(folder.path, NAME)).videos[0]!;
    expect(compareFrames(await picturesOfStream(videoFile), file)).toBe(sameFrames(file.length));
  });
});

vlcOrSkip()('VLC through HTTP', () => {
  it('gets the pictures without a gap and ends by itself', async () => {
    const options = { location: finch.url(NAME), carrier: 'http', timeoutMs: PLAY_TIMEOUT_MS } as const;
    const { client, file } = await receiveByVlc(output.path, options);
    expect([client.exitCode, client.isTimedOut]).toEqual([0, false]);
    const movie = (await framesOfFile(folder.path, NAME)).videos[0]!;
    const pictures = await picturesOfStream(file, 'mpegts');
    // What it loses at its end includes B-frames between others.
    const count = movie.length - LOST_AT_QUIT_S * FRAME_RATE_HZ;
    expect(compareFrames(pictures.slice(0, count), movie.slice(0, count))).toBe(sameFrames(count));
  });
});
