/**
 * When a session ends by itself: its client is silent, or its connection is gone. The scenarios run side by side, each from
 * an address of its own, since all they do is wait for the movie. Spec: RFC 2326 §12.37, §10.8; RFC 3550 §6.4.2.
 */
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { receiverReport } from '../../support/rtp-receiver';
import { RtspClient } from '../../support/rtsp-client';
import { type Carrier, Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

/** What the Session header tells; the server keeps a session half as long again. */
const TIMEOUT_SECONDS = 1;

let finch: FinchUnderTest;

/** Whether the log says that the session from this address has ended, for this reason. */
function hasEnded(host: string, reason: string): boolean {
  return finch.log.some(({ message }) => message === `${host} stops ${SAMPLE}: ${reason}`);
}

/** Opens a viewer who has received his first packets. */
async function playing(carrier: Carrier, localAddress: string): Promise<Viewer> {
  const viewer = await Viewer.open(finch, { carrier, localAddress });
  await viewer.play();
  await viewer.tracks[0]!.packetsArrived(2);
  return viewer;
}

/** Does `signOfLife` four times a timeout until the session would have ended twice over. */
async function keepAlive(viewer: Viewer, signOfLife: () => void): Promise<void> {
  const [track] = viewer.tracks;
  const first = track!.packets[0]!.timestamp;
  for (let atTicks = 0; atTicks < 3.2 * TIMEOUT_SECONDS * 90_000; atTicks += 22_500) {
    signOfLife();
    const isThere = () => ((track!.packets.at(-1)!.timestamp - first) | 0) > atTicks;
    await track!.until(isThere, `the movie to play on (${atTicks / 90_000} s)`);
  }
  expect(track!.byes).toBe(0);
}

const SCENARIOS: Readonly<Record<string, (host: string) => Promise<void>>> = {
  'over UDP outlives its connection, and ends when its client has vanished (RFC 2326 §12.37)': async (
    host,
  ) => {
    const viewer = await playing('UDP', host);
    await viewer.client.close();
    await viewer.tracks[0]!.morePackets(10);
    await viewer.tracks[0]!.byeArrived();
    await eventually(() => expect(hasEnded(host, 'it timed out')).toBe(true));
    const again = await RtspClient.connect({ port: finch.port, localAddress: host });
    expect((await again.request('PLAY', viewer.url, { Session: viewer.session })).status).toBe(454);
    await again.close();
    await viewer.close();
  },
  'over UDP ends although its connection is open, when nothing is heard (RFC 2326 §12.37)': async (host) => {
    const viewer = await playing('UDP', host);
    await viewer.tracks[0]!.byeArrived();
    expect((await viewer.request('GET_PARAMETER', viewer.url)).status).toBe(454);
    await viewer.close();
  },
  'that was set up and never played ends, too': async (host) => {
    const viewer = await Viewer.open(finch, { carrier: 'UDP', localAddress: host });
    await viewer.client.closed(); // the session first, half a timeout late; then the connection that had it
    const other = await RtspClient.connect({ port: finch.port, localAddress: host });
    expect((await other.request('PLAY', viewer.url, { Session: viewer.session })).status).toBe(454);
    await other.close();
    await viewer.close();
  },
  'is kept alive by receiver reports of any track alone (RFC 3550 §6.4.2)': async (host) => {
    const viewer = await playing('UDP', host);
    await viewer.client.close();
    const { ssrc, serverPort } = viewer.transports[1]!;
    await keepAlive(viewer, () => viewer.udp[1]!.sendRtcp(receiverReport(ssrc!), serverPort!.rtcp));
    await viewer.tracks[0]!.byeArrived(); // and not for ever
    await viewer.close();
  },
  'is kept alive by GET_PARAMETER alone (RFC 2326 §10.8)': async (host) => {
    const viewer = await playing('UDP', host);
    await keepAlive(viewer, () => void viewer.request('GET_PARAMETER', viewer.url));
    await viewer.teardown();
    await viewer.close();
  },
  'is kept alive by OPTIONS from another connection (RFC 2326 §10.1)': async (host) => {
    const viewer = await playing('UDP', host);
    await viewer.client.close();
    const other = await RtspClient.connect({ port: finch.port, localAddress: host });
    await keepAlive(viewer, () => void other.request('OPTIONS', '*', { Session: viewer.session }));
    await other.close();
    await viewer.close();
  },
  'is not kept alive by the packets of strangers': async (host) => {
    const viewer = await playing('UDP', host);
    const stranger = await Viewer.open(finch, { carrier: 'UDP', localAddress: '127.0.0.77' });
    await viewer.client.close();
    const { ssrc, serverPort } = viewer.transports[0]!;
    const send = () => stranger.udp[0]!.sendRtcp(receiverReport(ssrc!), serverPort!.rtcp);
    const timer = setInterval(send, 100);
    await viewer.tracks[0]!.byeArrived();
    clearInterval(timer);
    await stranger.close();
    await viewer.close();
  },
  'over TCP ends with its connection (RFC 2326 §10.12)': async (host) => {
    const viewer = await playing('TCP', host);
    await viewer.close();
    await eventually(() => expect(hasEnded(host, 'the client disconnected')).toBe(true));
  },
  'over TCP plays on while its client only reads': async (host) => {
    const viewer = await playing('TCP', host);
    await keepAlive(viewer, () => {});
    viewer.tracks[0]!.expectContiguous();
    await viewer.close();
  },
  'over TCP that is paused and silent times out, and its connection then, too': async (host) => {
    const viewer = await playing('TCP', host);
    await viewer.pause();
    await viewer.client.closed();
    await eventually(() => expect(hasEnded(host, 'it timed out')).toBe(true));
  },
  'is not needed: a connection that never finishes a request is closed': async (host) => {
    const client = await RtspClient.connect({ port: finch.port, localAddress: host });
    client.send('OPTIONS * RTSP/1.0\r\nCS');
    await client.closed();
  },
};

describe('a session', () => {
  const outcomes = new Map<string, Promise<unknown>>();

  beforeAll(async () => {
    finch = await startFinch({
      sessionTimeoutSeconds: TIMEOUT_SECONDS,
      idleTimeoutSeconds: TIMEOUT_SECONDS,
      requestTimeoutSeconds: TIMEOUT_SECONDS,
    });
    for (const [i, [name, scenario]] of Object.entries(SCENARIOS).entries()) {
      const outcome = scenario(`127.0.1.${i + 1}`).then(
        () => 'as expected',
        (error: unknown) => error,
      );
      outcomes.set(name, outcome);
    }
  });
  afterAll(async () => {
    await Promise.all(outcomes.values());
    await finch.stop();
  });

  it.each(Object.keys(SCENARIOS))('%s', async (name) => {
    const outcome = await outcomes.get(name);
    if (outcome instanceof Error) throw outcome;
    expect(outcome).toBe('as expected');
  });
});
