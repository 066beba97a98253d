/** Different players on one movie of one server at the same time: none hears anything of the others. */
import { readFileSync } from 'node:fs';
import { clientOrSkip } from '../support/clients';
import {
  CARRIERS,
  type Carrier,
  commonTail,
  compareFrames,
  picturesOfStream,
  receive,
  sameFrames,
} from '../support/media-frames';
import { receiveByGstreamer } from '../support/media-gstreamer';
import { FRAME_RATE_HZ, type MovieName } from '../support/media-movies';
import { serveMovies } from '../support/movie-server';

const MOVIE_S = 4;
const PLAY_TIMEOUT_MS = 50_000;
const NAME: MovieName = 'b-frames.mp4';
const PLAYERS_A_KIND = [1, 2];
const SEEK_S = 2.5;
/** From the key frame at 2 s on. */
const FRAMES_AFTER_SEEK = (MOVIE_S - 2) * FRAME_RATE_HZ;
/** These are killed while they play. */
const VANISH_MS = 2000;

const server = serveMovies({ names: [NAME], durationS: MOVIE_S });

clientOrSkip('ffmpeg', 'gst-launch-1.0')('ffmpeg and GStreamer together', () => {
  it('all get the whole movie while others seek and some vanish', async () => {
    const file = await server.framesOf(NAME);
    const [pictures, units] = [file.videos[0]!, file.audios[0]!];
    const sound = await server.soundOf(NAME);
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
  }, 120_000);

  function byFfmpegWith(carrier: Carrier, options: { seekS?: number; timeoutMs?: number } = {}) {
    const url = server.finch.url(NAME);
    return receive(server.output, NAME, { url, carrier, timeoutMs: PLAY_TIMEOUT_MS, ...options });
  }

  async function wholeByFfmpeg(carrier: Carrier) {
    const reception = await byFfmpegWith(carrier);
    expect(reception.client).toMatchObject({ exitCode: 0, stderr: '' });
    return reception;
  }

  async function wholeByGstreamer(carrier: Carrier) {
    const options = { url: server.finch.url(NAME), carrier, timeoutMs: PLAY_TIMEOUT_MS };
    const { client, videoFile, soundFile } = await receiveByGstreamer(server.output, NAME, options);
    expect(client.isTimedOut).toBe(false);
    return { videos: await picturesOfStream(videoFile), soundBytes: readFileSync(soundFile) };
  }
});
