/**
 * 200 viewers at once, 100 over UDP and 100 over TCP, of two movies, on one task thread: nothing is lost and nothing is late.
 * Lateness is judged by arrival against the schedule of the RTP timestamps; what the load's own process added by standing
 * still is taken off, and a load that stood still too long is no judge. Other work on the machine delays the server as well:
 * a run that it spoilt is repeated, for a server that is late by itself is late in every run. Losses are never excused.
 */
import { clientOrSkip } from '../support/clients';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../support/finch-under-test';
import { runLoad } from '../support/load-run';
import type { LoadReport } from '../support/load-viewers';
import { runFfmpeg } from '../support/media-movies';

const MOVIE_S = 7;
const UDP_VIEWERS = 100;
const TCP_VIEWERS = 100;
const RAMP_MS = 1000;
const LIMIT_MS = 15_000;
const MAX_LATE_MS = 100;
const MAX_RUNS = 3;
/** Share of the run in which the load may stand still: more, and its word is worth nothing. */
const MAX_PAUSED_SHARE = 0.2;
/** Each viewer: 25 pictures and at least 8 packets of sound a second. */
const MIN_PACKETS = (UDP_VIEWERS + TCP_VIEWERS) * MOVIE_S * 33;
const NAMES = ['first.mp4', 'second.mp4'];

clientOrSkip('ffmpeg')('two hundred viewers', () => {
  const folder = temporaryFolder();
  const program = temporaryFolder();
  let finch: FinchUnderTest;
  const reports: LoadReport[] = [];

  beforeAll(async () => {
    await Promise.all(NAMES.map((name, i) => makeMovie(`${folder.path}/${name}`, 300 + 300 * i)));
    finch = await startFinch({ media: folder.path, threads: 1 });
    const order = {
      urls: NAMES.map((name) => finch.url(name)),
      udpViewers: UDP_VIEWERS,
      tcpViewers: TCP_VIEWERS,
      rampMs: RAMP_MS,
      limitMs: LIMIT_MS,
    };
    do reports.push(await runLoad(program.path, order));
    while (reports.length < MAX_RUNS && latenessOf(reports.at(-1)!) > MAX_LATE_MS);
  }, 90_000);

  afterAll(async () => {
    await finch?.stop();
    folder.remove();
    program.remove();
  });

  it('all see the movie to its end', () => {
    for (const { finished, errors, packets } of reports) {
      expect({ finished, errors }).toEqual({ finished: UDP_VIEWERS + TCP_VIEWERS, errors: [] });
      expect(packets).toBeGreaterThan(MIN_PACKETS);
    }
  });

  it('lose no packet, and get them in order', () => {
    const losses = reports.map(({ lost, outOfOrder }) => ({ lost, outOfOrder }));
    expect(losses).toEqual(reports.map(() => ({ lost: 0, outOfOrder: 0 })));
  });

  it(`wait for no packet longer than ${MAX_LATE_MS} ms`, () => {
    expect(Math.min(...reports.map(latenessOf))).toBeLessThanOrEqual(MAX_LATE_MS);
  });
});

/** The latest packet of a run in milliseconds; endless when the load can't tell. */
function latenessOf({ pausedMs, runMs, provenLateMs }: LoadReport): number {
  return pausedMs / runMs < MAX_PAUSED_SHARE ? provenLateMs.max : Number.POSITIVE_INFINITY;
}

/** About 500 kbit/s, no B-frames; `pitchHz` makes the movies differ. */
async function makeMovie(path: string, pitchHz: number): Promise<void> {
  const picture = ['-f', 'lavfi', '-i', `testsrc2=size=480x270:rate=25:duration=${MOVIE_S}`];
  const sound = ['-f', 'lavfi', '-i', `sine=frequency=${pitchHz}:sample_rate=48000:duration=${MOVIE_S}`];
  const video = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-bf',
    '0',
    '-g',
    '50',
    '-b:v',
    '440k',
    '-pix_fmt',
    'yuv420p',
  ];
  await runFfmpeg([
    ...picture,
    ...sound,
    ...video,
    '-c:a',
    'aac',
    '-b:a',
    '64k',
    '-movflags',
    '+faststart',
    path,
  ]);
}
