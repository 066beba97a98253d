/** OPTIONS, DESCRIBE, SETUP and the keep-alives, as a client hears them over a real socket. Spec: RFC 2326 §10, §12. */
import { readFileSync } from 'node:fs';
import { parseTransport } from '@finch/rtsp/headers/transport';
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { RtspClient } from '../../support/rtsp-client';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

const METHODS = 'OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER';
const TCP = { Transport: 'RTP/AVP/TCP;unicast' };

let finch: FinchUnderTest;
let client: RtspClient;
let url: string;

beforeAll(async () => {
  finch = await startFinch();
  url = finch.url(SAMPLE);
});
afterAll(() => finch.stop());
beforeEach(async () => {
  client = await RtspClient.connect({ port: finch.port });
});
afterEach(() => client.close());

describe('OPTIONS', () => {
  it.each(['*', 'rtsp://127.0.0.1/', 'rtsp://127.0.0.1/no-such-movie.mp4'])(
    'lists the methods for %s (RFC 2326 §10.1, §12.28)',
    async (target) => {
      const { status, headers } = await client.request('OPTIONS', target);
      expect(status).toBe(200);
      expect(headers.get('Public')).toBe(METHODS);
      expect(headers.get('Server')).toBe('Finch');
      expect(new Date(headers.get('Date')!).getTime()).toBeGreaterThan(Date.now() - 60_000);
    },
  );
});

describe('DESCRIBE', () => {
  const line = (sdp: string, start: string): string[] =>
    sdp.split('\r\n').filter((each) => each.startsWith(start));

  it('answers with SDP and a Content-Base that ends in a slash (RFC 2326 §10.2, appendix C.1.1)', async () => {
    const { status, headers, text } = await client.request('DESCRIBE', url);
    expect(status).toBe(200);
    expect(headers.get('Content-Type')).toBe('application/sdp');
    expect(headers.get('Content-Base')).toBe(`${url}/`);
    expect(headers.get('Content-Length')).toBe(String(Buffer.byteLength(text)));
    expect(headers.has('Last-Modified')).toBe(true);
    expect(line(text, 's=')).toEqual([`s=${SAMPLE}`]);
    expect(line(text, 'a=control:')).toEqual(['a=control:*', 'a=control:trackID=1', 'a=control:trackID=2']);
    expect(line(text, 'm=')).toEqual(['m=video 0 RTP/AVP 96 127', 'm=audio 0 RTP/AVP 97 126']);
    expect(line(text, 'a=rtpmap:')).toEqual([
      'a=rtpmap:96 H264/90000',
      'a=rtpmap:127 rtx/90000',
      'a=rtpmap:97 mpeg4-generic/48000/2',
      'a=rtpmap:126 rtx/48000',
    ]);
    expect(line(text, 'a=rtcp-fb:')).toEqual(['a=rtcp-fb:96 nack', 'a=rtcp-fb:97 nack']);
    expect(line(text, 'a=fmtp:127')).toEqual(['a=fmtp:127 apt=96;rtx-time=2000']);
  });

  it('tells the length of the movie (RFC 2326 appendix C.1.5)', async () => {
    const { text } = await client.request('DESCRIBE', url);
    const [, seconds] = /^a=range:npt=0-([\d.]+)$/m.exec(text)!;
    expect(Number(seconds)).toBeGreaterThanOrEqual(24);
    expect(Number(seconds)).toBeLessThan(24.1);
  });

  it('has the parameter sets of the file itself (RFC 6184 §8.2.1)', async () => {
    const { text } = await client.request('DESCRIBE', url);
    const sets = /sprop-parameter-sets=([^;\r]+)/.exec(text)![1]!.split(',');
    const [sps, pps] = sets.map((set) => Buffer.from(set, 'base64'));
    expect([sps![0]! & 0x1f, pps![0]! & 0x1f]).toEqual([7, 8]);
    const file = readFileSync(`${finch.config.media}/${SAMPLE}`);
    const avcC = file.indexOf('avcC');
    expect(file.subarray(avcC, avcC + 200).includes(sps!)).toBe(true);
    expect(file.subarray(avcC, avcC + 200).includes(pps!)).toBe(true);
    expect(text).toContain(`profile-level-id=${sps!.subarray(1, 4).toString('hex').toUpperCase()}`);
  });

  it.each([
    ['application/sdp', 200],
    ['application/sdp;level=2, text/html', 200],
    ['*/*', 200],
    ['application/*', 200],
    ['text/html', 406],
    ['application/sdp;q=0', 406],
  ])('with Accept: %s answers %i (RFC 2326 §12.1)', async (accept, status) => {
    expect((await client.request('DESCRIBE', url, { Accept: accept })).status).toBe(status);
  });

  it('answers 404 for what is not there, and says what (RFC 2326 §11.3)', async () => {
    const { status, text } = await client.request('DESCRIBE', finch.url('no/such movie.mp4'));
    expect(status).toBe(404);
    expect(text).toBe('no/such movie.mp4: no such file in the media folder\r\n');
  });

  it('echoes the URL as the client wrote it, query included', async () => {
    const { headers } = await client.request('DESCRIBE', `${url}?token=a%20b`);
    expect(headers.get('Content-Base')).toBe(`${url}?token=a%20b/`);
  });
});

