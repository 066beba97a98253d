/**
 * A hundred clients who come and go in every bad manner leave nothing behind: no task, descriptor, timer, claimed address,
 * plan holder or open movie. Rule: what is counted before is what is counted after.
 */
import { readdirSync } from 'node:fs';
import type { ServerSnapshot } from '@finch/core';
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { RtspClient } from '../../support/rtsp-client';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

const CLIENTS = 100;
const AT_A_TIME = 10;

let finch: FinchUnderTest;

beforeAll(async () => {
  finch = await startFinch({ sessionTimeoutSeconds: 1 });
});
afterAll(() => finch.stop());

/** The ways in which a client comes and goes. */
const MANNERS: Readonly<Record<string, () => Promise<void>>> = {
  'TEARDOWN in mid-play over UDP': async () => {
    const viewer = await playing('UDP');
    await viewer.teardown();
    await viewer.close();
  },
  'TEARDOWN in mid-play over TCP': async () => {
    const viewer = await playing('TCP');
    await viewer.teardown();
    await viewer.close();
  },
  'gone in mid-play over TCP': async () => (await playing('TCP')).close(),
  'gone in mid-play over UDP': async () => (await playing('UDP')).close(),
  'a reset in mid-play over TCP': async () => {
    const viewer = await playing('TCP');
    viewer.client.reset();
    await viewer.close();
  },
  'gone after SETUP': async () => (await Viewer.open(finch, { carrier: 'TCP' })).close(),
  'gone right after PLAY was sent': async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP' });
    viewer.client.send(`PLAY ${viewer.url} RTSP/1.0\r\nCSeq: 77\r\nSession: ${viewer.session}\r\n\r\n`);
    viewer.client.socket.end();
    await viewer.close();
  },
  'gone while the movie is being opened': async () => {
    const client = await RtspClient.connect({ port: finch.port });
    client.send(`DESCRIBE ${finch.url(SAMPLE)} RTSP/1.0\r\nCSeq: 1\r\n\r\n`);
    client.send(`SETUP ${finch.url(SAMPLE)}/trackID=1 RTSP/1.0\r\nCSeq: 2\r\n`);
    client.send('Transport: RTP/AVP/TCP;unicast\r\n\r\n');
    client.reset();
    await client.close();
  },
  'half a request': async () => {
    const client = await RtspClient.connect({ port: finch.port });
    client.send(`DESCRIBE ${finch.url(SAMPLE)} RTSP/1.0\r\nCS`);
    await client.close();
  },
  'SETUPs that fail': async () => {
    const client = await RtspClient.connect({ port: finch.port });
    for (const track of ['', '/trackID=9'])
      await client.request('SETUP', `${finch.url(SAMPLE)}${track}`, { Transport: 'RTP/AVP/TCP;unicast' });
    await client.close();
  },
};

async function playing(carrier: 'UDP' | 'TCP'): Promise<Viewer> {
  const viewer = await Viewer.open(finch, { carrier });
  await viewer.play(`npt=${Math.floor(Math.random() * 20)}-`);
  await viewer.tracks[0]!.packetsArrived(1);
  return viewer;
}

const descriptorCount = (): number => readdirSync('/proc/self/fd').length;

/** The server's own counts; the UDP pair of an address stays once it is there, which the first viewer sees to. */
async function inspected(): Promise<ServerSnapshot & { readonly descriptors: number }> {
  const snapshot = await finch.server.inspect();
  return { ...snapshot, descriptors: descriptorCount() };
}

it(`${CLIENTS} clients who came and went in ${Object.keys(MANNERS).length} manners left nothing behind`, async () => {
  const first = await playing('UDP');
  await first.teardown();
  await first.close();
  await eventually(async () => expect((await finch.server.inspect()).connections).toBe(0));
  // The last job, which gives the movie back, may still be on its way.
  await eventually(async () => {
    const { threads } = await inspected();
    expect(Object.entries(threads[0]!.counts).filter(([, count]) => count !== 0)).toEqual([]);
  });
  const before = await inspected();
  const manners = Object.values(MANNERS);
  for (let done = 0; done < CLIENTS; done += AT_A_TIME)
    await Promise.all(manners.slice(0, AT_A_TIME).map((manner) => manner()));
  await eventually(async () => expect(await inspected()).toEqual(before));
});
