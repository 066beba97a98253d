/** RFC 2326 §7.1.1 and §11: what is refused, with which status, and a line that says what was expected. */
import { itOfFinch, subjectOfFile } from './subject';
import { talkOfEachTest } from './talk';

jest.setTimeout(20_000);

const TCP = 'RTP/AVP/TCP;unicast;interleaved=0-1';

const subject = subjectOfFile();
const talk = talkOfEachTest(subject);

interface Refusal {
  readonly method: string;
  readonly url?: 'missing' | 'track' | 'no track' | 'movie';
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly status: number;
  /** What servers other than Finch may say as well, for want of a MUST. */
  readonly orElse?: readonly number[];
  /** A header that the answer must have, and what must be in it. */
  readonly answer?: readonly [name: string, value: RegExp];
}

/** Sends a request, with a body if need be, and expects the refusal. */
async function expectRefusal({
  method,
  url = 'movie',
  headers = {},
  body = '',
  status,
  orElse = [],
  answer,
}: Refusal): Promise<void> {
  const movie = talk().aggregateUrl;
  const track = talk().controls[0]!;
  const target = { missing: subject.missingUrl, track, 'no track': `${subject.url}/trackID=9`, movie }[url];
  const all: Record<string, string> = {
    CSeq: '4711',
    ...(talk().session === '' ? {} : { Session: talk().session }),
    ...(body === '' ? {} : { 'Content-Length': String(body.length) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  talk().client.send(`${method} ${target} RTSP/1.0\r\n${lines.join('')}\r\n${body}`);
  const refused = await talk().client.answer(method);
  const isAsGood = !subject.isFinch && orElse.includes(refused.status);
  expect({ method, status: refused.status, cseq: refused.headers.get('CSeq') }).toEqual({
    method,
    status: isAsGood ? refused.status : status,
    cseq: '4711', // §12.17
  });
  if (answer !== undefined) expect(refused.headers.get(answer[0])).toMatch(answer[1]);
  if (subject.isFinch) expect(refused.text).toMatch(/^[^\r\n]+\r\n/); // says what was expected
}

const WITHOUT_SESSION: readonly (readonly [string, Refusal])[] = [
  ['404 what is not there', { method: 'DESCRIBE', url: 'missing', status: 404 }],
  ['454 PLAY without a session (§11.3.5)', { method: 'PLAY', status: 454 }],
  ['454 a session that never was', { method: 'PLAY', headers: { Session: '0123456789abcdef' }, status: 454 }],
  [
    '459 SETUP of the movie as a whole (§11.3.10)',
    { method: 'SETUP', headers: { Transport: TCP }, status: 459, orElse: [400, 404] },
  ],
  [
    '461 a profile that nobody knows',
    { method: 'SETUP', url: 'track', headers: { Transport: 'X/Y/Z;unicast' }, status: 461 },
  ],
  ['501 a method that nobody knows (§10: MUST)', { method: 'JUGGLE', status: 501 }],
  [
    '551 Require of what nobody supports (§12.32)',
    {
      method: 'OPTIONS',
      headers: { Require: 'org.example.juggling' },
      status: 551,
      answer: ['Unsupported', /org\.example\.juggling/],
    },
  ],
];

const OF_FINCH: readonly (readonly [string, Refusal])[] = [
  [
    '406 no description in the wanted format (§12.1: SHOULD)',
    { method: 'DESCRIBE', headers: { Accept: 'text/html' }, status: 406 },
  ],
  ['400 SETUP without Transport', { method: 'SETUP', url: 'track', status: 400 }],
  [
    '400 a Blocksize that is none (§12.7)',
    { method: 'SETUP', url: 'track', headers: { Transport: TCP, Blocksize: '0' }, status: 400 },
  ],
  [
    '400 a Bandwidth that is none (§12.6)',
    { method: 'SETUP', url: 'track', headers: { Transport: TCP, Bandwidth: 'much' }, status: 400 },
  ],
  [
    '405 a method that is not for us, with Allow (§11.3.3)',
    { method: 'RECORD', status: 405, answer: ['Allow', /SETUP, PLAY/] },
  ],
  ['405 ANNOUNCE', { method: 'ANNOUNCE', status: 405, answer: ['Allow', /DESCRIBE/] }],
  [
    '404 a track that is not there',
    { method: 'SETUP', url: 'missing', headers: { Transport: TCP }, status: 404 },
  ],
  ['404 the description of a track that is not there', { method: 'DESCRIBE', url: 'no track', status: 404 }],
  [
    '462 a destination that is somebody else (§11.3.13, §16)',
    {
      method: 'SETUP',
      url: 'track',
      headers: { Transport: 'RTP/AVP;unicast;destination=192.0.2.1;client_port=5000-5001' },
      status: 462,
    },
  ],
  [
    '461 UDP without client_port',
    { method: 'SETUP', url: 'track', headers: { Transport: 'RTP/AVP;unicast' }, status: 461 },
  ],
  [
    '551 Proxy-Require, which servers treat alike (§12.27)',
    {
      method: 'OPTIONS',
      headers: { 'Proxy-Require': 'org.example.juggling' },
      status: 551,
      answer: ['Unsupported', /juggling/],
    },
  ],
];

const WITH_SESSION: readonly (readonly [string, Refusal])[] = [
  [
    '451 a parameter that nobody knows (§11.3.2)',
    { method: 'GET_PARAMETER', body: 'juggling\r\n', status: 451 },
  ],
  [
    '415 parameters in another format',
    { method: 'GET_PARAMETER', headers: { 'Content-Type': 'text/xml' }, body: '<x/>', status: 415 },
  ],
  [
    '456 the time of day, which a recording has not (§11.3.7)',
    { method: 'PLAY', headers: { Range: 'clock=19961108T142300Z-' }, status: 456 },
  ],
  [
    '457 a place behind the end (§11.3.8)',
    { method: 'PLAY', headers: { Range: 'npt=1000000-' }, status: 457 },
  ],
  [
    '458 a parameter that can only be read (§11.3.9)',
    { method: 'SET_PARAMETER', body: 'position: 3\r\n', status: 458 },
  ],
  [
    '459 a track of another movie (§10.4)',
    { method: 'SETUP', url: 'missing', headers: { Transport: TCP }, status: 459 },
  ],
  ['460 PLAY of one track of two (§11.3.11)', { method: 'PLAY', url: 'track', status: 460 }],
  ['404 PLAY of a track that is not there', { method: 'PLAY', url: 'no track', status: 404 }],
  ['404 PAUSE of a track that is not there', { method: 'PAUSE', url: 'no track', status: 404 }],
  ['501 a range in bytes (§12.29)', { method: 'PLAY', headers: { Range: 'bytes=0-1' }, status: 501 }],
];

describe('without a session', () => {
  it.each(WITHOUT_SESSION)('%s', (_, refusal) => expectRefusal(refusal));
  itOfFinch.each(OF_FINCH)('%s', (_, refusal) => expectRefusal(refusal));

  it('461 multicast (§11.3.12), unless multicast is what it gives', async () => {
    const answer = await talk().request('SETUP', talk().controls[0]!, { Transport: 'RTP/AVP;multicast' });
    talk().session = answer.headers.get('Session')?.split(';')[0] ?? '';
    const given = answer.headers.get('Transport') ?? '';
    if (subject.isFinch || answer.status !== 200) expect(answer.status).toBe(461);
    else expect(given).toContain('multicast');
  });
});

describe('with a session', () => {
  beforeEach(() => talk().setUpAll('TCP'));

  itOfFinch.each(WITH_SESSION)('%s', (_, refusal) => expectRefusal(refusal));

  itOfFinch(
    '455 SETUP of a track that plays or has paused, with the methods that are allowed (§10.4, §11.3.6)',
    async () => {
      const refusal: Refusal = {
        method: 'SETUP',
        url: 'track',
        headers: { Transport: TCP },
        status: 455,
        answer: ['Allow', /^(?!.*SETUP).*PLAY, PAUSE/],
      };
      await talk().play();
      await expectRefusal(refusal);
      await talk().expectOk('PAUSE');
      await expectRefusal(refusal);
    },
  );

  itOfFinch('457 leaves what is played as it is', async () => {
    await talk().play();
    expect((await talk().request('PLAY', undefined, { Range: 'npt=1000000-' })).status).toBe(457);
    await talk().tracks[0]!.morePackets(3);
  });
});

describe('what ends the connection', () => {
  it('505 another version (§11.3), or nothing at all', async () => {
    talk().client.send(`OPTIONS ${subject.url} RTSP/7.3\r\nCSeq: 1\r\n\r\n`);
    const answer = await talk()
      .client.answer()
      .catch((error: Error) => (talk().client.isClosed ? 'closed' : error.message));
    if (subject.isFinch || answer !== 'closed') expect(answer).toMatchObject({ status: 505 });
  });

  itOfFinch.each([
    ['413 headers without end', 413, (): string => `OPTIONS * RTSP/1.0\r\nX: ${'x'.repeat(20_000)}`],
    [
      '413 a body beyond all bounds',
      413,
      () => 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n',
    ],
    ['414 a URL without end', 414, () => `OPTIONS rtsp://h/${'x'.repeat(20_000)}`],
    ['400 what is no RTSP', 400, () => '\x01\x02\x03\r\n\r\n'],
    ['400 a request line of one word', 400, () => 'OPTIONS\r\n\r\n'],
  ])('%s: answered, then closed', async (_, status, bytes) => {
    talk().client.send(bytes());
    const answer = await talk().client.answer();
    expect(answer.status).toBe(status);
    expect(answer.headers.get('Connection')).toBe('close');
    expect(answer.headers.get('CSeq')).toBe(/CSeq: (\d+)/.exec(bytes())?.[1]); // §12.17
    expect(answer.text).toMatch(/expected|more than|beyond the limit/);
    await talk().client.closed();
  });
});

describe('what does not', () => {
  itOfFinch.each([
    ['400 a missing CSeq (§12.17)', 400, (): string => `OPTIONS ${subject.url} RTSP/1.0\r\n\r\n`],
    ['400 a CSeq that is no number', 400, () => `OPTIONS ${subject.url} RTSP/1.0\r\nCSeq: one\r\n\r\n`],
    [
      '414 a URL of 5000 characters',
      414,
      () => `OPTIONS rtsp://h/${'x'.repeat(5000)} RTSP/1.0\r\nCSeq: 1\r\n\r\n`,
    ],
  ])('%s', async (_, status, bytes) => {
    talk().client.send(bytes());
    expect((await talk().client.answer()).status).toBe(status);
    await talk().expectOk('OPTIONS', '*');
  });
});