describe('SETUP', () => {
  const track = (id: number): string => `${url}/trackID=${id}`;

  it('over UDP names both pairs of ports, the source and the ssrc (RFC 2326 §12.39)', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'UDP', client });
    for (const [i, transport] of viewer.transports.entries()) {
      expect(transport).toMatchObject({ profile: 'RTP/AVP', delivery: 'unicast', source: '127.0.0.1' });
      expect(transport.clientPort).toEqual({ rtp: viewer.udp[i]!.port, rtcp: viewer.udp[i]!.port + 1 });
      expect(transport.serverPort!.rtp % 2).toBe(0); // RFC 3550 §11
      expect(transport.serverPort!.rtcp).toBe(transport.serverPort!.rtp + 1);
      expect(transport.interleaved).toBeUndefined();
    }
    expect(new Set(viewer.transports.map(({ ssrc }) => ssrc)).size).toBe(2);
    await viewer.teardown();
    await viewer.close();
  });

  it('advertises the timeout and makes an id beyond guessing (RFC 2326 §12.37, §3.4)', async () => {
    const { headers } = await client.request('SETUP', track(1), TCP);
    expect(headers.get('Session')).toMatch(/^[0-9a-f]{32};timeout=60$/);
  });

  it('chooses channels when the client names none, and takes those it names (RFC 2326 §10.12)', async () => {
    const first = await Viewer.open(finch, { carrier: 'TCP', client });
    const channels = first.transports.map(({ interleaved }) => [interleaved!.rtp, interleaved!.rtcp]);
    expect(channels).toEqual([
      [0, 1],
      [2, 3],
    ]);
    const { headers } = await client.request('SETUP', track(1), {
      Transport: 'RTP/AVP/TCP;unicast;interleaved=10-11',
    });
    expect(parseTransport(headers.get('Transport')!)[0]!.interleaved).toEqual({ rtp: 10, rtcp: 11 });
  });

  it('refuses channels that another track has on this connection: 461 (RFC 2326 §10.12)', async () => {
    const named = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };
    expect((await client.request('SETUP', track(1), named)).status).toBe(200);
    const { status, text } = await client.request('SETUP', track(2), named);
    expect({ status, text }).toEqual({
      status: 461,
      text: 'Transport: channels 0-1 are taken on this connection\r\n',
    });
  });

  it('takes two sessions on one connection; each plays on its own channels (RFC 2326 §1.4)', async () => {
    const one = await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1] });
    const two = await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1, 2] });
    expect(one.session).not.toBe(two.session);
    await one.play();
    await two.play('npt=10-');
    await Promise.all([...one.tracks, ...two.tracks].map((receiver) => receiver.morePackets(20)));
    await one.teardown();
    const left = two.tracks[0]!.packets.length;
    await two.tracks[0]!.packetsArrived(left + 20);
    for (const receiver of [...one.tracks, ...two.tracks]) receiver.expectContiguous();
    expect((await two.request('GET_PARAMETER', url)).status).toBe(200);
  });

  it('sets a track up anew before it plays, with other channels (RFC 2326 §10.4)', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1] });
    const { status } = await viewer.request('SETUP', track(1), {
      Transport: 'RTP/AVP/TCP;unicast;interleaved=8-9',
    });
    expect(status).toBe(200);
    await viewer.request('PLAY', url);
    await client.until(() => client.frames.length > 10, 'packets');
    expect(client.frames.every(({ channel }) => channel === 8 || channel === 9)).toBe(true);
  });

  it.each<[string, string, number]>([
    ['multicast is not served', 'RTP/AVP;multicast', 461],
    ['multicast is the default over UDP without ports', 'RTP/AVP', 461],
    ['an unknown profile', 'RTP/SAVPF;unicast;client_port=5000-5001', 461],
    ['RECORD is not served', 'RTP/AVP/TCP;unicast;mode=RECORD', 461],
    ['somebody else as destination', 'RTP/AVP;unicast;destination=192.0.2.1;client_port=5000-5001', 462],
    ['no header', '', 400],
    ['ports out of range', 'RTP/AVP;unicast;client_port=70000-70001', 400],
    ['nothing that can be read', 'FOO,RTP/AVP/TCP;unicast;interleaved=300-301', 400],
    [
      'several of somebody else',
      'RTP/AVP;unicast;destination=192.0.2.1;client_port=5000-5001,RTP/AVP/TCP;destination=192.0.2.1',
      462,
    ],
  ])('refuses a Transport: %s (RFC 2326 §12.39, §11.3)', async (_, transport, status) => {
    const headers = transport === '' ? {} : { Transport: transport };
    const answer = await client.request('SETUP', track(1), headers as Record<string, string>);
    expect({ status: answer.status, session: answer.headers.get('Session') }).toEqual({
      status,
      session: undefined,
    });
  });

  it('takes the first offer that it can serve, and the own address as destination', async () => {
    const { headers } = await client.request('SETUP', track(1), {
      Transport: 'RTP/SAVP;unicast;client_port=1-2,RTP/AVP/TCP;unicast;destination=127.0.0.1,RTP/AVP/TCP',
    });
    expect(parseTransport(headers.get('Transport')!)[0]).toMatchObject({ profile: 'RTP/AVP/TCP' });
  });

  it.each([
    ['leads to somebody else', 'RTP/AVP;unicast;destination=192.0.2.1;client_port=5000-5001'],
    ['asks for channels that are taken', 'RTP/AVP/TCP;unicast;interleaved=0-1'],
    ['asks for port 0', 'RTP/AVP;unicast;client_port=0-1'],
    ['asks for channels that are none', 'RTP/AVP/TCP;unicast;interleaved=300-301'],
    ['is unknown', 'FOO'],
    ['is multicast', 'RTP/AVP;multicast'],
  ])('takes the next offer where one %s (RFC 2326 §12.39)', async (_, offer) => {
    await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1] }); // has channels 0-1
    const answer = await client.request('SETUP', track(1), {
      Transport: `${offer},RTP/AVP/TCP;unicast;interleaved=6-7`,
    });
    expect(answer.status).toBe(200);
    const transports = parseTransport(answer.headers.get('Transport')!);
    expect(transports).toMatchObject([{ profile: 'RTP/AVP/TCP', interleaved: { rtp: 6, rtcp: 7 } }]);
  });

  it('says of several offers that are taken why the first is refused', async () => {
    await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1, 2] }); // has channels 0-3
    const Transport = 'RTP/AVP/TCP;unicast;interleaved=2-3,RTP/AVP/TCP;unicast;interleaved=0-1';
    const { status, text } = await client.request('SETUP', track(1), { Transport });
    expect({ status, text }).toEqual({
      status: 461,
      text: 'Transport: channels 2-3 are taken on this connection\r\n',
    });
  });

  it.each([
    ['RTP/AVP/TCP;unicast;mode="PLAY,RECORD";append', /;mode="PLAY"$/],
    ['RTP/AVP/TCP;unicast', /;ssrc=[0-9A-F]{8}$/],
  ])('answers to %s what it serves', async (offer, end) => {
    const { headers } = await client.request('SETUP', track(1), { Transport: offer });
    expect(headers.get('Transport')).toMatch(end);
    expect(headers.get('Transport')).not.toContain('append');
  });

  it('refuses the movie as a whole: 459 (RFC 2326 §11.3.10)', async () => {
    expect((await client.request('SETUP', url, TCP)).status).toBe(459);
  });

  it.each(['/trackID=9', '/trackID=0', '/trackID=99999999999'])(
    'refuses a track that is not there: 404 for %s',
    async (path) => {
      expect((await client.request('SETUP', url + path, TCP)).status).toBe(404);
    },
  );
});

