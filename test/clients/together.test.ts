/** Different players on one movie of one server at the same time: none hears anything of the others. */
import { readFileSync } from 'node:fs';
import { clientOrSkip } from '../support/clients';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../support/finch-under-test';
import {
  CARRIERS,
  type Carrier,
  commonTail,
  compareFrames,
  framesOfFile,
  picturesOfStream,
  receive,
  sameFrames,
} from '../support/media-frames';
import { receiveByGstreamer, soundBytesOfFile } from '../support/media-gstreamer';
import { FRAME_RATE_HZ, type MovieName, makeMovies } from '../support/media-movies';

const MOVIE_S = 4;
const PLAY_TIMEOUT_MS = 20_000;
const NAME: MovieName = 'b-frames.mp4';
const PLAYERS_A_KIND = [1, 2];
const SEEK_S = 2.5;
/** From the key frame at 2 s on. */
const FRAMES_AFTER_SEEK = (MOVIE_S - 2) * FRAME_RATE_HZ;
/** These are killed while they play. */
const VANISH_MS = 2000;

const ffmpegOrSkip = clientOrSkip('ffmpeg');
const block = ffmpegOrSkip === describe ? clientOrSkip('gst-launch-1.0') : ffmpegOrSkip;

block('ffmpeg and GStreamer together', () => {
  const folder = temporaryFolder();
  const output = temporaryFolder();
  let finch: FinchUnderTest;

  beforeAll(async () => {
    await makeMovies(folder.path, MOVIE_S, [NAME]);
    finch = await startFinch({ media: folder.path });
  }, 30_000);

  afterAll(async () => {
    await finch?.stop();
    folder.remove();
    output.remove();
  });

  it('all get the whole movie while others seek and some vanish', async () => {
    const file = await framesOfFile(folder.path, NAME);
    const [pictures, units] = [file.videos[0]!, file.audios[0]!];
    const sound = await soundBytesOfFile(folder.path, NAME);
    const everyPlayer = CARRIERS.flatMap((carrier) => PLAYERS_A_KIND.map(() => carrier));
    const [byFfmpeg, byGstreamer, seekers, vanished] = await Promise.all([
      Promise.all(everyPlayer.map(wholeByFfmpeg)),
      Promise.all(everyPlayer.map(wholeByGstreamer)),
      Promise.all(CARRIERS.map((carrier) => byFfmpegWith(carrier, { seekS: SEEK_S }))),
      Promise.all(CARRIERS.map((carrier) => byFfmpegWith(carrier, { timeoutMs: VANISH_MS }))),
    ]);
    for (const { videos, audios } of byFfmpeg) {
      expect(compareFrames(videos[0]!, pictures)).toBe(sameFrames(pictures.length));
      expect(compareFrames(audios[0]!, units)).toBe(sameFrames(units.length));
    }
    for (const { videos, soundBytes } of byGstreamer) {
      expect(compareFrames(videos, pictures)).toBe(sameFrames(pictures.length));
      expect(soundBytes.equals(sound)).toBe(true);
    }
    for (const { videos } of seekers) expect(commonTail(videos[0]!, pictures)).toBe(FRAMES_AFTER_SEEK);
    for (const { client } of vanished) expect(client.isTimedOut).toBe(true);
  }, 40_000);

  function byFfmpegWith(carrier: Carrier, options: { seekS?: number; timeoutMs?: number } = {}) {
    const url = finch.url(NAME);
    return receive(output.path, NAME, { url, carrier, timeoutMs: PLAY_TIMEOUT_MS, ...options });
  }

  async function wholeByFfmpeg(carrier: Carrier) {
    const reception = await byFfmpegWith(carrier);
    expect(reception.client).toMatchObject({ exitCode: 0, stderr: '' });
    return reception;
  }

  async function wholeByGstreamer(carrier: Carrier) {
    const options = { url: finch.url(NAME), carrier, timeoutMs: PLAY_TIMEOUT_MS };
    const { client, videoFile, soundFile } = await receiveByGstreamer(output.path, NAME, options);
    expect(client.isTimedOut).toBe(false);
    return { videos: await picturesOfStream(videoFile), soundBytes: readFileSync(soundFile) };
  }
});
