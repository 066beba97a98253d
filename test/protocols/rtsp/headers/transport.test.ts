import {
  formatTransport,
  parseTransport,
  selectTransports,
  type Transport,
} from '@finch/rtsp/headers/transport';
import fc from 'fast-check';
import { damaged, rtspErrorOf, toleratesOnlyRtspError } from '../rtsp-error-of';

const udp = {
  profile: 'RTP/AVP',
  lowerTransport: 'UDP',
  delivery: 'unicast',
  modes: [],
  append: false,
} as const;
const tcp = { ...udp, profile: 'RTP/AVP/TCP', lowerTransport: 'TCP' } as const;

const GOOD: readonly [string, Transport[]][] = [
  ['RTP/AVP;unicast;client_port=4588-4589', [{ ...udp, clientPort: { rtp: 4588, rtcp: 4589 } }]],
  [
    'RTP/AVP/UDP;unicast;client_port=6000',
    [{ ...udp, profile: 'RTP/AVP/UDP', clientPort: { rtp: 6000, rtcp: 6001 } }],
  ],
  ['RTP/AVP;unicast;client_port=5001-5002', [{ ...udp, clientPort: { rtp: 5001, rtcp: 5002 } }]],
  ['RTP/AVP;client_port=5001-5001', [{ ...udp, clientPort: { rtp: 5001, rtcp: 5001 } }]],
  ['RTP/AVP/TCP;unicast;interleaved=0-1', [{ ...tcp, interleaved: { rtp: 0, rtcp: 1 } }]],
  ['RTP/AVP/TCP;interleaved=254', [{ ...tcp, interleaved: { rtp: 254, rtcp: 255 } }]],
  ['rtp/avp/tcp', [tcp]],
  ['RTP/AVP', [{ ...udp, delivery: 'multicast' }]],
  [
    'RTP/AVP;multicast;ttl=127;layers=2;port=3456-3457;mode="PLAY"',
    [
      {
        ...udp,
        delivery: 'multicast',
        ttl: 127,
        layers: 2,
        port: { rtp: 3456, rtcp: 3457 },
        modes: ['PLAY'],
      },
    ],
  ],
  [
    'RTP/AVP;unicast;client_port=3456-3457;server_port=5000-5001;ssrc=0000ABCD;mode="play,Record";append',
    [
      {
        ...udp,
        clientPort: { rtp: 3456, rtcp: 3457 },
        serverPort: { rtp: 5000, rtcp: 5001 },
        ssrc: 0xabcd,
        modes: ['PLAY', 'RECORD'],
        append: true,
      },
    ],
  ],
  [
    'RTP/AVP;unicast;destination=[fe80::1%eth0];source="192.0.2.1";mode=PLAY;client_port=2-3',
    [
      {
        ...udp,
        destination: '[fe80::1%eth0]',
        source: '192.0.2.1',
        modes: ['PLAY'],
        clientPort: { rtp: 2, rtcp: 3 },
      },
    ],
  ],
  ['RTP/AVP;unicast;destination;constructor=1;x="a,b;c";;', [{ ...udp, destination: '' }]],
  [
    ' RTP/AVP/TCP ; unicast , RTP/AVP ; unicast ; client_port = 8 - 9 ,',
    [tcp, { ...udp, clientPort: { rtp: 8, rtcp: 9 } }],
  ],
  ['RTP/SAVP;unicast;client_port=x,MP2T/H2221/UDP;unicast;y,RTP/AVP/TCP', [tcp]],
  ['RAW/RAW/UDP;unicast', []],
  ['FOO,RAW/RAW/UDP;unicast', []],
  ['FOO,RTP/AVP/TCP', [tcp]],
  ['RTP/AVP;client_port=0-1,RTP/AVP/TCP', [tcp]],
  ['RTP/AVP/TCP,RTP/AVP/TCP;interleaved=300-301', [tcp]],
];

