/**
 * The messages of the tests, with their bytes: parsed, written and mutated by the tests beside this file.
 * Rule: a message is compared as a Plain, which owns its bytes, so that nothing hides behind a view or a class.
 */
import { Buffer } from 'node:buffer';
import { type ParserLimits, type RtspMessage, RtspParseError, RtspStreamParser } from 'rtsp-stream-parser';

export type Plain = Record<string, unknown>;

export interface WireCase {
  readonly name: string;
  /** Latin-1: one character is one byte. */
  readonly wire: string;
  readonly messages: readonly Plain[];
}

export interface BadCase {
  readonly name: string;
  readonly wire: string;
  readonly code: string;
  readonly statusCode?: number;
  readonly limits?: Partial<ParserLimits>;
}

type Fields = readonly (readonly [string, string])[];

export function request(
  method: string,
  url: string,
  headers: Fields,
  body = '',
  version = 'RTSP/1.0',
): Plain {
  return { kind: 'request', method, url, version, headers, body };
}

export function response(statusCode: number, reasonPhrase: string, headers: Fields, body = ''): Plain {
  return { kind: 'response', version: 'RTSP/1.0', statusCode, reasonPhrase, headers, body };
}

export function frame(channel: number, payload: string): Plain {
  return { kind: 'frame', channel, payload };
}

export function bytesOf(wire: string): Uint8Array {
  return new Uint8Array(Buffer.from(wire, 'latin1'));
}

export function wireOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

export function plainOf(message: RtspMessage): Plain {
  if (message.kind === 'frame') return { ...message, payload: wireOf(message.payload) };
  return { ...message, headers: [...message.headers], body: wireOf(message.body) };
}

export function drain(parser: RtspStreamParser): RtspMessage[] {
  const messages: RtspMessage[] = [];
  for (let message = parser.read(); message !== null; message = parser.read()) messages.push(message);
  return messages;
}

/** Parses a stream in chunks; returns its messages and, last, the code of the error that ended it. */
export function parseAll(chunks: Iterable<Uint8Array>, limits: Partial<ParserLimits> = {}): Plain[] {
  const parser = new RtspStreamParser(limits);
  const found: Plain[] = [];
  try {
    for (const chunk of chunks) {
      parser.feed(chunk);
      for (let message = parser.read(); message !== null; message = parser.read())
        found.push(plainOf(message));
    }
  } catch (error) {
    if (!(error instanceof RtspParseError)) throw error;
    found.push({ code: error.code, statusCode: error.statusCode });
  }
  return found;
}

