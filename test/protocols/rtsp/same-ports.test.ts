/**
 * A UDP player that has crashed and comes back on the ports that it had: only what it asks for now is sent there. Whoever else
 * sets up the ports of a client that is still there changes nothing for him. Spec: RFC 2326 §10.4, §16; RFC 3550 §6.6.
 */
import { CompoundCursor, RTCP_TYPE } from '@finch/rtp';
import { writeRequest } from 'rtsp-stream-parser';
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { receiverReport, UdpReceiver } from '../../support/rtp-receiver';
import { type Answer, RtspClient } from '../../support/rtsp-client';

let finch: FinchUnderTest;
let clients: RtspClient[] = [];
let receivers: UdpReceiver[] = [];

async function start(threads: number): Promise<void> {
  finch = await startFinch({ hosts: ['0.0.0.0'], threads });
}
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  for (const receiver of receivers) receiver.close();
  [clients, receivers] = [[], []];
});

async function receiverAt(localAddress = '127.0.0.1'): Promise<UdpReceiver> {
  const receiver = await UdpReceiver.open(localAddress);
  receivers.push(receiver);
  return receiver;
}

interface Player {
  readonly client: RtspClient;
  readonly session: string;
  /** Where the server hears RTCP of the first track. */
  readonly serverRtcpPort: number;
  request(method: string, target?: string): Promise<Answer>;
}

async function connect(localAddress = '127.0.0.1'): Promise<RtspClient> {
  const client = await RtspClient.connect({ port: finch.port, host: localAddress, localAddress });
  clients.push(client);
  return client;
}

const urlAt = (host = '127.0.0.1') => `rtsp://${host}:${finch.port}/${SAMPLE}`;
const trackUrl = (id: number) => `${urlAt()}/trackID=${id}`;

/** A session of one track for each of the receivers. */
async function setUpTo(tracks: readonly UdpReceiver[], on?: RtspClient): Promise<Player> {
  const client = on ?? (await connect());
  let [session, serverPorts] = ['', ''];
  const request = (method: string, target = urlAt(), headers: Record<string, string> = {}) =>
    client.request(method, target, { ...(session === '' ? {} : { Session: session }), ...headers });
  for (const [place, { transport }] of tracks.entries()) {
    const answer = await request('SETUP', trackUrl(place + 1), { Transport: transport });
    expect(answer.status).toBe(200);
    session = answer.headers.get('Session')!.split(';')[0]!;
    serverPorts ||= /server_port=\d+-(\d+)/.exec(answer.headers.get('Transport')!)![1]!;
  }
  return { client, session, serverRtcpPort: Number(serverPorts), request };
}

/** As setUpTo(), playing. */
async function playTo(tracks: readonly UdpReceiver[], on?: RtspClient): Promise<Player> {
  const player = await setUpTo(tracks, on);
  expect((await player.request('PLAY')).status).toBe(200);
  return player;
}

/** Leaves without a word, as a player that has crashed; resolves when the server knows. */
async function crash({ client }: Player): Promise<void> {
  const { connections } = await finch.server.inspect();
  await client.close();
  await eventually(async () => expect((await finch.server.inspect()).connections).toBe(connections - 1));
}

const statusOf = async (player: Player) => (await player.request('GET_PARAMETER')).status;

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

