import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { type ParserLimits, RtspParseError, RtspStreamParser } from 'rtsp-stream-parser';
import { BAD_CASES, bytesOf, cut, type Plain, parseAll, plainOf, WIRE_CASES } from './wire-cases';

const SEEDS = [...WIRE_CASES, ...BAD_CASES].map(({ wire }) => wire);
const LIMITS: ParserLimits = { maxHeaderBytes: 256, maxHeaderCount: 8, maxBodyBytes: 64, maxFrameBytes: 300 };
/** The most an unfinished message may hold. */
const MAX_BUFFERED_BYTES = Math.max(LIMITS.maxHeaderBytes + LIMITS.maxBodyBytes, 4 + LIMITS.maxFrameBytes);

/** Streams of whole messages, frames between them. */
const streams = fc.array(fc.constantFrom(...WIRE_CASES), { maxLength: 5 });
const places = fc.array(fc.nat({ max: 1200 }), { maxLength: 12 });

/** Streams of messages, good and bad, with bytes replaced, inserted and removed. */
const mutated = fc
  .tuple(
    fc.array(fc.constantFrom(...SEEDS), { minLength: 1, maxLength: 4 }),
    fc.array(
      fc.tuple(fc.nat(600), fc.nat(3), fc.oneof(fc.nat(255), fc.constantFrom(0, 10, 13, 32, 36, 58))),
      { maxLength: 6 },
    ),
  )
  .map(([seeds, edits]) => {
    const bytes = [...bytesOf(seeds.join(''))];
    for (const [at, removed, inserted] of edits) bytes.splice(at % (bytes.length + 1), removed, inserted);
    return new Uint8Array(bytes);
  });

describe('RtspStreamParser: properties', () => {
  it('gives the same messages however the stream is cut into chunks', () => {
    fc.assert(
      fc.property(streams, places, (cases, cuts) => {
        const bytes = bytesOf(cases.map(({ wire }) => wire).join(''));
        expect(parseAll(cut(bytes, cuts))).toEqual(cases.flatMap(({ messages }) => messages));
      }),
    );
  });

  it('gives the same messages and the same error for broken streams however they are cut', () => {
    fc.assert(
      fc.property(mutated, places, (bytes, cuts) => {
        const whole = parseAll([bytes], LIMITS);
        expect(parseAll(cut(bytes, cuts), LIMITS)).toEqual(whole);
        expect(parseAll(cut(bytes, [...bytes.keys()]), LIMITS)).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  it('throws nothing but RtspParseError, ends, and holds no more than the limits', () => {
    const anything = fc.oneof(mutated, fc.uint8Array({ maxLength: 600 }));
    fc.assert(
      fc.property(anything, places, (bytes, cuts) => {
        const parser = new RtspStreamParser(LIMITS);
        let readCount = 0;
        try {
          for (const chunk of cut(bytes, cuts)) {
            parser.feed(chunk);
            while (parser.read() !== null) readCount += 1;
            expect(parser.bufferedBytes).toBeLessThanOrEqual(MAX_BUFFERED_BYTES);
          }
        } catch (error) {
          if (!(error instanceof RtspParseError)) throw error;
          expect(parser.bufferedBytes).toBe(0);
        }
        expect(readCount).toBeLessThanOrEqual(bytes.length / 4);
      }),
      { numRuns: 300 },
    );
  });

  it('lets the caller use one receive buffer again for every chunk once it is drained', () => {
    fc.assert(
      fc.property(streams, places, (cases, cuts) => {
        const bytes = bytesOf(cases.map(({ wire }) => wire).join(''));
        const receiveBuffer = Buffer.alloc(bytes.length + 1);
        const parser = new RtspStreamParser();
        const found: Plain[] = [];
        for (const chunk of cut(bytes, cuts)) {
          receiveBuffer.set(chunk);
          parser.feed(receiveBuffer.subarray(0, chunk.length));
          for (let message = parser.read(); message !== null; message = parser.read())
            found.push(plainOf(message));
          receiveBuffer.fill(0xff);
        }
        expect(found).toEqual(cases.flatMap(({ messages }) => messages));
      }),
    );
  });
});
