/** A WebSocket of somebody else's making, Node's own, plays a movie to its end, plain and encrypted. */
import { runClient } from '../support/clients';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../support/finch-under-test';
import { putMovie, type ShortMovie } from '../support/movies';
import { TLS_CONFIG, TLS_FILES } from '../support/tls-files';

const MOVIE: ShortMovie = { frames: 20, framesPerSecond: 25, frameBytes: 600, isSilent: true };
const PLAYER = require.resolve('../support/websocket-player.js');
const TIMEOUT_MS = 25_000;

const folder = temporaryFolder();
let finch: FinchUnderTest;

beforeAll(async () => {
  putMovie(folder.path, 'short.mp4', MOVIE);
  finch = await startFinch({ ...TLS_CONFIG, media: folder.path });
});
afterAll(async () => {
  await finch?.stop();
  folder.remove();
});

it.each(['ws', 'wss'])("Node's WebSocket plays a movie by %s", async (scheme) => {
  const url = scheme === 'ws' ? finch.url('short.mp4') : finch.tlsUrl('short.mp4');
  const socketUrl = `${scheme}://localhost:${scheme === 'ws' ? finch.port : finch.tlsPort}/rtsp-over-websocket`;
  const { stdout, stderr } = await runClient(
    process.execPath,
    ['--experimental-websocket', '--no-warnings', PLAYER, socketUrl, url],
    { timeoutMs: TIMEOUT_MS, env: { NODE_EXTRA_CA_CERTS: TLS_FILES.certificate } },
  );
  expect(stderr).toBe('');
  const { payloadBytes, ...seen } = JSON.parse(stdout);
  expect(seen).toEqual({
    protocol: 'rtsp.onvif.org',
    statuses: [200, 200, 200, 200],
    packets: 20,
    close: [1000, true],
  });
  expect(payloadBytes).toBeGreaterThanOrEqual(20 * (600 - 4));
});
