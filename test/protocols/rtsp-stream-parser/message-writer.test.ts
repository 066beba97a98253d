import fc from 'fast-check';
import {
  REASON_PHRASES,
  RtspHeaders,
  type RtspMessage,
  RtspStreamParser,
  reasonPhraseOf,
  writeInterleavedHeader,
  writeRequest,
  writeResponse,
} from 'rtsp-stream-parser';
import { bytesOf, drain, parseAll, plainOf, WIRE_CASES, type WireCase, wireOf } from './wire-cases';

const TOKEN_CHARACTERS = 'abcXYZ019-_.!#%&*+^`|~';
const tokens = fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1, maxLength: 12 });
const lineText = fc
  .string({ unit: 'binary', maxLength: 30 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a line cannot hold
  .map((text) => text.replace(/[\x00-\x1f\x7f]/g, '').replace(/^ +| +$/g, ''));
const urls = lineText.map((text) => `rtsp://h/${text.replaceAll(' ', '')}`);
const fields = fc.array(
  fc.tuple(
    tokens.filter((name) => name.toLowerCase() !== 'content-length'),
    lineText,
  ),
  { maxLength: 8 },
);
const bodies = fc.uint8Array({ maxLength: 200 });

/** The writer is stricter than the parser in two things: no spaces in a URL, no zeros before a length. */
function isWritable({ wire }: WireCase): boolean {
  return !wire.includes('my movie') && !wire.includes(': 01');
}

function write(message: RtspMessage): Uint8Array {
  if (message.kind === 'request') return writeRequest(message);
  if (message.kind === 'response') return writeResponse(message);
  const bytes = new Uint8Array(4 + message.payload.length);
  bytes.set(message.payload, writeInterleavedHeader(bytes, 0, message.channel, message.payload.length));
  return bytes;
}

function lengthField(body: Uint8Array): [string, string][] {
  return body.length > 0 ? [['Content-Length', String(body.length)]] : [];
}

describe('writeRequest and writeResponse: round trip', () => {
  it.each(WIRE_CASES.filter(isWritable))(
    'writes what was parsed of $name so that it parses to the same',
    ({ wire }) => {
      const parser = new RtspStreamParser();
      parser.feed(bytesOf(wire));
      const messages = drain(parser);
      expect(parseAll(messages.map(write))).toEqual(messages.map(plainOf));
    },
  );

  it('writes any request that is parsed as it was (§6)', () => {
    fc.assert(
      fc.property(tokens, urls, fields, bodies, (method, url, headers, body) => {
        const all = [...headers, ...lengthField(body)];
        const expected = {
          kind: 'request',
          method,
          url,
          version: 'RTSP/1.0',
          headers: all,
          body: wireOf(body),
        };
        expect(parseAll([writeRequest({ method, url, headers, body })])).toEqual([expected]);
      }),
    );
  });

  it('writes any response that is parsed as it was (§7)', () => {
    const statusCodes = fc.integer({ min: 200, max: 999 }).filter((code) => code !== 204 && code !== 304);
    fc.assert(
      fc.property(statusCodes, lineText, fields, bodies, (statusCode, reasonPhrase, headers, body) => {
        const all = [...headers, ...lengthField(body)];
        const head = { kind: 'response', version: 'RTSP/1.0', statusCode, reasonPhrase };
        const written = writeResponse({ statusCode, reasonPhrase, headers, body });
        expect(parseAll([written])).toEqual([{ ...head, headers: all, body: wireOf(body) }]);
      }),
    );
  });
});

describe('writeRequest and writeResponse: bytes', () => {
  it('writes CRLF, fields in order, and Content-Length after them', () => {
    const headers = { CSeq: '1', 'Content-Type': 'text/parameters' };
    expect(wireOf(writeRequest({ method: 'SET_PARAMETER', url: '*', headers, body: bytesOf('a: b') }))).toBe(
      'SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Type: text/parameters\r\nContent-Length: 4\r\n\r\na: b',
    );
  });

  it('keeps a Content-Length of the caller that is right, and writes none without a body', () => {
    const body = bytesOf('ab');
    const headers = new RtspHeaders({ 'content-length': '2', CSeq: '1' });
    expect(wireOf(writeResponse({ statusCode: 200, headers, body }))).toBe(
      'RTSP/1.0 200 OK\r\ncontent-length: 2\r\nCSeq: 1\r\n\r\nab',
    );
    expect(wireOf(writeResponse({ statusCode: 200 }))).toBe('RTSP/1.0 200 OK\r\n\r\n');
  });

  it('writes the version it is given, for tunnels', () => {
    expect(wireOf(writeResponse({ statusCode: 200, version: 'HTTP/1.0' }))).toBe('HTTP/1.0 200 OK\r\n\r\n');
  });

  it('lets a 304 tell the length of what it does not send (§4.4)', () => {
    const written = writeResponse({ statusCode: 304, headers: { 'Content-Length': '9' } });
    expect(wireOf(written)).toBe('RTSP/1.0 304 Not Modified\r\nContent-Length: 9\r\n\r\n');
  });

  it('takes the phrases of RFC 2326 §7.1.1, and an empty one for other codes', () => {
    expect(Object.keys(REASON_PHRASES)).toHaveLength(44);
    expect(reasonPhraseOf(454)).toBe('Session Not Found');
    expect(wireOf(writeResponse({ statusCode: 299 }))).toBe('RTSP/1.0 299 \r\n\r\n');
  });
});

describe('writeRequest and writeResponse: header injection', () => {
  const injections = ['a\r\nX: y', 'a\nb', 'a\rb', 'a\0b', '\x7f'];
  const good = { method: 'PLAY', url: '*' };

  it.each(injections)('refuses %j wherever a value goes', (value) => {
    expect(() => writeRequest({ ...good, method: value })).toThrow(/^method: /);
    expect(() => writeRequest({ ...good, url: value })).toThrow(/^url: /);
    expect(() => writeRequest({ ...good, version: value })).toThrow(/^version: /);
    expect(() => writeRequest({ ...good, headers: { Session: value } })).toThrow(/^headers: Session: /);
    expect(() => writeRequest({ ...good, headers: { [value]: 'a' } })).toThrow(/^headers: /);
    expect(() => writeResponse({ statusCode: 200, reasonPhrase: value })).toThrow(/^reasonPhrase: /);
    expect(() => writeRequest({ ...good, url: value })).toThrow(TypeError);
  });

  it.each([
    ['an empty method', () => writeRequest({ method: '', url: '*' }), TypeError],
    ['a method that looks like a frame', () => writeRequest({ method: '$A', url: '*' }), TypeError],
    ['an empty URL', () => writeRequest({ method: 'A', url: '' }), TypeError],
    ['a URL with a space', () => writeRequest({ method: 'A', url: 'rtsp://h/a b' }), TypeError],
    ['a status below 100', () => writeResponse({ statusCode: 99 }), RangeError],
    ['a status that is no integer', () => writeResponse({ statusCode: 200.5 }), RangeError],
    ['a body with status 304', () => writeResponse({ statusCode: 304, body: bytesOf('a') }), TypeError],
    [
      'a wrong Content-Length',
      () => writeResponse({ statusCode: 200, headers: { 'Content-Length': '3' } }),
      TypeError,
    ],
  ])('refuses %s', (_, write, type) => {
    expect(write).toThrow(type);
  });
});

describe('writeInterleavedHeader (§10.12)', () => {
  it('writes $, channel and a 16-bit size at the offset, and returns the offset of the payload', () => {
    const target = new Uint8Array(6);
    expect(writeInterleavedHeader(target, 1, 255, 0x1234)).toBe(5);
    expect([...target]).toEqual([0, 0x24, 255, 0x12, 0x34, 0]);
  });

  it('writes frames that are parsed as they were', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.uint8Array({ maxLength: 600 }), (channel, payload) => {
        const written = new Uint8Array(4 + payload.length);
        written.set(payload, writeInterleavedHeader(written, 0, channel, payload.length));
        expect(parseAll([written])).toEqual([{ kind: 'frame', channel, payload: wireOf(payload) }]);
      }),
    );
  });

  it.each([
    ['offset', 3, 0, 0],
    ['offset', -1, 0, 0],
    ['channel', 0, 256, 0],
    ['channel', 0, 0.5, 0],
    ['payloadBytes', 0, 0, 65536],
    ['payloadBytes', 0, 0, -1],
  ])('refuses the wrong %s by name', (name, offset, channel, payloadBytes) => {
    const write = () => writeInterleavedHeader(new Uint8Array(6), offset, channel, payloadBytes);
    expect(write).toThrow(RangeError);
    expect(write).toThrow(name);
  });
});