describe('on one task thread', () => {
  beforeAll(() => start(1));
  afterAll(() => finch.stop());

  it('a client that was gone takes over: no more of the old session, not even BYE', async () => {
    const tracks = [await receiverAt(), await receiverAt()];
    const byes = tracks.map(countByes);
    const old = await playTo(tracks);
    await Promise.all(tracks.map(({ track }) => track.packetsArrived(5)));
    const bytes = await sessionBytes();
    await crash(old);
    const before = tracks.map(sourcesOf);
    const now = await playTo(tracks);
    await Promise.all(tracks.map(({ track }) => track.morePackets(20)));
    for (const [place, { track }] of tracks.entries()) {
      const packets = track.packets.slice(track.packets.findIndex(({ ssrc }) => !before[place]!.has(ssrc)));
      expect(packets.filter(({ ssrc }) => before[place]!.has(ssrc))).toEqual([]);
      track.expectContiguous(packets);
    }
    await eventually(async () => expect(await sessionBytes()).toBe(bytes));
    expect(finch.log.map(({ message }) => message)).toContain(
      `127.0.0.1 stops ${SAMPLE}: its ports were set up anew`,
    );
    expect((await now.request('TEARDOWN')).status).toBe(200);
    await Promise.all(tracks.map(({ track }) => track.byeArrived()));
    expect(byes.map((count) => count())).toEqual([1, 1]);
  });

  it('who takes one of its ports ends it, and the other gets its BYE', async () => {
    const [one, two, three] = [await receiverAt(), await receiverAt(), await receiverAt()];
    const byes = [one, two].map(countByes);
    const old = await playTo([one, two]);
    await Promise.all([one, two].map(({ track }) => track.packetsArrived(5)));
    await crash(old);
    const now = await playTo([three, two]);
    await one.track.byeArrived();
    await two.track.morePackets(20);
    expect(byes.map((count) => count())).toEqual([1, 0]);
    expect((await now.request('TEARDOWN')).status).toBe(200);
  });

  it('one that never played is taken over, too', async () => {
    const [one, two] = [await receiverAt(), await receiverAt()];
    const bytes = await sessionBytes();
    await crash(await setUpTo([one, two]));
    const now = await playTo([two]);
    expect((await now.request('TEARDOWN')).status).toBe(200);
    await eventually(async () => expect(await sessionBytes()).toBe(bytes));
  });

  it('a client that is connected loses nothing to others of his address who sweep the ports', async () => {
    const mine = await receiverAt();
    const me = await playTo([mine]);
    await mine.track.packetsArrived(5);
    const source = [...sourcesOf(mine)];
    const sweeper = await connect();
    for (let port = mine.port - 20; port <= mine.port + 20; port += 2) {
      const Transport = `RTP/AVP;unicast;client_port=${port}-${port + 1}`;
      const { status, headers } = await sweeper.request('SETUP', trackUrl(1), { Transport });
      const Session = headers.get('Session')!.split(';')[0]!;
      expect(status).toBe(200);
      expect(await statusOf(me)).toBe(200);
      if (port === mine.port) await isHeard(me, mine, source[0]!);
      expect((await sweeper.request('TEARDOWN', urlAt(), { Session })).status).toBe(200);
    }
    await mine.track.morePackets(20);
    mine.track.expectContiguous();
    expect([...sourcesOf(mine)]).toEqual(source);
    await isHeard(me, mine, source[0]!);
    expect((await me.request('TEARDOWN')).status).toBe(200);
    await mine.track.byeArrived();
  });

  it('one whose client goes on by another connection is his', async () => {
    const mine = await receiverAt();
    const me = await playTo([mine]);
    const other = await connect();
    const Session = me.session;
    const stillThere = async () => (await other.request('GET_PARAMETER', urlAt(), { Session })).status;
    expect(await stillThere()).toBe(200);
    await crash(me);
    const now = await setUpTo([mine]);
    expect(await stillThere()).toBe(200);
    expect((await now.request('TEARDOWN')).status).toBe(200);
    expect((await other.request('TEARDOWN', urlAt(), { Session })).status).toBe(200);
  });

  it('who sets up his ports once more on his connection gives up the session before', async () => {
    const mine = await receiverAt();
    const before = await playTo([mine]);
    await mine.track.packetsArrived(5);
    const now = await playTo([mine], before.client);
    expect([await statusOf(before), await statusOf(now)]).toEqual([454, 200]);
    expect((await now.request('TEARDOWN')).status).toBe(200);
  });

  it('a session may send both tracks to one pair of ports, which are its own until the last of them ends', async () => {
    const both = await receiverAt();
    const player = await playTo([both, both]);
    await both.track.until(() => sourcesOf(both).size === 2, 'packets of both tracks');
    expect((await player.request('TEARDOWN', trackUrl(1))).status).toBe(200);
    expect(await destinations()).toBe(2);
    await crash(player);
    const now = await playTo([both]);
    await eventually(() =>
      expect(finch.log.filter(({ message }) => message.endsWith('set up anew')).length).toBeGreaterThan(0),
    );
    await eventually(async () => expect(await destinations()).toBe(2));
    expect((await now.request('TEARDOWN')).status).toBe(200);
    await eventually(async () => expect(await destinations()).toBe(0));
  });

  it('is nothing to a client of another address with ports of the same numbers', async () => {
    const mine = await receiverAt();
    const me = await playTo([mine]);
    await crash(me);
    const client = await connect('127.0.0.2');
    const url = urlAt('127.0.0.2');
    const answer = await client.request('SETUP', `${url}/trackID=1`, { Transport: mine.transport });
    expect(answer.status).toBe(200);
    await mine.track.morePackets(20);
    const Session = answer.headers.get('Session')!.split(';')[0]!;
    expect((await client.request('TEARDOWN', url, { Session })).status).toBe(200);
    const again = await connect();
    expect((await again.request('TEARDOWN', urlAt(), { Session: me.session })).status).toBe(200);
  });
});

describe('on two task threads', () => {
  beforeAll(() => start(2));
  afterAll(() => finch.stop());

  it('two who set up the same ports at the same time both have them', async () => {
    const mine = await receiverAt();
    const on = [await connect(), await connect()];
    const players = await Promise.all(on.map((client) => setUpTo([mine], client)));
    expect(new Set(players.map(({ session }) => session.slice(-2))).size).toBe(2); // the number of its task thread
    expect(await Promise.all(players.map(statusOf))).toEqual([200, 200]);
    for (const player of players) expect((await player.request('TEARDOWN')).status).toBe(200);
  });
});

async function destinations(): Promise<number> {
  const { threads } = await finch.server.inspect();
  return threads.reduce((sum, { counts }) => sum + counts['UDP destinations']!, 0);
}

/** Resolves when the server has heard a report of `player` about his first track. */
async function isHeard(player: Player, receiver: UdpReceiver, source: number): Promise<void> {
  const reports = async () => {
    const headers = { CSeq: '900', Session: player.session, 'Content-Type': 'text/parameters' };
    const body = Buffer.from('reports_received\r\n');
    player.client.send(writeRequest({ method: 'GET_PARAMETER', url: urlAt(), headers, body }));
    return Number(/^reports_received: (\d+)/m.exec((await player.client.answer()).text)![1]);
  };
  const before = await reports();
  receiver.sendRtcp(receiverReport(source), player.serverRtcpPort);
  await eventually(async () => expect(await reports()).toBeGreaterThan(before));
}