/** Cuts bytes at the given places, in any order; the places may lie outside. Each chunk has its own memory. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = places.filter((place) => place < bytes.length).sort((a, b) => a - b);
  return [0, ...sorted].map((from, index) => bytes.slice(from, sorted[index] ?? bytes.length));
}

const CSEQ_1: Fields = [['CSeq', '1']];
const PLAY = request('PLAY', 'rtsp://example.com/movie.mp4/', [
  ['CSeq', '4'],
  ['Session', '12345678'],
  ['Range', 'npt=10-15'],
]);
const PLAY_WIRE =
  'PLAY rtsp://example.com/movie.mp4/ RTSP/1.0\r\nCSeq: 4\r\nSession: 12345678\r\nRange: npt=10-15\r\n\r\n';

export const WIRE_CASES: readonly WireCase[] = [
  { name: 'an empty stream', wire: '', messages: [] },
  {
    name: 'a request without headers (§6)',
    wire: 'OPTIONS * RTSP/1.0\r\n\r\n',
    messages: [request('OPTIONS', '*', [])],
  },
  { name: 'a request with headers (§6)', wire: PLAY_WIRE, messages: [PLAY] },
  {
    name: 'bare LF as line end (§4)',
    wire: 'OPTIONS * RTSP/1.0\nCSeq: 1\n\n',
    messages: [request('OPTIONS', '*', CSEQ_1)],
  },
  {
    name: 'CRLF and LF mixed (§4)',
    wire: 'OPTIONS * RTSP/1.0\nCSeq: 1\r\n\nOPTIONS * RTSP/1.0\r\nCSeq: 1\n\r\n',
    messages: [request('OPTIONS', '*', CSEQ_1), request('OPTIONS', '*', CSEQ_1)],
  },
  {
    name: 'blank lines before, between and after messages (§4)',
    wire: '\r\n\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n\r\n\r\n$\x00\x00\x01x\r\n',
    messages: [request('OPTIONS', '*', CSEQ_1), frame(0, 'x')],
  },
  {
    name: 'pipelined requests (§9.1)',
    wire: PLAY_WIRE + PLAY_WIRE + PLAY_WIRE,
    messages: [PLAY, PLAY, PLAY],
  },
  {
    name: 'a body by Content-Length (§12.14)',
    wire: 'ANNOUNCE rtsp://h/a RTSP/1.0\r\ncontent-length: 7\r\n\r\nv=0\r\n\r\nOPTIONS * RTSP/1.0\r\n\r\n',
    messages: [
      request('ANNOUNCE', 'rtsp://h/a', [['content-length', '7']], 'v=0\r\n\r\n'),
      request('OPTIONS', '*', []),
    ],
  },
  {
    name: 'a body of any bytes, $ and LF included',
    wire: 'SET_PARAMETER * RTSP/1.0\r\nContent-Length: 6\r\n\r\n$\x00\n\xff\r\n$\x02\x00\x00',
    messages: [request('SET_PARAMETER', '*', [['Content-Length', '6']], '$\x00\n\xff\r\n'), frame(2, '')],
  },
  {
    name: 'Content-Length 0, with zeros in front, and repeated alike',
    wire: 'A * RTSP/1.0\r\nContent-Length: 0\r\n\r\nB * RTSP/1.0\r\nContent-Length: 01\r\nContent-Length: 1\r\n\r\nx',
    messages: [
      request('A', '*', [['Content-Length', '0']]),
      request(
        'B',
        '*',
        [
          ['Content-Length', '01'],
          ['Content-Length', '1'],
        ],
        'x',
      ),
    ],
  },
  {
    name: 'folded headers (RFC 2068 §2.1)',
    wire: 'A * RTSP/1.0\r\nTransport: RTP/AVP;unicast;\r\n\t client_port=1-2\r\nB:\r\n  b\r\n \t\r\n\r\n',
    messages: [
      request('A', '*', [
        ['Transport', 'RTP/AVP;unicast; client_port=1-2'],
        ['B', 'b'],
      ]),
    ],
  },
  {
    name: 'repeated headers, in order and spelling (§4.2)',
    wire: 'A * RTSP/1.0\r\nRequire: a\r\nX:\r\nREQUIRE: b\r\n\r\n',
    messages: [
      request('A', '*', [
        ['Require', 'a'],
        ['X', ''],
        ['REQUIRE', 'b'],
      ]),
    ],
  },
  {
    name: 'white space around name and value (RFC 2068 §2.1)',
    wire: 'A * RTSP/1.0\r\nCSeq \t:\t 1 \r\nTime:10:20\r\n\r\n',
    messages: [
      request('A', '*', [
        ['CSeq', '1'],
        ['Time', '10:20'],
      ]),
    ],
  },
  {
    name: 'spaces in the URL, as ffmpeg sends them',
    wire: 'OPTIONS rtsp://h/my movie.mp4 RTSP/1.0\r\n\r\n',
    messages: [request('OPTIONS', 'rtsp://h/my movie.mp4', [])],
  },
  {
    name: 'more spaces between and after the words of the start lines',
    wire: 'OPTIONS   *  RTSP/1.0 \r\n\r\nRTSP/1.0  200  OK \r\n\r\n',
    messages: [request('OPTIONS', '*', []), response(200, 'OK', [])],
  },
  {
    name: 'UTF-8 text (§4)',
    wire: 'A rtsp://h/\xc3\xa4 RTSP/1.0\r\nX: \xe2\x82\xac\r\n\r\n',
    messages: [request('A', 'rtsp://h/ä', [['X', '€']])],
  },
  {
    name: 'Latin-1 where a line is not UTF-8',
    wire: 'A rtsp://h/\xe4 RTSP/1.0\r\nX: \xc3\xa4\r\n\r\n',
    messages: [request('A', 'rtsp://h/ä', [['X', 'ä']])],
  },
  {
    name: 'HTTP requests, for tunnels',
    wire: 'GET /movie HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n',
    messages: [request('GET', '/movie', [['x-sessioncookie', 'a']], '', 'HTTP/1.0')],
  },
  {
    name: 'HTTP requests without the body that Content-Length announces',
    wire: 'POST /movie HTTP/1.1\r\nContent-Length: 32767\r\nContent-Length: x\r\n\r\n',
    messages: [
      request(
        'POST',
        '/movie',
        [
          ['Content-Length', '32767'],
          ['Content-Length', 'x'],
        ],
        '',
        'HTTP/1.1',
      ),
    ],
  },
  {
    name: 'a response (§7)',
    wire: 'RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 2\r\n\r\nhi',
    messages: [
      response(
        200,
        'OK',
        [
          ['CSeq', '1'],
          ['Content-Length', '2'],
        ],
        'hi',
      ),
    ],
  },
  {
    name: 'responses without reason phrase (§7.1)',
    wire: 'RTSP/1.0 200 \r\n\r\nRTSP/1.0 551\r\n\r\n',
    messages: [response(200, '', []), response(551, '', [])],
  },
  {
    name: 'responses that never have a body, whatever Content-Length says (§4.4)',
    wire: 'RTSP/1.0 304 Not Modified\r\nContent-Length: 9999999\r\n\r\nRTSP/1.0 100 Continue\r\n\r\n',
    messages: [response(304, 'Not Modified', [['Content-Length', '9999999']]), response(100, 'Continue', [])],
  },
  {
    name: 'interleaved frames (§10.12)',
    wire: '$\x00\x00\x03abc$\xff\x00\x00$\x01\x00\x05$$\r\n$',
    messages: [frame(0, 'abc'), frame(255, ''), frame(1, '$$\r\n$')],
  },
  {
    name: 'a frame with a 16-bit size (§10.12)',
    wire: `$\x03\x01\x02${'z'.repeat(258)}`,
    messages: [frame(3, 'z'.repeat(258))],
  },
  {
    name: 'requests, responses and frames on one connection (§10.12)',
    wire: `$\x01\x00\x02ab${PLAY_WIRE}$\x01\x00\x02cdRTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n$\x01\x00\x02ef`,
    messages: [frame(1, 'ab'), PLAY, frame(1, 'cd'), response(200, 'OK', CSEQ_1), frame(1, 'ef')],
  },
  {
    name: 'a version of more digits than one (RFC 2068 §3.1)',
    wire: 'A * RTSP/10.25\r\nCSeq: 1\r\n\r\n',
    messages: [request('A', '*', CSEQ_1, '', 'RTSP/10.25')],
  },
];

const HEAD = 'A * RTSP/1.0\r\n';

export const BAD_CASES: readonly BadCase[] = [
  { name: 'binary noise', wire: '\x16\x03\x01\x02\x00\x01', code: 'bad-start-line' },
  { name: 'noise of high bytes', wire: '\xff\xfe', code: 'bad-start-line' },
  { name: 'noise after a letter, before any line end', wire: 'A\x00', code: 'bad-start-line' },
  { name: 'a space in front of the start line', wire: ' A', code: 'bad-start-line' },
  { name: 'one word', wire: 'hello\n', code: 'bad-start-line' },
  { name: 'no version', wire: 'OPTIONS *\n', code: 'bad-start-line' },
  { name: 'a method that is no token', wire: 'OPT,IONS * RTSP/1.0\n', code: 'bad-start-line' },
  { name: 'a tab for a space', wire: 'OPTIONS\t* x RTSP/1.0\n', code: 'bad-start-line' },
  { name: 'a status of two digits', wire: 'RTSP/1.0 20 OK\n', code: 'bad-start-line' },
  { name: 'a status of four digits', wire: 'RTSP/1.0 2000 OK\n', code: 'bad-start-line' },
  { name: 'a status below 100', wire: 'RTSP/1.0 099 OK\n', code: 'bad-start-line' },
  { name: 'a CR in the start line', wire: 'A *\rX RTSP/1.0\r\n', code: 'bad-start-line' },
  { name: 'a request of another protocol', wire: 'INVITE sip:a@b SIP/2.0\r\n', code: 'bad-version' },
  { name: 'a version of ten digits', wire: 'A * RTSP/1000000000.0\r\n', code: 'bad-version' },
  { name: 'a version without a dot', wire: 'A * RTSP/10\r\n', code: 'bad-version' },
  { name: 'a third word that is no version', wire: 'A * x\r\n', code: 'bad-version' },
  { name: 'a response of another protocol', wire: 'ICY/1.0 200 OK\r\n', code: 'bad-version' },
  { name: 'a header without colon', wire: `${HEAD}CSeq 1\r\n`, code: 'bad-header' },
  { name: 'a header without name', wire: `${HEAD}: 1\r\n`, code: 'bad-header' },
  { name: 'a header name with a space', wire: `${HEAD}C Seq: 1\r\n`, code: 'bad-header' },
  { name: 'a folded line before the first header', wire: `${HEAD} x\r\n`, code: 'bad-header' },
  { name: 'a NUL in a value', wire: `${HEAD}CSeq: \x00`, code: 'bad-header' },
  { name: 'a DEL in a value', wire: `${HEAD}CSeq: \x7f`, code: 'bad-header' },
  { name: 'a CR in a value', wire: `${HEAD}X: a\rY: b\r\n`, code: 'bad-header' },
  { name: 'two CR before the LF', wire: `${HEAD}X: a\r\r\n`, code: 'bad-header' },
  { name: 'a negative length', wire: `${HEAD}Content-Length: -1\r\n\r\n`, code: 'bad-content-length' },
  { name: 'a length with a sign', wire: `${HEAD}Content-Length: +1\r\n\r\n`, code: 'bad-content-length' },
  { name: 'a hexadecimal length', wire: `${HEAD}Content-Length: 0x1\r\n\r\n`, code: 'bad-content-length' },
  { name: 'an empty length', wire: `${HEAD}Content-Length:\r\n\r\n`, code: 'bad-content-length' },
  { name: 'a list of lengths', wire: `${HEAD}Content-Length: 1, 1\r\n\r\n`, code: 'bad-content-length' },
  {
    name: 'two different lengths',
    wire: `${HEAD}Content-Length: 1\r\ncontent-length: 2\r\n\r\n`,
    code: 'bad-content-length',
  },
  {
    name: 'a body of more than 1 MiB',
    wire: `${HEAD}Content-Length: 1048577\r\n\r\n`,
    code: 'body-too-large',
  },
  {
    name: 'a length of 400 digits',
    wire: `${HEAD}Content-Length: ${'9'.repeat(400)}\r\n\r\n`,
    code: 'body-too-large',
  },
  {
    name: 'a body where none is allowed',
    wire: `${HEAD}Content-Length: 1\r\n\r\n`,
    code: 'body-too-large',
    limits: { maxBodyBytes: 0 },
  },
  {
    name: 'a start line over the limit (414, §11.3.4)',
    wire: `A ${'x'.repeat(31)}`,
    code: 'header-too-large',
    statusCode: 414,
    limits: { maxHeaderBytes: 32 },
  },
  {
    name: 'headers over the limit',
    wire: `${HEAD}X: ${'x'.repeat(20)}`,
    code: 'header-too-large',
    limits: { maxHeaderBytes: 32 },
  },
  {
    name: 'an empty line over the limit',
    wire: `${HEAD}\r\n`,
    code: 'header-too-large',
    limits: { maxHeaderBytes: HEAD.length + 1 },
  },
  {
    name: 'blank lines over the limit',
    wire: '\r\n'.repeat(17),
    code: 'header-too-large',
    limits: { maxHeaderBytes: 32 },
  },
  { name: 'over 100 headers', wire: `${HEAD}${'a:b\n'.repeat(101)}`, code: 'too-many-headers' },
  {
    name: 'a frame over the limit',
    wire: '$\x00\x01\x00',
    code: 'frame-too-large',
    limits: { maxFrameBytes: 255 },
  },
];
