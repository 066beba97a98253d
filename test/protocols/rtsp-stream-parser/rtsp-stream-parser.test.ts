import { Buffer } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PARSE_ERRORS, type ParseErrorCode, RtspParseError, RtspStreamParser } from 'rtsp-stream-parser';
import {
  BAD_CASES,
  bytesOf,
  drain,
  frame,
  parseAll,
  plainOf,
  request,
  WIRE_CASES,
  wireOf,
} from './wire-cases';

const REQUEST = 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n';

function parserFedWith(wire: string): RtspStreamParser {
  const parser = new RtspStreamParser();
  parser.feed(bytesOf(wire));
  return parser;
}

function feedAndDrain(parser: RtspStreamParser, wire: string): WeakRef<ArrayBufferLike> {
  const chunk = bytesOf(wire);
  parser.feed(chunk);
  drain(parser);
  return new WeakRef(chunk.buffer);
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('RtspStreamParser: accepted streams', () => {
  it.each(WIRE_CASES)('parses $name', ({ wire, messages }) => {
    expect(parseAll([bytesOf(wire)])).toEqual(messages);
  });

  it.each(WIRE_CASES)('parses, byte by byte, $name', ({ wire, messages }) => {
    expect(parseAll(Array.from(wire, bytesOf))).toEqual(messages);
  });

  it('takes messages that reach each limit exactly', () => {
    const head = 'A * RTSP/1.0\r\nContent-Length: 3\r\n\r\n';
    const limits = { maxHeaderBytes: head.length, maxHeaderCount: 1, maxBodyBytes: 3, maxFrameBytes: 2 };
    const found = parseAll([bytesOf(`${head}abc$\x00\x00\x02ab`)], limits);
    expect(found).toEqual([request('A', '*', [['Content-Length', '3']], 'abc'), frame(0, 'ab')]);
  });

  it('counts a run of blank lines anew after each message, so that keep-alives never add up', () => {
    const wire = `${'\r\n'.repeat(16)}${REQUEST}`.repeat(3);
    expect(parseAll([bytesOf(wire)], { maxHeaderBytes: 32 })).toHaveLength(3);
  });
});

describe('RtspStreamParser: refused streams', () => {
  it.each(BAD_CASES)('refuses $name with $code', ({ wire, code, statusCode, limits }) => {
    const row = PARSE_ERRORS[code as ParseErrorCode];
    expect(parseAll([bytesOf(wire)], limits)).toEqual([{ code, statusCode: statusCode ?? row.statusCode }]);
  });

  it.each(BAD_CASES)('refuses, byte by byte, $name with $code', ({ wire, code, limits }) => {
    expect(parseAll(Array.from(wire, bytesOf), limits)).toEqual([expect.objectContaining({ code })]);
  });

  it('has a case for each row of the error table but that of the tunnel', () => {
    const codes = Object.keys(PARSE_ERRORS).filter((code) => code !== 'bad-base64');
    expect(new Set(BAD_CASES.map(({ code }) => code))).toEqual(new Set(codes));
  });

  it('returns the messages before the error first', () => {
    const parser = parserFedWith(`${REQUEST}\x00`);
    expect(parser.read()).toMatchObject({ kind: 'request', method: 'OPTIONS' });
    expect(() => parser.read()).toThrow(RtspParseError);
  });

  it('is dead after an error: feed and read throw the same one, and nothing is held', () => {
    const parser = parserFedWith(`A * RTSP/1.0\r\nX: y\r\nbad\r\n${REQUEST}`);
    const error = errorOf(() => parser.read());
    expect(error).toBeInstanceOf(RtspParseError);
    expect(errorOf(() => parser.read())).toBe(error);
    expect(errorOf(() => parser.feed(bytesOf(REQUEST)))).toBe(error);
    expect(parser.bufferedBytes).toBe(0);
  });

  it('tells in one line what was found and what was expected, and cuts what the peer sent', () => {
    const parser = parserFedWith(`A * RTSP/1.0\r\n${'x'.repeat(5000)}\r\n`);
    const error = errorOf(() => parser.read());
    expect(error).toMatchObject({
      name: 'RtspParseError',
      message: expect.stringMatching(/^header line: found .*expected/),
    });
    expect((error as Error).message.length).toBeLessThan(200);
  });
});

describe('RtspStreamParser: the CSeq of what fails (RFC 2326 §12.17)', () => {
  const HEAD = 'A * RTSP/1.0\r\ncseq: 7\r\n';
  const cseqOfError = (wire: string): unknown => {
    const parser = new RtspStreamParser({ maxHeaderCount: 3 });
    parser.feed(bytesOf(wire));
    const error = errorOf(() => drain(parser));
    expect([error, parser.unfinishedCSeq]).toEqual([expect.any(RtspParseError), undefined]);
    return (error as RtspParseError).cseq;
  };

  it.each([
    ['a length beyond the limit', `${HEAD}Content-Length: 99999999\r\n\r\n`],
    ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    ['a negative length', `${HEAD}Content-Length: -1\r\n\r\n`],
    ['a header without colon, right behind it', `${HEAD}bad\r\n`],
    ['a header without colon, later', `${HEAD}X: y\r\nbad\r\n`],
    ['too many headers', `${HEAD}${'X: y\r\n'.repeat(3)}`],
    ['headers beyond the limit', `${HEAD}X: ${'x'.repeat(20_000)}`],
    ['a control byte behind it', `${HEAD}X: \0`],
  ])('is told with %s', (_, wire) => {
    expect(cseqOfError(wire)).toBe('7');
  });

  it.each([
    ['before it has come', 'A * RTSP/1.0\r\nbad\r\nCSeq: 7\r\n\r\n'],
    ['when it is what fails', 'A * RTSP/1.0\r\nCSeq: 7\0'],
    ['of a response', 'RTSP/1.0 200 OK\r\nCSeq: 7\r\nbad\r\n'],
    ['of the request before', `${HEAD}\r\n\0`],
  ])('is not told %s', (_, wire) => {
    expect(cseqOfError(wire)).toBeUndefined();
  });

  it('can be asked for while a request is not whole', () => {
    const parser = new RtspStreamParser();
    const found = ['A * RTSP/1.0\r\nCS', 'eq: 7\r\n', 'Content-Length: 1\r\n\r\n', 'x'].map((part) => {
      parser.feed(bytesOf(part));
      drain(parser);
      return parser.unfinishedCSeq;
    });
    expect(found).toEqual([undefined, '7', '7', undefined]);
  });
});

describe('RtspStreamParser: reset', () => {
  it.each([
    ['an error', '\x00'],
    ['half a head', 'OPTIONS * RTSP/1.0\r\nCS'],
    ['half a body', 'A * RTSP/1.0\r\nContent-Length: 9\r\n\r\nabc'],
    ['half a frame', '$\x00\x00\x09abc'],
  ])('starts a new stream after %s', (_, wire) => {
    const parser = parserFedWith(wire);
    errorOf(() => parser.read());
    parser.reset();
    expect(parser.bufferedBytes).toBe(0);
    parser.feed(bytesOf(REQUEST));
    expect(drain(parser).map(plainOf)).toEqual([request('OPTIONS', '*', [['CSeq', '1']])]);
  });

  it('drops a chunk that has not been read', () => {
    const parser = parserFedWith(REQUEST);
    parser.reset();
    expect(parser.read()).toBeNull();
  });
});

describe('RtspStreamParser: takeRest', () => {
  const POST = 'POST /movie HTTP/1.0\r\nContent-Length: 32767\r\n\r\n';

  it('gives what came behind an HTTP request, a view into the chunk', () => {
    const chunk = bytesOf(`${POST}T1BUSU9O`);
    const parser = new RtspStreamParser();
    parser.feed(chunk);
    expect(parser.read()).toMatchObject({ method: 'POST', body: new Uint8Array(0) });
    const rest = parser.takeRest();
    expect(wireOf(rest)).toBe('T1BUSU9O');
    expect(rest.buffer).toBe(chunk.buffer);
  });

  it('leaves the parser at the begin of what is fed next', () => {
    const parser = parserFedWith(`${POST}$\x00`);
    parser.read();
    parser.takeRest();
    expect(parser.read()).toBeNull();
    parser.feed(bytesOf(REQUEST));
    expect(drain(parser)).toHaveLength(1);
  });

  it.each([
    ['before the first chunk', ''],
    ['when the chunk is used up', REQUEST],
  ])('gives nothing %s', (_, wire) => {
    const parser = new RtspStreamParser();
    if (wire !== '') parser.feed(bytesOf(wire));
    drain(parser);
    expect(parser.takeRest()).toHaveLength(0);
  });

  it('is refused within a message, and by a dead parser', () => {
    const parser = parserFedWith(`${POST}$\x00\x00\x09a`);
    drain(parser);
    expect(() => parser.takeRest()).toThrow(TypeError);
    const dead = parserFedWith('\x00');
    expect(() => dead.read()).toThrow(RtspParseError);
    expect(() => dead.takeRest()).toThrow(RtspParseError);
  });
});

describe('RtspStreamParser: ownership of bytes', () => {
  it('gives bodies and payloads within one chunk as views into it', () => {
    const chunk = bytesOf('A * RTSP/1.0\r\nContent-Length: 2\r\n\r\nhi$\x00\x00\x02yo');
    const parser = new RtspStreamParser();
    parser.feed(chunk);
    const [first, second] = drain(parser);
    chunk.fill(0x21);
    expect(first?.kind === 'request' && wireOf(first.body)).toBe('!!');
    expect(second?.kind === 'frame' && wireOf(second.payload)).toBe('!!');
  });

  it('gives a body that spans chunks in its own memory, no larger than the body', () => {
    const chunks = ['A * RTSP/1.0\r\nContent-Length: 200\r\n\r\n', 'a'.repeat(150), 'b'.repeat(60)].map(
      bytesOf,
    );
    const parser = new RtspStreamParser();
    const [message] = chunks.flatMap((chunk) => {
      parser.feed(chunk);
      const messages = drain(parser);
      chunk.fill(0x21);
      return messages;
    });
    if (message?.kind !== 'request') throw new Error('no request');
    expect(wireOf(message.body)).toBe('a'.repeat(150) + 'b'.repeat(50));
    expect(message.body.buffer.byteLength).toBe(200);
  });

  it('gives plain Uint8Arrays, also when it is fed with Buffers', () => {
    const parser = new RtspStreamParser();
    parser.feed(Buffer.from('$\x00\x00\x02yo'));
    const [message] = drain(parser);
    expect(message?.kind === 'frame' && Buffer.isBuffer(message.payload)).toBe(false);
  });

  it('does not keep a chunk alive by an empty body', () => {
    const chunk = bytesOf(REQUEST);
    const parser = new RtspStreamParser();
    parser.feed(chunk);
    const message = parser.read();
    expect(message?.kind === 'request' && message.body.buffer === chunk.buffer).toBe(false);
  });
});

describe('RtspStreamParser: memory', () => {
  it.each([
    ['between messages', REQUEST],
    ['within a message', 'OPTIONS * RTSP/1.0\r\nCSeq: '],
  ])('holds no chunk once it is drained, %s', async (_, wire) => {
    const parser = new RtspStreamParser();
    const chunk = feedAndDrain(parser, wire);
    // A WeakRef keeps its target until the end of the turn in which it was made.
    await new Promise(setImmediate);
    collectGarbage();
    expect(chunk.deref()).toBeUndefined();
    expect(parser.read()).toBeNull();
  });

  it('counts the bytes of the unfinished message, and none between messages', () => {
    const parser = new RtspStreamParser();
    const counts = [
      '\r\n',
      'A * RTSP/1.0\r\nContent-',
      'Length: 4\r\n\r\n',
      'abc',
      'd$',
      '\x00\x00\x02',
      'a',
      'b',
    ].map((part) => {
      parser.feed(bytesOf(part));
      drain(parser);
      return parser.bufferedBytes;
    });
    expect(counts).toEqual([0, 22, 35, 38, 1, 4, 5, 0]);
  });

  it('holds what has arrived of a body, not what Content-Length announces', () => {
    const parser = parserFedWith('A * RTSP/1.0\r\nContent-Length: 900000000\r\n\r\nabc');
    const large = new RtspStreamParser({ maxBodyBytes: 1e9 });
    expect(errorOf(() => parser.read())).toMatchObject({ code: 'body-too-large' });
    const before = process.memoryUsage().arrayBuffers;
    large.feed(bytesOf('A * RTSP/1.0\r\nContent-Length: 900000000\r\n\r\nabc'));
    expect(large.read()).toBeNull();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
  });
});

describe('RtspStreamParser: mistakes of the caller', () => {
  it('refuses a chunk before the one before is drained, and goes on unharmed', () => {
    const parser = parserFedWith(REQUEST + REQUEST);
    parser.read();
    expect(() => parser.feed(bytesOf(REQUEST))).toThrow(TypeError);
    expect(drain(parser)).toHaveLength(1);
    parser.feed(bytesOf(REQUEST));
    expect(drain(parser)).toHaveLength(1);
  });

  it('takes an empty chunk, and a read before the first feed', () => {
    const parser = new RtspStreamParser();
    expect(parser.read()).toBeNull();
    parser.feed(new Uint8Array(0));
    expect(parser.read()).toBeNull();
  });

  it.each([['text'], [[1, 2]], [undefined]])('refuses a chunk that is no Uint8Array: %p', (chunk) => {
    const parser = new RtspStreamParser();
    expect(() => Reflect.apply(parser.feed, parser, [chunk])).toThrow(
      new TypeError('chunk: expected a Uint8Array'),
    );
  });

  it.each([
    ['maxHeaderBytes', 0],
    ['maxHeaderCount', -1],
    ['maxBodyBytes', 1.5],
    ['maxFrameBytes', 65536],
    ['maxBodyBytes', Number.NaN],
  ])('refuses the limit %s = %p by name', (name, value) => {
    expect(() => new RtspStreamParser({ [name]: value })).toThrow(RangeError);
    expect(() => new RtspStreamParser({ [name]: value })).toThrow(name);
  });
});
