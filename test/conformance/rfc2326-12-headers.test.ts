/** RFC 2326 §12: the headers of answers, and those of requests that change how a movie is sent. */
import { type NptRange, parseRange } from '@finch/rtsp/headers/range';
import { parseTransport } from '@finch/rtsp/headers/transport';
import { itOfFinch, subjectOfFile } from './subject';
import { talkOfEachTest } from './talk';

jest.setTimeout(30_000);

const subject = subjectOfFile();
const talk = talkOfEachTest(subject);

/** SETUP of the first track; the answer's Transport, or the status when it was refused. */
async function transportFor(offer: string): Promise<ReturnType<typeof parseTransport>[0] | number> {
  const { status, headers } = await talk().request('SETUP', talk().controls[0]!, { Transport: offer });
  if (status !== 200) return status;
  talk().session = headers.get('Session')!.split(';')[0]!;
  return parseTransport(headers.get('Transport')!)[0]!;
}

describe('general headers', () => {
  // RFC 2068 §14.10 says SHOULD NOT of a connection that lives on.
  itOfFinch('§12.10 Connection: close is obeyed, behind the answer', async () => {
    talk().client.send(`OPTIONS ${subject.url} RTSP/1.0\r\nCSeq: 5\r\nConnection: Close\r\n\r\n`);
    expect((await talk().client.answer()).status).toBe(200);
    await talk().client.closed();
  });

  itOfFinch('§12.10 the answer tells that it is the last', async () => {
    talk().client.send(`OPTIONS ${subject.url} RTSP/1.0\r\nCSeq: 5\r\nConnection: x, close\r\n\r\n`);
    expect((await talk().client.answer()).headers.get('Connection')).toBe('close');
  });

  itOfFinch('§12.18 Date and §12.36 Server are in every answer', async () => {
    for (const url of [subject.url, subject.missingUrl]) {
      const { headers } = await talk().request('DESCRIBE', url);
      expect(Date.parse(headers.get('Date')!)).not.toBeNaN();
      expect(headers.has('Server')).toBe(true);
    }
  });

  itOfFinch.each(['12', '3.75', '1e3', 'now'])(
    '§12.38 Timestamp: %s is echoed if it is one',
    async (value) => {
      const { headers } = await talk().expectOk('OPTIONS', '*', { Timestamp: value });
      expect(headers.get('Timestamp')).toBe(/^[\d.]+$/.test(value) ? value : undefined);
    },
  );

  itOfFinch('§12.8, §12.24 Cache-Control and Last-Modified come with what can be cached', async () => {
    const described = await talk().expectOk('DESCRIBE', subject.url);
    for (const { headers } of [described, await talk().setUp(0, 'TCP')]) {
      expect(headers.get('Cache-Control')).toBe('must-revalidate');
      expect(Date.parse(headers.get('Last-Modified')!)).not.toBeNaN();
    }
  });
});

describe('§12.39 Transport', () => {
  it('takes one of several offers: the first that it can, if it heeds what the client likes best', async () => {
    const tcp = { lowerTransport: 'TCP', interleaved: { rtp: 4, rtcp: 5 } };
    const udp = { lowerTransport: 'UDP', clientPort: { rtp: 45000, rtcp: 45001 } };
    const chosen = await transportFor(
      'X/Y;unicast,RTP/AVP/TCP;unicast;interleaved=4-5,RTP/AVP;unicast;client_port=45000-45001',
    );
    if (typeof chosen === 'number') throw new Error(`refused by ${chosen}, expected one of the offers`);
    expect(chosen).toMatchObject(subject.isFinch || chosen.lowerTransport === 'TCP' ? tcp : udp);
  });

  it.each(['RTP/AVP', 'RTP/AVP/UDP'])('takes %s as UDP, and names its own ports', async (profile) => {
    const chosen = await transportFor(`${profile};unicast;client_port=45000-45001`);
    expect(chosen).toMatchObject({ lowerTransport: 'UDP', clientPort: { rtp: 45000, rtcp: 45001 } });
    const { serverPort } = chosen as { serverPort?: { rtp: number; rtcp: number } };
    expect(serverPort!.rtcp).toBe(serverPort!.rtp + 1);
  });

  itOfFinch.each([
    ['an odd port', 'client_port=45001-45002', { rtp: 45001, rtcp: 45002 }],
    ['a single port', 'client_port=45000', { rtp: 45000, rtcp: 45001 }],
  ])('takes %s', async (_, ports, clientPort) => {
    expect(await transportFor(`RTP/AVP;unicast;${ports}`)).toMatchObject({ clientPort });
  });

  itOfFinch('chooses channels when the client does not', async () => {
    expect(await transportFor('RTP/AVP/TCP;unicast')).toMatchObject({ interleaved: { rtp: 0, rtcp: 1 } });
  });

  itOfFinch('names ssrc and source, and mode when it was asked for', async () => {
    const chosen = await transportFor('RTP/AVP;unicast;client_port=45000-45001;mode="PLAY"');
    expect(chosen).toMatchObject({ modes: ['PLAY'], source: talk().client.socket.remoteAddress });
    expect(typeof (chosen as { ssrc?: number }).ssrc).toBe('number');
  });

  itOfFinch('takes the own address as destination', async () => {
    const own = talk().client.socket.localAddress;
    const offer = `RTP/AVP;unicast;destination=${own};client_port=45000-45001`;
    expect(await transportFor(offer)).toMatchObject({ lowerTransport: 'UDP' });
  });
});

