/**
 * A UDP player that has crashed and comes back on the ports that it had: only what it asks for now is sent there.
 * Spec: RFC 2326 §10.4, §16; RFC 3550 §6.6.
 */
import { CompoundCursor, RTCP_TYPE } from '@finch/rtp';
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { UdpReceiver } from '../../support/rtp-receiver';
import { type Answer, RtspClient } from '../../support/rtsp-client';

let finch: FinchUnderTest;
let clients: RtspClient[] = [];
let receivers: UdpReceiver[] = [];

beforeAll(async () => {
  finch = await startFinch({ hosts: ['0.0.0.0'], threads: 2 });
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  for (const receiver of receivers) receiver.close();
  [clients, receivers] = [[], []];
});
afterAll(() => finch.stop());

async function receiverAt(localAddress = '127.0.0.1'): Promise<UdpReceiver> {
  const receiver = await UdpReceiver.open(localAddress);
  receivers.push(receiver);
  return receiver;
}

interface Player {
  readonly client: RtspClient;
  readonly session: string;
  request(method: string): Promise<Answer>;
}

/** A session of one track for each of the receivers, playing. */
async function playTo(tracks: readonly UdpReceiver[], localAddress = '127.0.0.1'): Promise<Player> {
  const client = await RtspClient.connect({ port: finch.port, host: localAddress, localAddress });
  clients.push(client);
  const url = `rtsp://${localAddress}:${finch.port}/${SAMPLE}`;
  let session = '';
  const request = (method: string, target = url, headers: Record<string, string> = {}) =>
    client.request(method, target, { ...(session === '' ? {} : { Session: session }), ...headers });
  const { text } = await request('DESCRIBE');
  const controls = [...text.matchAll(/^a=control:(track\S+)/gm)].map(([, control]) => `${url}/${control}`);
  for (const [place, { transport }] of tracks.entries()) {
    const answer = await request('SETUP', controls[place], { Transport: transport });
    session = answer.headers.get('Session')!.split(';')[0]!;
  }
  expect((await request('PLAY')).status).toBe(200);
  return { client, session, request };
}

const sourcesOf = ({ track }: UdpReceiver) => new Set(track.packets.map(({ ssrc }) => ssrc));
const sessionBytes = async () => (await finch.server.inspect()).memory.sessions;

/** Counts the BYEs that arrive from now on, whoever's they are. */
function countByes({ rtcp }: UdpReceiver): () => number {
  let byes = 0;
  rtcp.on('message', (bytes) => {
    const cursor = new CompoundCursor();
    cursor.start(bytes, 0, bytes.length);
    while (cursor.next(bytes)) if (cursor.type === RTCP_TYPE.goodbye) byes++;
  });
  return () => byes;
}

/** Whose session ends in the number of its task thread. */
const threadOf = ({ session }: Player) => session.slice(-2);

it.each([
  ['on its own task thread', false],
  ['on another task thread', true],
])(
  'ends the session that played there, %s, without BYE, and leaves the new one its ports',
  async (_, isApart) => {
    const tracks = [await receiverAt(), await receiverAt()];
    const byes = tracks.map(countByes);
    const old = await playTo(tracks);
    await Promise.all(tracks.map(({ track }) => track.packetsArrived(5)));
    const bytes = await sessionBytes();
    // Crashed: nobody tears it down. A connection goes to the thread that has the fewest.
    if (!isApart) await old.client.close();
    await eventually(async () => expect((await finch.server.inspect()).connections).toBe(isApart ? 1 : 0));
    const before = tracks.map(sourcesOf);
    const now = await playTo(tracks);
    expect(threadOf(now) !== threadOf(old)).toBe(isApart);
    await Promise.all(tracks.map(({ track }) => track.morePackets(20)));
    for (const [place, { track }] of tracks.entries()) {
      const since = track.packets.findIndex(({ ssrc }) => !before[place]!.has(ssrc));
      const packets = track.packets.slice(since);
      const fresh = packets.filter(({ ssrc }) => !before[place]!.has(ssrc));
      track.expectContiguous(fresh);
      if (!isApart) expect(fresh.length).toBe(packets.length); // nothing of the old one behind the first of the new
    }
    await eventually(async () => expect(await sessionBytes()).toBe(bytes));
    expect(finch.log.map(({ message }) => message)).toContain(
      `127.0.0.1 stops ${SAMPLE}: its ports were set up anew`,
    );
    expect((await now.request('TEARDOWN')).status).toBe(200);
    await Promise.all(tracks.map(({ track }) => track.byeArrived()));
    expect(byes.map((count) => count())).toEqual([1, 1]);
  },
);

it('also when only one of the ports is the same', async () => {
  const [one, two, three] = [await receiverAt(), await receiverAt(), await receiverAt()];
  const old = await playTo([one, two]);
  const now = await playTo([three, two]);
  await eventually(async () => expect((await old.request('PLAY')).status).toBe(454));
  await two.track.morePackets(20);
  await now.request('TEARDOWN');
});

it('is not meant where one session sets its tracks up on one pair of ports', async () => {
  const both = await receiverAt();
  const player = await playTo([both, both]);
  await both.track.until(() => sourcesOf(both).size === 2, 'packets of both tracks');
  expect((await player.request('TEARDOWN')).status).toBe(200);
});

it('is nothing to a client of another address with ports of the same numbers', async () => {
  const mine = await receiverAt();
  const me = await playTo([mine]);
  const { track } = mine;
  const client = await RtspClient.connect({ port: finch.port, host: '127.0.0.2', localAddress: '127.0.0.2' });
  clients.push(client);
  const url = `rtsp://127.0.0.2:${finch.port}/${SAMPLE}`;
  const { text } = await client.request('DESCRIBE', url);
  const control = /^a=control:(track\S+)/m.exec(text)![1];
  const answer = await client.request('SETUP', `${url}/${control}`, { Transport: mine.transport });
  expect(answer.status).toBe(200);
  const session = answer.headers.get('Session')!.split(';')[0]!;
  await track.morePackets(20);
  expect((await me.request('TEARDOWN')).status).toBe(200);
  expect((await client.request('TEARDOWN', url, { Session: session })).status).toBe(200);
});