describe('keep-alives and states', () => {
  it.each(['GET_PARAMETER', 'SET_PARAMETER', 'OPTIONS'])(
    '%s with a session is a sign of life, with an unknown one 454 (RFC 2326 §10.8, §11.3.5)',
    async (method) => {
      const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
      expect((await viewer.request(method, url)).status).toBe(200);
      expect((await client.request(method, url, { Session: '12345678' })).status).toBe(454);
    },
  );

  it.each(['GET_PARAMETER', 'SET_PARAMETER'])(
    '%s with parameters is 451 (RFC 2326 §11.3.2)',
    async (method) => {
      client.send(`${method} ${url} RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 6\r\n\r\nvolume`);
      expect((await client.answer()).status).toBe(451);
    },
  );

  it.each(['PLAY', 'PAUSE', 'TEARDOWN'])('%s before SETUP is 454 (RFC 2326 appendix A.2)', async (method) => {
    expect((await client.request(method, url)).status).toBe(454);
    expect((await client.request(method, url, { Session: 'abcdefgh' })).status).toBe(454);
    expect((await client.request(method, url, { Session: 'no, session' })).status).toBe(454);
  });

  it('a track that has played is not set up again: 455 with Allow; none is added: 459 (RFC 2326 §10.4)', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1] });
    const expectRefused = async (): Promise<void> => {
      const again = await viewer.request('SETUP', `${url}/trackID=1`, TCP);
      expect([again.status, again.headers.get('Allow')]).toEqual([
        455,
        'OPTIONS, DESCRIBE, GET_PARAMETER, SET_PARAMETER, PLAY, PAUSE, TEARDOWN',
      ]);
      expect((await viewer.request('SETUP', `${url}/trackID=2`, TCP)).status).toBe(459);
    };
    await viewer.play();
    await expectRefused();
    await viewer.pause();
    await expectRefused();
    await viewer.play();
    const before = viewer.tracks[0]!.packets.length;
    await viewer.tracks[0]!.packetsArrived(before + 10);
  });

  it('a track may be set up again after PAUSE where PLAY has not been (RFC 2326 appendix A.2)', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1] });
    expect((await viewer.request('PAUSE', url)).status).toBe(200);
    expect((await viewer.request('SETUP', `${url}/trackID=1`, TCP)).status).toBe(200);
  });

  it('a track is not set up again after the end of the movie either: 455', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [1] });
    await viewer.play('npt=23.5-');
    await viewer.tracks[0]!.byeArrived();
    expect((await viewer.request('SETUP', `${url}/trackID=1`, TCP)).status).toBe(455);
  });

  it.each(['PLAY', 'PAUSE'])('%s of one track among two is 460 (RFC 2326 §11.3.11)', async (method) => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
    expect((await viewer.request(method, viewer.trackUrls[0]!)).status).toBe(460);
  });

  it('PLAY of the only track that was set up may name it', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client, trackIds: [2] });
    expect((await viewer.request('PLAY', viewer.trackUrls[0]!)).status).toBe(200);
  });

  it('a session is of one movie: another URL is 454', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
    expect((await viewer.request('PLAY', finch.url('other.mp4'))).status).toBe(454);
  });

  it('is unknown to what comes right behind its TEARDOWN: 454 (RFC 2326 §10.7)', async () => {
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
    const request = (method: string): string =>
      `${method} ${url} RTSP/1.0\r\nCSeq: 900\r\nSession: ${viewer.session}\r\n\r\n`;
    client.send(request('TEARDOWN') + request('PLAY'));
    expect([(await client.answer()).status, (await client.answer()).status]).toEqual([200, 454]);
  });

  it("another host can't use a session's id: 454 (RFC 2326 §16)", async () => {
    const viewer = await Viewer.open(finch, { carrier: 'UDP', client });
    const thief = await RtspClient.connect({ port: finch.port, localAddress: '127.0.0.2' });
    for (const method of ['PLAY', 'PAUSE', 'TEARDOWN', 'GET_PARAMETER']) {
      const answer = await thief.request(method, url, { Session: viewer.session });
      expect({ method, status: answer.status }).toEqual({ method, status: 454 });
    }
    await thief.close();
    // The same host on another connection may: sessions are not bound to connections (RFC 2326 §1.1).
    const again = await RtspClient.connect({ port: finch.port });
    expect((await again.request('TEARDOWN', url, { Session: viewer.session })).status).toBe(200);
    await again.close();
    await viewer.close();
  });
});
