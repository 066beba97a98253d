/** GStreamer plays movies to the end, over UDP and over TCP, all at once; BYE ends its pipeline (RFC 3550 §6.6). */
import { readFileSync } from 'node:fs';
import { clientOrSkip } from '../support/clients';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../support/finch-under-test';
import {
  CARRIERS,
  type Carrier,
  compareFrames,
  framesOfFile,
  picturesOfStream,
  sameFrames,
} from '../support/media-frames';
import { type GstreamerReception, receiveByGstreamer, soundBytesOfFile } from '../support/media-gstreamer';
import { MOVIES, type MovieName, makeMovies } from '../support/media-movies';

const MOVIE_S = 4;
const PLAY_TIMEOUT_MS = 20_000;
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

clientOrSkip('gst-launch-1.0')('GStreamer', () => {
  const folder = temporaryFolder();
  const output = temporaryFolder();
  const receptions = new Map<string, GstreamerReception>();
  let finch: FinchUnderTest;

  beforeAll(async () => {
    await makeMovies(folder.path, MOVIE_S, NAMES);
    finch = await startFinch({ media: folder.path });
    await Promise.all(
      cases.map(async ([name, carrier]) => {
        const options = { url: finch.url(name), carrier, timeoutMs: PLAY_TIMEOUT_MS };
        receptions.set(`${name} ${carrier}`, await receiveByGstreamer(output.path, name, options));
      }),
    );
  }, 60_000);

  afterAll(async () => {
    await finch?.stop();
    folder.remove();
    output.remove();
  });

  it.each(cases)('plays %s over %s and ends by itself', (name, carrier) => {
    // gst-launch says this when all its sinks have ended; what it says after that is a quarrel of its threads over PAUSE
    const { isTimedOut, stdout } = receptions.get(`${name} ${carrier}`)!.client;
    expect({ isTimedOut, hasEnded: stdout.includes('Got EOS') }).toEqual({
      isTimedOut: false,
      hasEnded: true,
    });
  });

  it.each(withPictures)('gets every picture of %s over %s, bit by bit', async (name, carrier) => {
    const file = (await framesOfFile(folder.path, name)).videos[0]!;
    const received = await picturesOfStream(receptions.get(`${name} ${carrier}`)!.videoFile);
    expect(compareFrames(received, file)).toBe(sameFrames(file.length));
  });

  it.each(withSound)('gets every byte of sound of %s over %s', async (name, carrier) => {
    const file = await soundBytesOfFile(folder.path, name);
    const received = readFileSync(receptions.get(`${name} ${carrier}`)!.soundFile);
    expect(received.length).toBe(file.length);
    expect(received.equals(file)).toBe(true);
  });
});
