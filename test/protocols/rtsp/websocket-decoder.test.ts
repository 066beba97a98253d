/** A client's frames, in any pieces: what passes, what controls, and what ends the stream (RFC 6455 §5). */
import { WebSocketDecoder, type WebSocketEnd } from '@finch/rtsp/websocket-decoder';
import { closeFrame, frameHead } from '@finch/rtsp/websocket-frame';
import fc from 'fast-check';
import { clientFrame, Opcode } from '../../support/websocket-client';

interface Decoded {
  readonly text: string;
  readonly pings: readonly string[];
  readonly end: WebSocketEnd | undefined;
}

/** Decodes what comes in pieces that end at the places of `cuts`. */
function decode(bytes: Uint8Array, cuts: readonly number[] = []): Decoded {
  const pings: string[] = [];
  const decoder = new WebSocketDecoder((payload) => pings.push(Buffer.from(payload).toString('latin1')));
  const pieces: Buffer[] = [];
  const places = [...new Set(cuts)].filter((place) => place < bytes.length).sort((a, b) => a - b);
  [0, ...places].forEach((begin, i) => {
    const chunk = new Uint8Array(bytes.subarray(begin, places[i])); // it is decoded in place
    pieces.push(Buffer.from(chunk.subarray(0, decoder.decode(chunk))));
  });
  return { text: Buffer.concat(pieces).toString('latin1'), pings, end: decoder.end };
}

/** A client's close frame. */
function closeOf(code: number, reason: string | Uint8Array = ''): Buffer {
  const payload = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as Uint8Array)]);
  return clientFrame(payload, { opcode: Opcode.close });
}

const everywhere = (bytes: Uint8Array): number[] => Array.from(bytes, (_, at) => at);
const { binary, continuation, ping, pong, close, text } = Opcode;

