/**
 * Players at the end of a bad link: 5 % of the packets lost, 5 % out of order, 100 ms of delay, both ways. They play on a host of
 * its own (a network namespace), so it happens to real IP packets, those of TCP, too, which the kernel sends again. The last
 * line printed has the figures of protocols/rtp/SLOW-NETWORKS.md.
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientOrSkip, runClient } from '../support/clients';
import { eventually } from '../support/deadline';
import { type Carrier, intactOf, type MediaFrame, picturesOfStream, receive } from '../support/media-frames';
import { receiveByGstreamer } from '../support/media-gstreamer';
import type { MovieName } from '../support/media-movies';
import { serveMovies } from '../support/movie-server';
import { badLinksOrSkip, NetworkNamespace } from '../support/network-namespace';

const MOVIE: MovieName = 'b-frames.mp4';
const MOVIE_S = 12;
/** The same under names of their own, by which the log tells who played them. */
const MOVIE_OF = { udp: 'by-udp.mp4', tcp: 'by-tcp.mp4', http: 'by-http.mp4', asking: 'asked-again.mp4' };
const BAD = { loss: 0.05, delayMs: 100, jitterMs: 10, reordering: 0.05 };
/** One BYE of twenty is lost, and FFmpeg waits for it without end, or six times as long as it is told. */
const SILENCE_S = 5;
/** For so long a player waits for what it has asked for again. */
const RETRANSMISSION_MS = 1500;
const PLAY_TIMEOUT_MS = 120_000;
/** Names of the counts in the log of pictures that were left out for a viewer who is late. */
const LEFT_OUT = ['disposable', 'upToKeyFrame', 'groupFrames', 'keyFrames'];

jest.setTimeout(300_000);

clientOrSkip('ffmpeg', 'gst-launch-1.0')('players', () => {
  badLinksOrSkip()('behind a bad link', () => {
    let link: NetworkNamespace;
    const figures: Record<string, unknown> = {};

    beforeAll(async () => {
      link = new NetworkNamespace();
      await link.impair(BAD);
    });
    const server = serveMovies({
      names: [MOVIE],
      durationS: MOVIE_S,
      more: async (folder) => {
        for (const name of Object.values(MOVIE_OF)) copyFileSync(join(folder, MOVIE), join(folder, name));
      },
      config: () => ({ hosts: [link.serverHost], retransmission: 'avpf' }),
    });
    afterAll(() => {
      process.stderr.write(`behind a bad link: ${JSON.stringify(figures)}\n`);
      link?.remove();
    });

    const url = (name: string) => `rtsp://${link.serverHost}:${server.finch.port}/${name}`;
    const there = () => ({ host: link, timeoutMs: PLAY_TIMEOUT_MS });
    const byFfmpeg = (carrier: Carrier) =>
      server.begin(() => {
        const silence = carrier === 'udp' ? { silenceS: SILENCE_S } : {};
        return receive(server.output, MOVIE, {
          url: url(MOVIE_OF[carrier]),
          carrier,
          ...silence,
          ...there(),
        });
      });
    const receptionOf = { udp: byFfmpeg('udp'), tcp: byFfmpeg('tcp'), http: byFfmpeg('http') };
    const askingAgain = server.begin(() => {
      const options = { carrier: 'udp', retransmissionMs: RETRANSMISSION_MS } as const;
      return receiveByGstreamer(server.output, MOVIE, { url: url(MOVIE_OF.asking), ...options, ...there() });
    });

    const logged = (text: string, name: string) =>
      server.finch.log.filter(({ message }) => message.includes(text) && message.includes(name));
    /** What Finch counted of the one session of this player. */
    async function countsOf(player: keyof typeof MOVIE_OF): Promise<(name: string) => number> {
      const ends = () => logged(' stops ', MOVIE_OF[player]);
      await eventually(() => expect(ends().length).toBe(1));
      const { area: _, ...counts } = ends()[0]!.fields ?? {};
      figures[player] = counts;
      return (name) => Number(counts[name] ?? 0);
    }
    /** Adds to the figures how many pictures were shown, and how many of them are as they are in the file. */
    async function picturesOf(player: keyof typeof MOVIE_OF, received: readonly MediaFrame[]) {
      const file = (await server.framesOf(MOVIE)).videos[0]!;
      const pictures = { all: file.length, shown: received.length, whole: intactOf(received, file) };
      figures[`${player}.pictures`] = pictures;
      return pictures;
    }

    // How much of the movie the link carries is up to the kernel's congestion control, so is what has to be left out.
    it.each(['tcp', 'http'] as const)('ffmpeg gets all that is sent over %s, whole', async (carrier) => {
      const { client, videos } = await receptionOf[carrier]();
      const counts = await countsOf(carrier);
      const { all, shown, whole } = await picturesOf(carrier, videos[0]!);
      expect(client).toMatchObject({ isTimedOut: false, stderr: '' });
      const leftOut = LEFT_OUT.reduce((sum, cause) => sum + counts(`thinned.${cause}`), 0);
      expect({ shown, leftOut }).toEqual({ shown: whole, leftOut: all - whole });
      expect(whole).toBeGreaterThan(all / 4);
    });

    it('ffmpeg plays to the end over UDP, is not thinned, and Finch hears what was lost', async () => {
      const { client, videos } = await receptionOf.udp();
      const counts = await countsOf('udp');
      const { all, shown, whole } = await picturesOf('udp', videos[0]!);
      expect(client.isTimedOut).toBe(false);
      expect(shown).toBeGreaterThan(all / 2);
      expect(whole).toBeGreaterThan(0);
      expect(counts('lost')).toBeGreaterThan(5);
      expect(logged('gets pictures', MOVIE_OF.udp)).toEqual([]); // 5 % is no reason to thin
    });

    // It misses the first group of pictures when a packet of the first key frame has overtaken those before it.
    it('GStreamer plays to the end and gets what it asks for again', async () => {
      const { client, videoFile } = await askingAgain();
      const counts = await countsOf('asking');
      const { all, whole } = await picturesOf('asking', await picturesOfStream(videoFile));
      const { isTimedOut, stdout } = client;
      expect({ isTimedOut, hasEnded: stdout.includes('Got EOS') }).toEqual({
        isTimedOut: false,
        hasEnded: true,
      });
      expect(counts('retransmitted')).toBeGreaterThan(10);
      expect(whole).toBeGreaterThan(all / 2); // who does not ask again gets 126 at best
    });

    it('the link is as bad as it is meant to be, both ways', async () => {
      await receptionOf.tcp(); // all have played
      figures.link = await link.counts();
      for (const { passed, lost, reordered } of Object.values(await link.counts())) {
        expect(lost / (passed + lost)).toBeGreaterThan(BAD.loss / 2);
        expect(reordered / passed).toBeGreaterThan(BAD.reordering / 2);
      }
    });

    it('the link is so to TCP, too: segments come behind holes', async () => {
      await receptionOf.tcp();
      const { stdout } = await runClient('cat', ['/proc/net/netstat'], there());
      const rows = stdout.split('\n').filter((row) => row.startsWith('TcpExt:'));
      const [names, values] = rows.map((row) => row.split(' '));
      const behindHoles = Number(values![names!.indexOf('TCPOFOQueue')]);
      figures.segmentsBehindHoles = behindHoles;
      expect(behindHoles).toBeGreaterThan(10);
    });
  });
});
