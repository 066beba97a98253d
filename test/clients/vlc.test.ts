/** VLC plays movies to the end, over UDP and over TCP, and from places within; BYE ends its input (RFC 3550 §6.6). */
import { CARRIERS, type Carrier, picturesOfStream } from '../support/media-frames';
import { FRAME_RATE_HZ, KEY_INTERVAL_S, type MovieName } from '../support/media-movies';
import { receiveByVlc, vlcOrSkip } from '../support/media-vlc';
import { serveMovies } from '../support/movie-server';

const MOVIE_S = 6;
const PLAY_TIMEOUT_MS = 50_000;
/** VLC's muxer loses what it holds when VLC quits, from local files too. */
const LOST_AT_QUIT_S = 1;
const NAMES: readonly MovieName[] = ['moov-first.mp4', 'b-frames.mp4'];
const STARTS_S = [0, 2.5] as const;
type Case = readonly [name: MovieName, carrier: Carrier, startS: number];
const cases = NAMES.flatMap((name) =>
  CARRIERS.flatMap((carrier) => STARTS_S.map((startS): Case => [name, carrier, startS])),
);

jest.setTimeout(120_000);

const server = serveMovies({ names: NAMES, durationS: MOVIE_S });

vlcOrSkip()('VLC', () => {
  const receptionOf = server.beginEach(cases, (name, carrier, startS) => {
    const start = startS > 0 ? { startS } : {};
    const options = { location: server.finch.url(name), carrier, timeoutMs: PLAY_TIMEOUT_MS, ...start };
    return receiveByVlc(server.output, options);
  });

  it.each(cases)('plays %s over %s from %d s and ends by itself', async (...parts) => {
    const { exitCode, isTimedOut } = (await receptionOf(...parts)).client;
    expect({ exitCode, isTimedOut }).toEqual({ exitCode: 0, isTimedOut: false });
  });

  // It plays from the start for a moment before it seeks, and what it holds at its end is lost, B-frames between included.
  it.each(cases)('gets the pictures of %s over %s from %d s without a gap', async (...parts) => {
    const [name, , startS] = parts;
    const file = (await server.framesOf(name)).videos[0]!;
    const pictures = await picturesOfStream((await receptionOf(...parts)).file, 'mpegts');
    const places = pictures.map((picture) => file.findIndex(({ md5 }) => md5 === picture.md5));
    const isAtStart = (place: number) =>
      file[place] !== undefined && file[place].ptsS > startS - KEY_INTERVAL_S - 1 / FRAME_RATE_HZ;
    const first = places.findIndex(isAtStart);
    expect(file[places[first]!]!.ptsS).toBeLessThanOrEqual(startS);
    const count = file.length - places[first]! - LOST_AT_QUIT_S * FRAME_RATE_HZ;
    expect(places.slice(first, first + count)).toEqual(
      Array.from({ length: count }, (_, i) => places[first]! + i),
    );
  });
});
