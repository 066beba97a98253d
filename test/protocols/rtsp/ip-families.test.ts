/** IPv4 and IPv6 clients of one server, over UDP and TCP: each is served at the address that it came to. */
import type { Transport } from '@finch/rtsp/headers/transport';
import { writeRequest } from 'rtsp-stream-parser';
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, startFinch, temporaryFolder } from '../../support/finch-under-test';
import { putMovie } from '../../support/movies';
import { receiverReport } from '../../support/rtp-receiver';
import { TLS_CONFIG } from '../../support/tls-files';
import { type Carrier, Viewer } from '../../support/viewer';

jest.setTimeout(30_000);

const SHORT = 'short.mp4';
const folder = temporaryFolder();
let finch: FinchUnderTest;

beforeAll(async () => {
  putMovie(folder.path, SHORT, { frames: 20, framesPerSecond: 25, keyEvery: 10 });
  finch = await startFinch({ ...TLS_CONFIG, media: folder.path, hosts: ['::'] });
});
afterAll(async () => {
  await finch?.stop();
  folder.remove();
});

const CASES: [host: string, carrier: Carrier, isEncrypted: boolean][] = [
  ['127.0.0.1', 'UDP', false],
  ['127.0.0.1', 'TCP', false],
  ['127.0.0.1', 'TCP', true],
  ['::1', 'UDP', false],
  ['::1', 'TCP', false],
  ['::1', 'TCP', true],
];

it.each(CASES)('a viewer at %s plays over %s (encrypted: %s)', async (host, carrier, isEncrypted) => {
  const viewer = await Viewer.open(finch, { carrier, movie: SHORT, localAddress: host, isEncrypted });
  expect(viewer.sdp).toContain(host === '::1' ? 'IN IP6 ::1\r\n' : 'IN IP4 127.0.0.1\r\n');
  const isUdp = carrier === 'UDP';
  expect(viewer.transports.map(({ source }) => source)).toEqual(
    viewer.tracks.map(() => (isUdp ? host : undefined)),
  );
  await viewer.play();
  if (isUdp) await expectReportHeard(viewer);
  await Promise.all(viewer.tracks.map((track) => track.byeArrived()));
  for (const track of viewer.tracks) track.expectContiguous();
  await viewer.teardown();
  await viewer.close();
});

/** A receiver report finds its session whatever the family of its sender. */
async function expectReportHeard(viewer: Viewer): Promise<void> {
  const [{ ssrc, serverPort }] = viewer.transports as [Transport];
  viewer.udp[0]!.sendRtcp(receiverReport(ssrc!), serverPort!.rtcp);
  const headers = { CSeq: '900', Session: viewer.session, 'Content-Type': 'text/parameters' };
  const body = Buffer.from('reports_received\r\n');
  await eventually(async () => {
    viewer.client.send(writeRequest({ method: 'GET_PARAMETER', url: viewer.trackUrls[0]!, headers, body }));
    expect((await viewer.client.answer()).text).toBe('reports_received: 1\r\n');
  });
}

it.each([
  ['::1', '::1', 200],
  ['::1', '[::1]', 200],
  ['::1', '0:0:0:0:0:0:0:1', 200],
  ['::1', '[::2]', 462],
  ['::1', '127.0.0.1', 462],
  ['127.0.0.1', '::ffff:127.0.0.1', 200],
  ['127.0.0.1', 'localhost', 462],
])('of a client at %s, destination=%s is answered %i', async (localAddress, destination, status) => {
  const viewer = await Viewer.open(finch, { carrier: 'UDP', movie: SHORT, localAddress, trackIds: [] });
  const answer = await viewer.request('SETUP', `${viewer.url}/trackID=1`, {
    Transport: `RTP/AVP;unicast;destination=${destination};client_port=45000-45001`,
  });
  expect(answer.status).toBe(status);
  await viewer.close();
});

it('serves both families at a time', async () => {
  const viewers = await Promise.all(
    CASES.map(([localAddress, carrier, isEncrypted]) =>
      Viewer.open(finch, { carrier, movie: SHORT, localAddress, isEncrypted }),
    ),
  );
  await Promise.all(viewers.map((viewer) => viewer.play()));
  await Promise.all(viewers.flatMap(({ tracks }) => tracks.map((track) => track.byeArrived())));
  for (const viewer of viewers) await viewer.close();
});