const BAD = [
  '',
  ' , ',
  'garbage',
  'RTP/AVP/TCP/TLS',
  'RTP/;unicast',
  ';unicast',
  'RTP/AVP;unicast;multicast',
  'RTP/AVP;client_port',
  'RTP/AVP;client_port=',
  'RTP/AVP;client_port=0-1',
  'RTP/AVP;client_port=65535',
  'RTP/AVP;client_port=70000-70001',
  'RTP/AVP;client_port=9-8',
  'RTP/AVP;client_port=1-2-3',
  'RTP/AVP;client_port=-5',
  'RTP/AVP;client_port=5-',
  'RTP/AVP;client_port=0x10',
  'RTP/AVP/TCP;interleaved=255',
  'RTP/AVP/TCP;interleaved=256-257',
  'RTP/AVP/TCP;interleaved=3-3',
  'RTP/AVP;ssrc=123456789',
  'RTP/AVP;ssrc=xyz',
  'RTP/AVP;ttl=256',
  'RTP/AVP;layers=0',
  'RTP/AVP;mode=',
  'RTP/AVP;mode="PL AY"',
  'RTP/AVP;mode="PLAY',
  'RTP/AVP;destination=a b',
  'RTP/AVP;source=a/b',
  'RTP/AVP,'.repeat(65),
];

describe('parseTransport (RFC 2326 §12.39)', () => {
  it.each(GOOD)('reads %j', (text, expected) => {
    expect(parseTransport(text)).toEqual(expected);
  });

  it.each(BAD)('answers 400 to %j', (text) => {
    expect(rtspErrorOf(() => parseTransport(text))).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/^Transport: /),
    });
  });

  it('says of alternatives that are all malformed what is wrong with the first', () => {
    const { detail } = rtspErrorOf(() => parseTransport('RTP/AVP;client_port=0-1,FOO'));
    expect(detail).toBe('Transport: found "client_port=0", expected a number 1..65535');
  });

  it('throws nothing but RtspError', () => {
    fc.assert(
      fc.property(damaged(GOOD.map(([text]) => text)), (text) =>
        toleratesOnlyRtspError(parseTransport, text),
      ),
      { numRuns: 500 },
    );
  });
});

describe('formatTransport (RFC 2326 §12.39)', () => {
  it('writes the answer of SETUP', () => {
    const [asked] = parseTransport('RTP/AVP;unicast;client_port=4588-4589;mode=play');
    const text = formatTransport({ ...asked!, serverPort: { rtp: 6256, rtcp: 6257 }, ssrc: 0xabc });
    expect(text).toBe(
      'RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257;ssrc=00000ABC;mode="PLAY"',
    );
  });

  it('gives back what it read, for whatever it could read', () => {
    const roundTrip = (text: string) => {
      for (const transport of parseTransport(text))
        expect(parseTransport(formatTransport(transport))).toEqual([transport]);
    };
    for (const [text] of GOOD) roundTrip(text);
    fc.assert(
      fc.property(damaged(GOOD.map(([text]) => text)), (text) => toleratesOnlyRtspError(roundTrip, text)),
      { numRuns: 500 },
    );
  });

  it.each([
    [{ ...udp, ssrc: -1 }, RangeError],
    [{ ...udp, ssrc: 2 ** 32 }, RangeError],
    [{ ...udp, clientPort: { rtp: 0, rtcp: 1 } }, RangeError],
    [{ ...tcp, interleaved: { rtp: 255, rtcp: 256 } }, RangeError],
    [{ ...udp, ttl: 1.5 }, RangeError],
    [{ ...udp, source: 'a\r\nX: y' }, TypeError],
    [{ ...udp, modes: ['"'] }, TypeError],
  ])('refuses the caller mistake %j', (transport, type) => {
    expect(() => formatTransport(transport)).toThrow(type);
  });
});

describe('selectTransports', () => {
  it.each([
    ['RTP/AVP;unicast;client_port=8-9', [0]],
    ['RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;unicast;client_port=8-9', [0, 1]],
    ['RTP/AVP;multicast,RTP/AVP;unicast;client_port=8-9,RTP/AVP/TCP', [1, 2]],
    ['RTP/AVP;unicast,RTP/AVP/TCP;unicast', [1]],
    ['RTP/AVP/TCP;mode=record,RTP/AVP/TCP;mode="RECORD,PLAY"', [1]],
  ])('takes of %j those numbered %j', (text, places) => {
    const alternatives = parseTransport(text);
    expect(selectTransports(alternatives)).toEqual(places.map((place) => alternatives[place]));
  });

  it.each([
    'RTP/SAVP;unicast',
    'RTP/AVP',
    'RTP/AVP;unicast',
    'RTP/AVP/TCP;multicast',
    'RTP/AVP/TCP;mode=receive',
  ])('answers 461 to %j (§11.3.12)', (text) => {
    expect(rtspErrorOf(() => selectTransports(parseTransport(text))).status).toBe(461);
  });
});
