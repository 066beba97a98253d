/** GStreamer plays movies to the end, over UDP and over TCP, all at once; BYE ends its pipeline (RFC 3550 §6.6). */
import { clientOrSkip } from '../support/clients';
import { CARRIERS, type Carrier } from '../support/media-frames';
import { receiveByGstreamer } from '../support/media-gstreamer';
import { MOVIES, type MovieName } from '../support/media-movies';
import { serveMovies } from '../support/movie-server';

const MOVIE_S = 4;
const PLAY_TIMEOUT_MS = 50_000;
const NAMES: readonly MovieName[] = [
  'moov-first.mp4',
  'b-frames.mp4',
  'edit-delay.mp4',
  'sound-ends-early.mp4',
  'sound-only.m4a',
  'picture-only.mp4',
  'vfr.mp4',
];
/**
 * Over TCP rtspsrc dates the first packet of every track at 0 and extrapolates the end of the movie from its RTP time: a track
 * that begins late in a short movie is at its end at once (GStreamer 1.22).
 */
const isBeyondGstreamer = (name: MovieName, carrier: Carrier) =>
  name === 'edit-delay.mp4' && carrier === 'tcp';
const cases = NAMES.flatMap((name) =>
  CARRIERS.map((carrier): [MovieName, Carrier] => [name, carrier]),
).filter((row) => !isBeyondGstreamer(...row));
const withPictures = cases.filter(([name]) => MOVIES[name].videos > 0);
const withSound = cases.filter(([name]) => MOVIES[name].audios > 0);

jest.setTimeout(120_000);

const server = serveMovies({ names: NAMES, durationS: MOVIE_S });

clientOrSkip('gst-launch-1.0', 'ffmpeg')('GStreamer', () => {
  const receptionOf = server.beginEach(cases, (name, carrier) => {
    const options = { url: server.finch.url(name), carrier, timeoutMs: PLAY_TIMEOUT_MS };
    return receiveByGstreamer(server.output, name, options);
  });

  it.each(cases)('plays %s over %s and ends by itself', async (name, carrier) => {
    // gst-launch says this when all its sinks have ended; what it says after that is a quarrel of its threads over PAUSE
    const { isTimedOut, stdout } = (await receptionOf(name, carrier)).client;
    expect({ isTimedOut, hasEnded: stdout.includes('Got EOS') }).toEqual({
      isTimedOut: false,
      hasEnded: true,
    });
  });

  it.each(withPictures)('gets every picture of %s over %s, bit by bit', async (name, carrier) => {
    await server.expectEveryPicture(name, (await receptionOf(name, carrier)).videoFile);
  });

  it.each(withSound)('gets every byte of sound of %s over %s', async (name, carrier) => {
    await server.expectAllSound(name, (await receptionOf(name, carrier)).soundFile);
  });
});
