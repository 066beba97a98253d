/**
 * The dialogues that the fuzzer mutates: what players really send, as bytes. Rule: unmutated, each is valid.
 * Spec: RFC 2326 §10, appendix C; Apple, "Tunnelling RTSP and RTP through HTTP".
 */

/** A dialogue of one connection. */
export interface Dialogue {
  readonly name: string;
  /** Transport of the sessions that are set up, unmutated, before `bytes` are sent; none without. */
  readonly transport?: string;
  /** What is mutated and sent. `session` is the id of the session, or something like one. */
  bytes(url: string, session: string): Buffer;
}

const HEAD_OF_PLAYER = 'User-Agent: LibVLC/3.0.20 (LIVE555 Streaming Media v2016.11.28)\r\n';

function request(method: string, url: string, cseq: number, ...headers: readonly string[]): string {
  const lines = [`${method} ${url} RTSP/1.0`, `CSeq: ${cseq}`, ...headers];
  return `${lines.join('\r\n')}\r\n${HEAD_OF_PLAYER}\r\n`;
}

function frame(channel: number, payload: Uint8Array): Buffer {
  const header = Buffer.from([0x24, channel, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([header, payload]);
}

/** A receiver report with one block, SDES and BYE, of a sender that nobody knows. */
const REPORT = Buffer.from(
  '81c90007deadbeef01020304ff0000010000ffff000000200000000000000000' +
    '81ca0004deadbeef0106706c6179657200000000' +
    '81cb0001deadbeef',
  'hex',
);

/** Dialogues of one connection over RTSP. */
export const RTSP_DIALOGUES: readonly Dialogue[] = [
  {
    name: 'OPTIONS and DESCRIBE',
    bytes: (url) =>
      Buffer.from(
        request('OPTIONS', url, 1, 'Require: implicit-play') +
          request(
            'DESCRIBE',
            url,
            2,
            'Accept: application/sdp',
            'If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT',
          ),
      ),
  },
  {
    name: 'SETUP of all kinds',
    bytes: (url, session) =>
      Buffer.from(
        request(
          'SETUP',
          `${url}/trackID=1`,
          1,
          'Transport: RTP/AVP;multicast,RTP/AVP/TCP;unicast;interleaved=0-1',
        ) +
          request(
            'SETUP',
            `${url}/trackID=2`,
            2,
            'Transport: RTP/AVP;unicast;client_port=50000-50001;mode="PLAY";destination=10.0.0.1',
            `Session: ${session};timeout=60`,
          ) +
          request('SETUP', url, 3, 'Transport: RTP/AVP/UDP;unicast;client_port=50002'),
      ),
  },
  {
    name: 'playing over TCP',
    transport: 'RTP/AVP/TCP;unicast;interleaved=0-1',
    bytes: (url, session) =>
      Buffer.concat([
        Buffer.from(
          request('PLAY', url, 1, `Session: ${session}`, 'Range: npt=1.5-', 'Scale: 2.0', 'Speed: 1.5') +
            request(
              'GET_PARAMETER',
              url,
              2,
              `Session: ${session}`,
              'Content-Type: text/parameters',
              'Content-Length: 12',
            ) +
            'position\r\n\r\n',
        ),
        frame(1, REPORT),
        Buffer.from(request('PAUSE', url, 3, `Session: ${session}`)),
        frame(77, Buffer.alloc(300, 7)),
        Buffer.from(
          request(
            'PLAY',
            url,
            4,
            `Session: ${session}`,
            'Range: smpte=00:00:01-00:00:02;time=19970123T143720Z',
          ) + request('TEARDOWN', url, 5, `Session: ${session}`),
        ),
      ]),
  },
  {
    name: 'playing over UDP',
    transport: 'RTP/AVP;unicast;client_port=50010-50011',
    bytes: (url, session) =>
      Buffer.from(
        request('PLAY', url, 1, `Session: ${session}`, 'Range: npt=now-', 'Scale: -4') +
          request('SET_PARAMETER', url, 2, `Session: ${session}`, 'Content-Length: 10') +
          'volume: 1\n' +
          request('PLAY', url, 3, `Session: ${session}`, 'Range: clock=19961108T143720.25Z-') +
          request('OPTIONS', '*', 4, `Session: ${session}`) +
          request('TEARDOWN', `${url}/trackID=1`, 5, `Session: ${session}`),
      ),
  },
  {
    name: 'methods that are not ours',
    bytes: (url, session) =>
      Buffer.from(
        request('ANNOUNCE', url, 1, 'Content-Type: application/sdp', 'Content-Length: 5') +
          'v=0\r\n' +
          request('RECORD', url, 2, `Session: ${session}`, 'Range: npt=0-') +
          request('REDIRECT', url, 3, 'Location: rtsp://10.0.0.1/x') +
          request('OPTIONS', url, 4, 'Connection: close'),
      ),
  },
];

/** Heads of the halves of a tunnel. */
export const HTTP_HEAD = {
  get: (cookie: string) =>
    `GET /x HTTP/1.0\r\nx-sessioncookie: ${cookie}\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n`,
  post: (cookie: string) =>
    `POST /x HTTP/1.1\r\nx-sessioncookie: ${cookie}\r\nContent-Type: application/x-rtsp-tunnelled\r\n` +
    'Content-Length: 32767\r\n\r\n',
};

/** Dialogues of halves of tunnels, each by itself. */
export const TUNNEL_DIALOGUES: readonly Dialogue[] = [
  {
    name: 'GET half',
    bytes: () => Buffer.from(HTTP_HEAD.get('fuzzed') + request('OPTIONS', '*', 1)),
  },
  {
    name: 'POST half',
    bytes: (url) =>
      Buffer.from(HTTP_HEAD.post('fuzzed') + Buffer.from(request('DESCRIBE', url, 1)).toString('base64')),
  },
];

/** A ClientHello of TLS 1.3 as Node.js sends it, with its record's header (RFC 8446 §4.1.2, §5.1). */
const CLIENT_HELLO = Buffer.from(
  '160301015801000154030322d46aae1d33d50cad0a6b09e4ba3d2d4aa0195a4b986898ad7107e59b4111db2064c6bc3b' +
    '61f80163c48d877fa12c541a9595a829d65ebbc0f5ff41fe38f34ef80076130213031301c02fc02bc030c02c009ec027' +
    '0067c028006b00a3009fcca9cca8ccaac0afc0adc0a3c09fc05dc061c057c05300a2c0aec0acc0a2c09ec05cc060c056' +
    'c052c024006ac0230040c00ac01400390038c009c01300330032009dc0a1c09dc051009cc0a0c09cc050003d003c0035' +
    '002f00ff01000095000b000403000102000a00160014001d0017001e0019001801000101010201030104002300000016' +
    '000000170000000d002a0028040305030603080708080809080a080b0804080508060401050106010303030103020402' +
    '05020602002b00050403040303002d00020101003300260024001d002042df404ffadd6f5a821cf13c6e50299b2dc884' +
    'dee761d70448d431a7139aeb1e',
  'hex',
);

/** What a client sends first where TLS is spoken. */
export const HELLO_DIALOGUES: readonly Dialogue[] = [
  { name: 'ClientHello', bytes: () => CLIENT_HELLO },
  { name: 'RTSP to the port of RTSPS', bytes: (url) => Buffer.from(request('OPTIONS', url, 1)) },
];

function record(type: number, length: number, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 0xff]), payload]);
}

/** Records of a connection with keys, which fit none: application data, an alert, another handshake, a length beyond the limit. */
export const RECORD_DIALOGUES: readonly Dialogue[] = [
  { name: 'application data', bytes: () => record(23, 300, Buffer.alloc(300, 0x5a)) },
  {
    name: 'alert and handshake',
    bytes: () => Buffer.concat([record(21, 2, Buffer.from([1, 0])), CLIENT_HELLO]),
  },
  { name: 'too long a record', bytes: () => record(23, 0xffff, Buffer.alloc(3000)) },
];
