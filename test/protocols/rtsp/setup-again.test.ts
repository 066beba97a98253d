/**
 * SETUP of a track that was set up before: what fails changes nothing, what works takes the place of the old one. Over real
 * sockets. Spec: RFC 2326 §10.4, appendix A.
 */
import { parseTransport } from '@finch/rtsp/headers/transport';
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { RtspClient } from '../../support/rtsp-client';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

let finch: FinchUnderTest;
let client: RtspClient;
let trackUrl: string;

beforeAll(async () => {
  finch = await startFinch();
  trackUrl = `${finch.url(SAMPLE)}/trackID=1`;
});
afterAll(() => finch?.stop());
beforeEach(async () => {
  client = await RtspClient.connect({ port: finch.port });
});
afterEach(() => client.close());

const channels = (pair: string): Record<string, string> => ({
  Transport: `RTP/AVP/TCP;unicast;interleaved=${pair}`,
});

it('leaves a track over UDP as it was when the channels are taken: 461, and PLAY plays it', async () => {
  const viewer = await Viewer.open(finch, { carrier: 'UDP', client, trackIds: [1] });
  expect((await client.request('SETUP', trackUrl, channels('0-1'))).status).toBe(200);
  expect((await viewer.request('SETUP', trackUrl, channels('0-1'))).status).toBe(461);
  await viewer.play(); // expects the track in RTP-Info
  await viewer.tracks[0]!.packetsArrived(20);
  expect(client.frames).toEqual([]);
  await viewer.teardown();
  await viewer.close();
});

it('leaves a track on its channels when others are taken: 461', async () => {
  const viewer = await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1] });
  expect((await client.request('SETUP', trackUrl, channels('2-3'))).status).toBe(200);
  expect((await viewer.request('SETUP', trackUrl, channels('2-3'))).status).toBe(461);
  await viewer.play();
  await viewer.tracks[0]!.packetsArrived(20);
});

it.each<[string, string, number[]]>([
  ['the same channels', '0-1', [0, 1]],
  ['one of its channels and another', '0-2', [0, 2]],
  ['other channels', '6-7', [6, 7]],
])('sends on %s', async (_, pair, taken) => {
  const viewer = await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1] });
  expect((await viewer.request('SETUP', trackUrl, channels(pair))).status).toBe(200);
  await viewer.play();
  await client.until(() => client.frames.length > 20, 'packets');
  expect(client.frames.filter(({ channel }) => !taken.includes(channel))).toEqual([]);
});

it('keeps the channels that it took over, and frees those that it left', async () => {
  const viewer = await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1] });
  const again = await viewer.request('SETUP', trackUrl, { Transport: 'RTP/AVP/TCP;unicast' });
  expect(parseTransport(again.headers.get('Transport')!)[0]!.interleaved).toEqual({ rtp: 0, rtcp: 1 });
  expect((await client.request('SETUP', trackUrl, channels('0-1'))).status).toBe(461);
  expect((await viewer.request('SETUP', trackUrl, channels('4-5'))).status).toBe(200);
  expect((await client.request('SETUP', trackUrl, channels('0-1'))).status).toBe(200);
});
