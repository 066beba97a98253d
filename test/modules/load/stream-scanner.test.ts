/** Interleaved streams (RFC 2326 §10.12): any way of cutting them gives the same frames and messages. */

import { StreamScanner } from '@finch/load/stream-scanner';
import * as fc from 'fast-check';
import { writeInterleavedHeader, writeRequest, writeResponse } from 'rtsp-stream-parser';

type Found = string;

function frame(channel: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + payload.length);
  bytes.set(payload, writeInterleavedHeader(bytes, 0, channel, payload.length));
  return bytes;
}

function scan(stream: Uint8Array, cuts: readonly number[]): Found[] {
  const found: Found[] = [];
  const scanner = new StreamScanner({
    frame: (channel, bytes, at, length) =>
      found.push(`frame ${channel} ${Buffer.from(bytes.subarray(at, at + length)).toString('hex')}`),
    message: (message) =>
      found.push(
        message.kind === 'frame'
          ? 'a frame as message'
          : `${message.kind} ${Buffer.from(message.body).toString()}`,
      ),
  });
  // Each piece in a buffer that is overwritten, as the receive set's is.
  const edges = [0, ...cuts, stream.length].sort((a, b) => a - b);
  const buffer = new Uint8Array(stream.length + 7);
  for (let i = 1; i < edges.length; i++) {
    const piece = stream.subarray(edges[i - 1], edges[i]);
    buffer.fill(0x24).set(piece, 7);
    if (piece.length > 0) scanner.take(buffer, 7, piece.length, 1);
  }
  return found;
}

const body = new TextEncoder().encode('v=0\r\n$ is no frame here\r\n\r\nend');
const response = writeResponse({ statusCode: 200, headers: { CSeq: '4' } });
const described = writeResponse({ statusCode: 200, headers: { CSeq: '2' }, body });
const request = writeRequest({ method: 'OPTIONS', url: '*', headers: { CSeq: '9' } });
const small = frame(0, Uint8Array.of(1, 2, 3));
const large = frame(3, new Uint8Array(5000).fill(0x24));
const stream = Buffer.concat([
  described,
  response,
  small,
  large,
  frame(1, new Uint8Array(0)),
  request,
  small,
  described,
  small,
]);

describe('StreamScanner', () => {
  const whole = scan(stream, []);

  it('finds frames and messages in the order of the stream', () => {
    expect(whole.map((item) => item.split(' ', 2).join(' '))).toEqual([
      'response v=0\r\n$',
      'response ',
      'frame 0',
      'frame 3',
      'frame 1',
      'request ',
      'frame 0',
      'response v=0\r\n$',
      'frame 0',
    ]);
    expect(whole[0]).toBe(`response ${Buffer.from(body).toString()}`);
  });

  it('finds the same however the stream is cut', () => {
    const cuts = fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 });
    fc.assert(
      fc.property(cuts, (places) => {
        expect(scan(stream, places)).toEqual(whole);
      }),
    );
  });

  it('finds the same byte by byte', () => {
    const short = Buffer.concat([described, small, response, small]);
    const every = Array.from({ length: short.length }, (_, i) => i);
    expect(scan(short, every)).toEqual(scan(short, []));
  });

  it('refuses what is neither', () => {
    expect(() => scan(Uint8Array.of(0, 1, 2, 3), [])).toThrow('start line');
  });
});
