/** VLC plays movies to the end, over UDP and over TCP, and from places within; BYE ends its input (RFC 3550 §6.6). */
import { type FinchUnderTest, startFinch, temporaryFolder } from '../support/finch-under-test';
import { CARRIERS, type Carrier, framesOfFile, picturesOfStream } from '../support/media-frames';
import { FRAME_RATE_HZ, KEY_INTERVAL_S, type MovieName, makeMovies } from '../support/media-movies';
import { receiveByVlc, vlcOrSkip } from '../support/media-vlc';

const MOVIE_S = 6;
const PLAY_TIMEOUT_MS = 25_000;
/** VLC's muxer loses what it holds when VLC quits, from local files too. */
const LOST_AT_QUIT_S = 1;
const NAMES: readonly MovieName[] = ['moov-first.mp4', 'b-frames.mp4'];
const STARTS_S = [0, 2.5] as const;
type Case = readonly [name: MovieName, carrier: Carrier, startS: number];
const cases = NAMES.flatMap((name) =>
  CARRIERS.flatMap((carrier) => STARTS_S.map((startS): Case => [name, carrier, startS])),
);

vlcOrSkip()('VLC', () => {
  const folder = temporaryFolder();
  const output = temporaryFolder();
  const receptions = new Map<string, Awaited<ReturnType<typeof receiveByVlc>>>();
  let finch: FinchUnderTest;

  beforeAll(async () => {
    await makeMovies(folder.path, MOVIE_S, NAMES);
    finch = await startFinch({ media: folder.path });
    await Promise.all(
      cases.map(async ([name, carrier, startS]) => {
        const start = startS > 0 ? { startS } : {};
        const options = { location: finch.url(name), carrier, timeoutMs: PLAY_TIMEOUT_MS, ...start };
        receptions.set([name, carrier, startS].join(' '), await receiveByVlc(output.path, options));
      }),
    );
  }, 60_000);

  afterAll(async () => {
    await finch?.stop();
    folder.remove();
    output.remove();
  });

  it.each(cases)('plays %s over %s from %d s and ends by itself', (...parts) => {
    const { exitCode, isTimedOut } = receptions.get(parts.join(' '))!.client;
    expect({ exitCode, isTimedOut }).toEqual({ exitCode: 0, isTimedOut: false });
  });

  // It plays from the start for a moment before it seeks, and what it holds at its end is lost, B-frames between included.
  it.each(cases)('gets the pictures of %s over %s from %d s without a gap', async (...parts) => {
    const [name, , startS] = parts;
    const file = (await framesOfFile(folder.path, name)).videos[0]!;
    const places = (await picturesOfStream(receptions.get(parts.join(' '))!.file, 'mpegts')).map((picture) =>
      file.findIndex(({ md5 }) => md5 === picture.md5),
    );
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
