/**
 * Players over a relay, which needs no privileges: over links that carry less than the movie, by UDP and TCP, they play on, and what
 * is too much is left out; at a mild loss GStreamer gets what it asks for again. What else a network does is in netem.test.ts.
 */
import { copyFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BadNetwork, type NetworkFaults } from '../support/bad-network';
import { clientOrSkip, runClient } from '../support/clients';
import { eventually } from '../support/deadline';
import { compareFrames, intactOf, picturesOfStream, receive, sameFrames } from '../support/media-frames';
import { receiveByGstreamer } from '../support/media-gstreamer';
import { type MovieName, makeMovies, runFfmpeg } from '../support/media-movies';
import { serveMovies } from '../support/movie-server';

const MOVIE: MovieName = 'b-frames.mp4';
const MOVIE_S = 12;
/** The same under names of their own, by which the log tells who played them. */
const ASKED_AGAIN = 'asked-again.mp4';
const CALM = 'calm.mp4';
const LONG = 'long.mp4';
const LONG_MOVIE_S = 90;
const HEAVY = 'heavy.mp4';
const HEAVY_S = 12;
/** What people have who complain. */
const BAD = { loss: 0.05, delayMs: 100, reordering: 0.05 };
const PLAY_TIMEOUT_MS = 50_000;
/** Until ffmpeg has reported what it lost. */
const THINNED_MS = 60_000;
const QUIETLY = ['-nostdin', '-v', 'error'];

jest.setTimeout(150_000);

/** A movie of noise, 10 Mbit/s. */
async function makeHeavyMovie(folder: string): Promise<void> {
  const noise = `testsrc2=size=640x360:rate=25:duration=${HEAVY_S},noise=alls=80:allf=t`;
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', '-bf', '2'];
  const rate = ['-b:v', '10M', '-maxrate', '10M', '-bufsize', '2M'];
  await runFfmpeg(['-f', 'lavfi', '-i', noise, ...codec, ...rate, '-y', join(folder, HEAVY)]);
}

async function makeLongMovie(folder: string): Promise<void> {
  await makeMovies(folder, LONG_MOVIE_S, ['moov-first.mp4']);
  renameSync(join(folder, 'moov-first.mp4'), join(folder, LONG));
}

const server = serveMovies({
  names: [MOVIE],
  durationS: MOVIE_S,
  more: async (folder) => {
    copyFileSync(join(folder, MOVIE), join(folder, ASKED_AGAIN));
    copyFileSync(join(folder, MOVIE), join(folder, CALM));
    await Promise.all([makeHeavyMovie(folder), makeLongMovie(folder)]);
  },
  config: () => ({ retransmission: 'avpf' }),
});

const logged = (text: string) => server.finch.log.filter(({ message }) => message.includes(text));
/** What Finch counted of the one session that played `name`. */
const countsOf = async (name: string) => {
  await eventually(() => expect(logged(`stops ${name}`).length).toBe(1));
  return logged(`stops ${name}`)[0]!.fields ?? {};
};
const bytesPerS = (name: string, seconds: number) => statSync(join(server.media, name)).size / seconds;
const picturesOfMovie = async () => (await server.framesOf(MOVIE)).videos[0]!;
/** Has `body` play over a network with these faults. */
async function over<Result>(
  faults: NetworkFaults,
  body: (network: BadNetwork) => Promise<Result>,
): Promise<Result> {
  const network = await BadNetwork.open(server.finch.port, faults);
  return body(network).finally(() => network.close());
}
const playsOnMs = { timeoutMs: PLAY_TIMEOUT_MS };

clientOrSkip('ffmpeg')('over a bad network, ffmpeg', () => {
  const thinned = server.begin(async () => {
    const faults = { bytesPerS: 0.45 * bytesPerS(LONG, LONG_MOVIE_S) };
    const { playing, lossPercent } = await over(faults, async (network) => {
      const args = ['-rtsp_transport', 'udp', '-i', network.url(LONG), '-f', 'null', '-'];
      const playing = runClient('ffmpeg', [...QUIETLY, ...args], { timeoutMs: LONG_MOVIE_S * 1000 });
      const thinner = `gets pictures that others refer to of ${LONG}`;
      await eventually(() => expect(logged(thinner).length).toBe(1), THINNED_MS);
      network.become({});
      const had = network.datagrams;
      await eventually(() => expect(network.datagrams).toBeGreaterThan(had + 200), PLAY_TIMEOUT_MS);
      return { playing, lossPercent: Number(logged(thinner)[0]!.fields!.lossPercent) };
    });
    return { client: await playing, lossPercent }; // it ends with its network
  });
  const narrow = server.begin(() =>
    over({ bytesPerS: bytesPerS(HEAVY, HEAVY_S) / 3 }, (network) => {
      const list = ['-map', '0:v', '-f', 'framemd5', '-y', join(server.output, 'heavy.frames')];
      const args = ['-rtsp_transport', 'tcp', '-i', network.url(HEAVY), ...list];
      return runClient('ffmpeg', [...QUIETLY, ...args], playsOnMs);
    }),
  );
  const calm = server.begin(() =>
    receive(server.output, MOVIE, { url: server.finch.url(CALM), carrier: 'tcp', ...playsOnMs }),
  );

  // It reports every 8 s or so; that all comes back is shown in virtual time (quality-control.test.ts).
  it('is thinned over UDP where the link carries less than half, and plays on', async () => {
    const { client, lossPercent } = await thinned();
    expect(lossPercent).toBeGreaterThanOrEqual(30);
    expect(client.isTimedOut).toBe(false);
  });

  it('plays over TCP where the link carries a third: it gets what it can decode, in time', async () => {
    const client = await narrow();
    expect(client.isTimedOut).toBe(false);
    expect(client.stderr).not.toMatch(/error while decoding|missing/i);
    const counts = await countsOf(HEAVY);
    const left = ['thinned.upToKeyFrame', 'thinned.groupFrames'].map((cause) => Number(counts[cause] ?? 0));
    expect(left[0]! + left[1]!).toBeGreaterThan(50);
  });

  it('is not noticed by others', async () => {
    const pictures = await picturesOfMovie();
    expect(compareFrames((await calm()).videos[0]!, pictures)).toBe(sameFrames(pictures.length));
  });
});

clientOrSkip('gst-launch-1.0', 'ffmpeg')('over a bad network, GStreamer', () => {
  const askingAgain = server.begin(() =>
    over(BAD, async (network) => {
      const options = { url: network.url(ASKED_AGAIN), carrier: 'udp', retransmissionMs: 1500 } as const;
      const reception = await receiveByGstreamer(server.output, MOVIE, { ...options, ...playsOnMs });
      return { ...reception, lost: network.lost };
    }),
  );

  it('that asks for lost packets again gets the movie whole at 5 % loss, 100 ms of delay and reordering', async () => {
    const { client, videoFile, lost } = await askingAgain();
    expect({ isTimedOut: client.isTimedOut, hasEnded: client.stdout.includes('Got EOS') }).toEqual({
      isTimedOut: false,
      hasEnded: true,
    });
    expect(lost).toBeGreaterThan(5);
    expect(Number((await countsOf(ASKED_AGAIN)).retransmitted)).toBeGreaterThan(lost / 2);
    const pictures = await picturesOfMovie();
    expect(intactOf(await picturesOfStream(videoFile), pictures)).toBeGreaterThan(pictures.length * 0.95);
  });
});