describe('§12.29 Range', () => {
  beforeEach(() => talk().setUp(0, 'TCP'));

  const rangeFor = async (range: string): Promise<NptRange> =>
    (await talk().play({ Range: range })).range as NptRange;

  it.each([
    ['npt=2-5', 2, 5],
    ['npt=0:00:02-0:00:05.0', 2, 5],
  ])('%s is where it plays', async (text, start, end) => {
    const range = await rangeFor(text);
    expect(range.start as number).toBeLessThanOrEqual(start);
    expect(range.end).toBe(end);
  });

  itOfFinch.each([
    ['npt=-3', 0, 3],
    ['npt=now-3', 0, 3],
    ['smpte-25=00:00:02:00-00:00:03:05', 2, 3.2],
    ['smpte=00:00:02-', 2.002, undefined],
    ['npt=2-;time=19970123T153600Z', 2, undefined],
  ])('%s is understood too, with open ends', async (text, start, end) => {
    const range = await rangeFor(text);
    expect(range.start as number).toBeLessThanOrEqual(start);
    expect(range.end).toBeCloseTo(end ?? talk().durationS, 3);
  });
});

describe('how it is sent', () => {
  itOfFinch('§12.7 Blocksize bounds the payload of packets, and the answer tells it', async () => {
    const { headers } = await talk().setUp(0, 'TCP', { Blocksize: '500' });
    const bytes = Number(headers.get('Blocksize'));
    expect(bytes).toBeLessThanOrEqual(500);
    expect(bytes).toBeGreaterThan(400);
    await talk().play();
    await talk().tracks[0]!.packetsArrived(30);
    const largest = Math.max(...talk().tracks[0]!.packets.map(({ payload }) => payload.length));
    expect(largest).toBeLessThanOrEqual(bytes);
    expect(largest).toBeGreaterThan(bytes / 2);
  });

  itOfFinch('§12.7 a Blocksize beyond what the server makes is answered with that', async () => {
    const { headers } = await talk().setUp(0, 'TCP', { Blocksize: '60000' });
    expect(Number(headers.get('Blocksize'))).toBeLessThan(1500);
  });

  itOfFinch('§12.6 Bandwidth bounds Speed', async () => {
    await talk().setUp(0, 'TCP', { Bandwidth: '100' });
    const slow = await talk().play({ Speed: '4', Range: 'npt=0-' });
    expect(slow.answer.headers.get('Speed')).toBe('1');
    const fast = await talk().play({ Speed: '4', Range: 'npt=0-', Bandwidth: '100000000' });
    expect(fast.answer.headers.get('Speed')).toBe('4');
  });

  itOfFinch.each(['0', '1'])('x-Dynamic-Rate: %s is taken and told', async (value) => {
    const { headers } = await talk().setUp(0, 'TCP', { 'x-Dynamic-Rate': value });
    expect(headers.get('x-Dynamic-Rate')).toBe(value);
    await talk().play();
    await talk().tracks[0]!.packetsArrived(3);
  });

  it('§12.34 Scale: the answer says the one that is served', async () => {
    await talk().setUp(0, 'TCP');
    const { answer } = await talk().play({ Scale: '2', Range: 'npt=0-' });
    expect(Number(answer.headers.get('Scale') ?? '1')).toBeGreaterThan(0);
    expect(parseRange(answer.headers.get('Range')!).unit).toBe('npt');
  });
});
