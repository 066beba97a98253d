/** Players at the end of a link that netem makes bad: 5 % loss, reordering, 100 ms of delay. Where the kernel has no netem, bad-networks.test.ts says the same of a relay. */
import { clientOrSkip, runClient } from '../support/clients';
import { serveMovies } from '../support/movie-server';
import { NetworkNamespace, netemOrSkip } from '../support/network-namespace';

const MOVIE = 'b-frames.mp4';
const MOVIE_S = 10;
const FRAME_RATE_HZ = 25;
const BAD = ['delay', '100ms', '10ms', 'loss', '5%', 'reorder', '95%'];

netemOrSkip()('behind netem', () => {
  let link: NetworkNamespace;

  beforeAll(() => {
    link = new NetworkNamespace();
    link.impair(BAD);
  });
  const server = serveMovies({
    names: [MOVIE],
    durationS: MOVIE_S,
    config: () => ({ hosts: [link.serverHost], retransmission: 'avpf' }),
  });
  afterAll(() => link?.remove());

  const url = () => `rtsp://${link.serverHost}:${server.finch.port}/${MOVIE}`;

  clientOrSkip('ffmpeg')('ffmpeg', () => {
    it.each(['udp', 'tcp'])(
      'plays to the end over %s',
      async (carrier) => {
        const player = ['-nostdin', '-v', 'error', '-rtsp_transport', carrier, '-i', url()];
        const counted = ['-map', '0:v', '-f', 'framemd5', '-'];
        const { command, args } = link.inside('ffmpeg', [...player, ...counted]);
        const { isTimedOut, stdout } = await runClient(command, args, { timeoutMs: 60_000 });
        expect(isTimedOut).toBe(false);
        const pictures = stdout.split('\n').filter((row) => /^0,/.test(row)).length;
        expect(pictures).toBeGreaterThan((MOVIE_S * FRAME_RATE_HZ) / 2);
      },
      120_000,
    );
  });

  clientOrSkip('gst-launch-1.0')('GStreamer', () => {
    it('asks for lost packets again and plays to the end', async () => {
      const source = [
        'rtspsrc',
        `location=${url()}`,
        'protocols=udp',
        'latency=1500',
        'do-retransmission=true',
      ];
      const sinks = [
        'name=s',
        's.',
        '!',
        'rtph264depay',
        '!',
        'fakesink',
        's.',
        '!',
        'rtpmp4gdepay',
        '!',
        'fakesink',
      ];
      const { command, args } = link.inside('gst-launch-1.0', [...source, ...sinks]);
      const { isTimedOut, stdout } = await runClient(command, args, { timeoutMs: 60_000 });
      expect({ isTimedOut, hasEnded: stdout.includes('Got EOS') }).toEqual({
        isTimedOut: false,
        hasEnded: true,
      });
    }, 120_000);
  });
});
