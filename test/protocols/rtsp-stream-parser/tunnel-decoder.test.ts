/** The base64 of the POST half of an HTTP tunnel, in any pieces (RFC 4648 §4). */
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { RtspParseError, TunnelDecoder } from 'rtsp-stream-parser';
import { cut } from './wire-cases';

/** Decodes the chunks of one POST. */
function decodeAll(chunks: readonly Uint8Array[]): Buffer {
  const decoder = new TunnelDecoder();
  return Buffer.concat(
    chunks.map((chunk) => {
      const copy = chunk.slice();
      return copy.subarray(0, decoder.decode(copy));
    }),
  );
}

const decodeText = (text: string): string => decodeAll([new Uint8Array(Buffer.from(text))]).toString();

describe('TunnelDecoder', () => {
  it.each([
    ['a whole group', 'T1BU', 'OPT'],
    ['padding of one', 'T1A=', 'OP'],
    ['padding of two', 'Tw==', 'O'],
    ['messages that are padded each for itself', 'Tw==T1A=T1BU', 'OOPOPT'],
    ['white space anywhere', ' T\r\nw=\t= \r\n\r\nT1BU', 'OOPT'],
    ['nothing', '', ''],
    ['both characters beyond letters and digits', '+/+/', '\ufffd\ufffd\ufffd'],
  ])('decodes %s', (_, text, expected) => {
    expect(decodeText(text)).toBe(expected);
  });

  it('gives each byte as soon as its bits are there, so that no request waits for padding', () => {
    const decoder = new TunnelDecoder();
    const lengths = Array.from('T1BU', (character) => decoder.decode(Uint8Array.of(character.charCodeAt(0))));
    expect(lengths).toEqual([0, 1, 1, 1]);
    expect(decoder.isWithinGroup).toBe(false);
    decoder.decode(Uint8Array.of(0x54));
    expect(decoder.isWithinGroup).toBe(true);
  });

  it.each([
    ['a character of no base64', 'T1-U'],
    ['a character of base64 for URLs', 'T1_U'],
    ['a NUL', 'T1BU\0'],
    ['padding before the first byte', 'T1BU='],
    ['padding of three', 'T==='],
    ['text within padding', 'Tw=w'],
    ['plain RTSP', 'OPTIONS * RTSP/1.0\r\n'],
  ])('refuses %s', (_, text) => {
    expect(() => decodeText(text)).toThrow(RtspParseError);
    expect(() => decodeText(text)).toThrow(/^tunnel: found 0x[0-9a-f]{2}, expected base64/);
  });

  it('gives the same bytes however messages are divided and cut', () => {
    const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 6 });
    const places = fc.array(fc.nat({ max: 400 }), { maxLength: 10 });
    fc.assert(
      fc.property(messages, places, (parts, cuts) => {
        const text = parts.map((part) => Buffer.from(part).toString('base64')).join('');
        const decoded = decodeAll(cut(new Uint8Array(Buffer.from(text)), cuts));
        expect(decoded.equals(Buffer.concat(parts))).toBe(true);
      }),
    );
  });
});
