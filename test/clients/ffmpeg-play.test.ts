/** ffmpeg plays every kind of movie to the end, over UDP and over TCP, all at once: what comes in is what is in the file. */
import { clientOrSkip } from '../support/clients';
import {
  allPicturesOfFile,
  CARRIERS,
  type Carrier,
  compareFrames,
  delaysOf,
  receive,
  sameFrames,
} from '../support/media-frames';
import { MOVIE_NAMES, MOVIES, type MovieName } from '../support/media-movies';
import { serveMovies } from '../support/movie-server';

const MOVIE_S = 4;
/** ffmpeg probes, plays, and is told the end by BYE; it would wait much longer for a server that says none. */
const PLAY_TIMEOUT_MS = 50_000;
/** Two clock ticks of the reports and the resolution of NTP times in milliseconds. */
const TIME_TOLERANCE_S = 0.003;
/** Access units of sound in the first packet, at most; ffmpeg guesses the times of all but its first while it probes. */
const FIRST_PACKET_UNITS = 6;
/** Of AAC at 48 kHz. */
const UNIT_S = 1024 / 48_000;

/** What the edit list hides is sent where decoding needs it: all pictures from a key frame on, one unit of sound. */
const CUT: MovieName = 'edit-cut.mp4';
const PLAIN_MOVIES = MOVIE_NAMES.filter((name) => name !== CUT);
const withPictures = PLAIN_MOVIES.filter((name) => MOVIES[name].videos > 0);
const withSound = PLAIN_MOVIES.filter((name) => MOVIES[name].audios > 0);
const cases = (names: readonly MovieName[]) =>
  names.flatMap((name) => CARRIERS.map((carrier): [MovieName, Carrier] => [name, carrier]));

jest.setTimeout(120_000);

const server = serveMovies({ names: MOVIE_NAMES, durationS: MOVIE_S });

clientOrSkip('ffmpeg')('ffmpeg', () => {
  const receptionOf = server.beginEach(cases(MOVIE_NAMES), (name, carrier) => {
    const options = { url: server.finch.url(name), carrier, timeoutMs: PLAY_TIMEOUT_MS };
    return receive(server.output, name, options);
  });

  it('has movies with frames to lose', async () => {
    await Promise.all(MOVIE_NAMES.map((name) => server.framesOf(name)));
    for (const name of MOVIE_NAMES) {
      const { videos, audios } = await server.framesOf(name);
      const counts = [...videos, ...audios].map(({ length }) => length);
      expect({ name, hasFrames: counts.map((count) => count > MOVIE_S * 10) }).toEqual({
        name,
        hasFrames: counts.map(() => true),
      });
    }
  });

  it.each(cases(MOVIE_NAMES))('plays %s over %s to its end without a complaint', async (name, carrier) => {
    const { exitCode, isTimedOut, stderr } = (await receptionOf(name, carrier)).client;
    expect({ exitCode, isTimedOut, stderr }).toEqual({ exitCode: 0, isTimedOut: false, stderr: '' });
  });

  it.each(cases(withPictures))('gets every picture of %s over %s, bit by bit', async (name, carrier) => {
    const { videos } = await server.framesOf(name);
    const received = await receptionOf(name, carrier);
    const compared = videos.map((frames, i) => compareFrames(received.videos[i]!, frames));
    expect(compared).toEqual(videos.map(({ length }) => sameFrames(length)));
  });

  it.each(cases(withSound))('gets every access unit of sound of %s over %s', async (name, carrier) => {
    const { audios } = await server.framesOf(name);
    const received = await receptionOf(name, carrier);
    const compared = audios.map((frames, i) => compareFrames(received.audios[i]!, frames));
    expect(compared).toEqual(audios.map(({ length }) => sameFrames(length)));
  });

  it.each(cases(PLAIN_MOVIES))(
    'gets all frames of %s over %s at the times of the file',
    async (name, carrier) => {
      const { videos, audios } = await receptionOf(name, carrier);
      const file = await server.framesOf(name);
      const delays = [
        ...videos.flatMap((frames, i) => delaysOf(frames, file.videos[i]!)),
        ...audios.flatMap((frames, i) => delaysOf(frames.slice(FIRST_PACKET_UNITS), file.audios[i]!)),
      ];
      expect(delays.filter((delayS) => !(Math.abs(delayS) <= TIME_TOLERANCE_S))).toEqual([]);
    },
  );

  it.each(cases([CUT]))(
    'gets of %s over %s what the edit list shows, and what decoding needs',
    async (name, carrier) => {
      const { videos, audios } = await receptionOf(name, carrier);
      const file = await server.framesOf(name);
      const pictures = await allPicturesOfFile(server.media, name);
      expect(compareFrames(videos[0]!, pictures)).toBe(sameFrames(pictures.length));
      const shownPictures = pictures.slice(-file.videos[0]!.length);
      expect(compareFrames(shownPictures, file.videos[0]!)).toBe(sameFrames(shownPictures.length));
      const firstShown = file.audios[0]!.findIndex(({ ptsS }) => ptsS + UNIT_S > 0);
      const expected = file.audios[0]!.slice(firstShown - 1);
      expect(compareFrames(audios[0]!, expected)).toBe(sameFrames(expected.length));
    },
  );
});