describe('WebSocketDecoder', () => {
  it.each([
    ['nothing', 0],
    ['a length of one byte', 125],
    ['a length of two bytes', 126],
    ['the longest length of two bytes', 65_535],
    ['a length of eight bytes', 65_536],
  ])('takes %s', (_, length) => {
    const payload = Buffer.alloc(length, 'RTSP/1.0 ');
    expect(decode(clientFrame(payload))).toEqual({ text: payload.toString(), pings: [], end: undefined });
  });

  it('joins messages, and the frames of a message, with pings between them', () => {
    const bytes = Buffer.concat([
      clientFrame('OP', { isFinal: false }),
      clientFrame('one', { opcode: ping }),
      clientFrame('', { opcode: continuation, isFinal: false }),
      clientFrame('TIO', { opcode: continuation, isFinal: false }),
      clientFrame('two', { opcode: ping }),
      clientFrame('unasked', { opcode: pong }),
      clientFrame('NS', { opcode: continuation }),
      clientFrame(' *', { opcode: binary }),
      clientFrame('', { opcode: ping }),
    ]);
    const expected = { text: 'OPTIONS *', pings: ['one', 'two', ''], end: undefined };
    expect(decode(bytes)).toEqual(expected);
    expect(decode(bytes, everywhere(bytes))).toEqual(expected);
  });

  it('gives the bytes of a frame as they come, however long it is', () => {
    const decoder = new WebSocketDecoder(() => {});
    const head = Buffer.from('82ff00000000ffffffff00000000', 'hex');
    expect(decoder.decode(head)).toBe(0);
    for (let i = 0; i < 100; i++) expect(decoder.decode(Buffer.alloc(65_536))).toBe(65_536);
    expect(decoder.end).toBeUndefined();
  });

  it.each([
    ['a code and a reason', Buffer.concat([Buffer.from([3, 233]), Buffer.from('bye')]), 1001],
    ['a code', Buffer.from([3, 232]), 1000],
    ['nothing', Buffer.alloc(0), 1000],
  ])('ends with the close frame that has %s, and reads nothing behind it', (_, payload, code) => {
    const bytes = Buffer.concat([
      clientFrame('a'),
      clientFrame(payload, { opcode: close }),
      clientFrame('b'),
    ]);
    const expected = { text: 'a', pings: [], end: { code, reason: '' } };
    expect([decode(bytes), decode(bytes, everywhere(bytes))]).toEqual([expected, expected]);
  });

  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'ends with close code %i (§7.4)',
    (code) => {
      expect(decode(closeOf(code, 'good-bye \u2713')).end).toEqual({ code, reason: '' });
    },
  );

  it.each([0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])(
    'is ended by close code %i, which no frame may have (§7.4)',
    (code) => {
      const reason = `WebSocket frame: found code ${code}, expected one that a close frame may have`;
      expect(decode(closeOf(code)).end).toEqual({ code: 1002, reason });
    },
  );

  it.each([
    ['text', clientFrame('OPTIONS', { opcode: text }), 1003, 'text, expected binary data'],
    ['no mask', clientFrame('a', { isMasked: false }), 1002, 'no mask, expected one'],
    ['a compressed message', clientFrame('a', { reserved: 0x40 }), 1002, 'reserved bits, expected none'],
    ['the last reserved bit', clientFrame('a', { reserved: 0x10 }), 1002, 'reserved bits, expected none'],
    ['opcode 3', clientFrame('a', { opcode: 3 }), 1002, 'opcode 3, expected binary data'],
    ['opcode 11', clientFrame('a', { opcode: 11 }), 1002, 'opcode 11, expected close, ping or pong'],
    ['a long ping', clientFrame(Buffer.alloc(126), { opcode: ping }), 1002, 'a large or divided control'],
    ['half a ping', clientFrame('a', { opcode: ping, isFinal: false }), 1002, 'a large or divided control'],
    ['half a close', clientFrame('', { opcode: close, isFinal: false }), 1002, 'a large or divided control'],
    ['half a code', clientFrame('a', { opcode: close }), 1002, 'half a code, expected a code'],
    [
      'a rest of nothing',
      clientFrame('a', { opcode: continuation }),
      1002,
      'the rest of a message, expected',
    ],
    [
      'a message within another',
      Buffer.concat([clientFrame('', { isFinal: false }), clientFrame('a')]),
      1002,
      'another message, expected the rest',
    ],
    ['4 GiB', Buffer.from('82ff000000010000000000000000', 'hex'), 1009, '4 GiB or more, expected less'],
    [
      'a reason of half a character (§5.5.1)',
      closeOf(1000, Buffer.from([0xe2, 0x9c])),
      1007,
      'a reason that is no UTF-8, expected UTF-8',
    ],
    ['a reason of noise', closeOf(1000, Buffer.from([0xff, 0xfe])), 1007, 'a reason that is no UTF-8'],
    [
      'a length in 16 bits that fits 7 (§5.2)',
      Buffer.from('82fe007d00000000', 'hex'),
      1002,
      'a length of 125 in 16 bits, expected its shortest form',
    ],
    [
      'a length of nothing in 16 bits',
      Buffer.from('82fe000000000000', 'hex'),
      1002,
      'a length of 0 in 16 bits',
    ],
    [
      'a length in 64 bits that fits 16 (§5.2)',
      Buffer.from('82ff000000000000ffff00000000', 'hex'),
      1002,
      'a length of 65535 in 64 bits, expected its shortest form',
    ],
    ['2^63 bytes', Buffer.from('82ff800000000000000000000000', 'hex'), 1009, '4 GiB or more, expected less'],
  ])('is ended by %s', (_, bad, code, reason) => {
    const bytes = Buffer.concat([clientFrame('before'), bad, clientFrame('behind')]);
    const decoded = decode(bytes);
    expect(decoded).toEqual({ text: 'before', pings: [], end: { code, reason: expect.any(String) } });
    expect(decoded.end!.reason).toContain(`WebSocket frame: found ${reason}`);
    expect(decoded.end!.reason.length).toBeLessThanOrEqual(123); // RFC 6455 §5.5: it goes into a close frame
    expect(decode(bytes, everywhere(bytes))).toEqual(decoded);
  });

  it('gives the same however the bytes are cut, be they frames or noise', () => {
    const frames = fc.record({
      payload: fc.uint8Array({ maxLength: 200 }),
      opcode: fc.constantFrom(0, 0, 1, 2, 2, 2, 8, 9, 9, 10, 11),
      isFinal: fc.boolean(),
    });
    const piece = fc.oneof(
      { weight: 9, arbitrary: frames.map(({ payload, ...form }) => clientFrame(payload, form)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
    );
    const places = fc.array(fc.nat({ max: 2000 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), places, (pieces, cuts) => {
        const bytes = Buffer.concat(pieces);
        const whole = decode(bytes);
        expect(decode(bytes, cuts)).toEqual(whole);
        expect(whole.text.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});

describe("a server's frame", () => {
  it.each([
    [0, '8200'],
    [125, '827d'],
    [126, '827e007e'],
    [65_535, '827effff'],
    [65_536, '827f0000000000010000'],
    [0xffff_ffff, '827f00000000ffffffff'],
  ])('of %i bytes begins so', (length, hex) => {
    expect(Buffer.from(frameHead(Opcode.binary, length)).toString('hex')).toBe(hex);
  });

  it('that closes has its code and its reason', () => {
    expect(Buffer.from(closeFrame(1002, 'why')).toString('latin1')).toBe('\x88\x05\x03\xeawhy');
  });
});
