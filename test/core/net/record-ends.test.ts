/** Where records end in a stream of TLS, however it comes in pieces. */
import { RecordEnds } from '@finch/core/net/record-ends';
import fc from 'fast-check';

const record = (bodyBytes: number): Buffer => {
  const bytes = Buffer.alloc(5 + bodyBytes, 0x16); // a body that looks like headers
  bytes.writeUInt16BE(bodyBytes, 3);
  return bytes;
};

/** The offsets in the stream where a record was found to end. */
function endsIn(pieces: readonly Uint8Array[]): number[] {
  const ends = new RecordEnds();
  const found: number[] = [];
  let at = 0;
  for (let piece of pieces) {
    while (piece.length > 0) {
      const taken = ends.next(piece);
      expect(taken).toBeGreaterThan(0);
      at += taken;
      piece = piece.subarray(taken);
      if (ends.isAtEnd) found.push(at);
    }
  }
  return found;
}

it('finds each end, wherever the stream is cut', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(16_640)), { maxLength: 20 });
  const cuts = fc.array(fc.nat(60_000), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, cuts, (bodies, places) => {
      const stream = Buffer.concat(bodies.map(record));
      const borders = [0, ...places.filter((at) => at < stream.length).sort((a, b) => a - b), stream.length];
      const pieces = borders.slice(1).map((end, i) => stream.subarray(borders[i], end));
      let at = 0;
      expect(endsIn(pieces)).toEqual(bodies.map((size) => (at += 5 + size)));
    }),
  );
});

it('finds them in a stream of single bytes', () => {
  const stream = Buffer.concat([0, 1, 300].map(record));
  expect(endsIn([...stream].map((byte) => Uint8Array.of(byte)))).toEqual([5, 11, 316]);
});

it('passes on what is no TLS', () => {
  const ends = new RecordEnds();
  const request = Buffer.from('OPTIONS * RTSP/1.0\r\n\r\n');
  expect(ends.next(request)).toBe(request.length);
  expect(ends.isAtEnd).toBe(false);
});

it('takes nothing of nothing', () => {
  const ends = new RecordEnds();
  expect([ends.next(new Uint8Array(0)), ends.isAtEnd]).toEqual([0, true]);
});
