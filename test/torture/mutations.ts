/**
 * What the fuzzer does to the bytes of a dialogue. Rule: the same random numbers give the same bytes; what comes out is
 * bounded, so that a run takes its time and no more.
 */
import type { SeededRandom } from '@finch/core/reactor/seeded-random';

/** Bytes of a mutated dialogue at most. */
export const MAX_MUTATED_BYTES = 65_536;
const MAX_MUTATIONS = 4;
const LINE = '\r\n';

/** Pieces that parsers have stumbled over. */
const TOKENS: readonly (string | Buffer)[] = [
  LINE,
  '\n',
  '\0',
  ' ',
  ':',
  '$',
  '%',
  '%00',
  '%2e%2e%2f',
  '..%5c',
  '/../',
  '*',
  'RTSP/1.0',
  'RTSP/2.0',
  'HTTP/1.1',
  'GET / HTTP/1.1\r\n\r\n',
  'Content-Length: -1\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Content-Length: 65536\r\n',
  'Content-Length: 3\r\nContent-Length: 4\r\n',
  'CSeq: 4294967296\r\n',
  'CSeq:\r\n',
  'Session: \r\n',
  'Transport: RTP/AVP/TCP;interleaved=254-255\r\n',
  'Transport: RTP/AVP/TCP;interleaved=255-256\r\n',
  'Transport: ;;;,,,=\r\n',
  'Range: npt=1e308-\r\n',
  'Range: npt=-\r\n',
  'Scale: NaN\r\n',
  'Scale: 1e-320\r\n',
  'Blocksize: 1\r\n',
  'Connection: close\r\n',
  ' folded\r\n',
  '\u00e9\u4e16\u{1f600}',
  Buffer.from([0x24, 0, 0xff, 0xff]),
  Buffer.from([0x24, 255, 0, 0]),
  Buffer.from([0x16, 3, 1, 2, 0]),
  Buffer.from([0xff, 0xfe, 0xfd, 0x80]),
];
const NUMBERS = [
  '0',
  '-1',
  '65535',
  '65536',
  '2147483648',
  '4294967295',
  '1e99',
  '99999999999999999999',
  '0x10',
  '',
];

type Mutation = (bytes: Buffer, random: SeededRandom, other: Buffer) => Buffer;

/** Any place from the first byte to behind the last one. */
function placeIn(bytes: Buffer, random: SeededRandom): number {
  return random.below(bytes.length + 1);
}

/** A piece of at most `maxBytes`. */
function pieceOf(bytes: Buffer, random: SeededRandom, maxBytes: number): { from: number; to: number } {
  const from = placeIn(bytes, random);
  return { from, to: Math.min(bytes.length, from + random.below(maxBytes)) };
}

function splice(bytes: Buffer, from: number, to: number, inserted: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), inserted, bytes.subarray(to)]);
}

function noise(random: SeededRandom, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.next() & 0xff));
}

function linesOf(bytes: Buffer): string[] {
  return bytes.toString('latin1').split(LINE);
}

function ofLines(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join(LINE), 'latin1');
}

const MUTATIONS: readonly Mutation[] = [
  function flipBits(bytes, random) {
    const flipped = Buffer.from(bytes);
    if (bytes.length > 0) flipped[random.below(bytes.length)]! ^= 1 << random.below(8);
    return flipped;
  },
  function cutOut(bytes, random) {
    const { from, to } = pieceOf(bytes, random, 40);
    return splice(bytes, from, to, Buffer.alloc(0));
  },
  function cutOff(bytes, random) {
    return bytes.subarray(0, placeIn(bytes, random));
  },
  function repeatPiece(bytes, random) {
    const { from, to } = pieceOf(bytes, random, 200);
    const times = 1 + random.below(50);
    return splice(bytes, to, to, Buffer.concat(Array<Buffer>(times).fill(bytes.subarray(from, to))));
  },
  function insertNoise(bytes, random) {
    const at = placeIn(bytes, random);
    return splice(bytes, at, at, noise(random, 1 + random.below(64)));
  },
  function insertToken(bytes, random) {
    const at = placeIn(bytes, random);
    return splice(bytes, at, at, Buffer.from(TOKENS[random.below(TOKENS.length)]!));
  },
  function insertLine(bytes, random) {
    const lines = linesOf(bytes);
    lines.splice(1 + random.below(lines.length), 0, String(TOKENS[random.below(TOKENS.length)]).trimEnd());
    return ofLines(lines);
  },
  function swapLines(bytes, random) {
    const lines = linesOf(bytes);
    const [a, b] = [random.below(lines.length), random.below(lines.length)];
    [lines[a], lines[b]] = [lines[b]!, lines[a]!];
    return ofLines(lines);
  },
  function repeatLine(bytes, random) {
    const lines = linesOf(bytes);
    const at = random.below(lines.length);
    lines.splice(at, 0, ...Array<string>(1 + random.below(200)).fill(lines[at]!));
    return ofLines(lines);
  },
  function changeNumber(bytes, random) {
    const text = bytes.toString('latin1');
    const numbers = [...text.matchAll(/\d+/g)];
    const match = numbers[random.below(Math.max(1, numbers.length))];
    if (match === undefined) return bytes;
    const number = Buffer.from(NUMBERS[random.below(NUMBERS.length)]!);
    return splice(bytes, match.index, match.index + match[0].length, number);
  },
  function changeCase(bytes, random) {
    const { from, to } = pieceOf(bytes, random, 30);
    return splice(bytes, from, to, Buffer.from(bytes.toString('latin1', from, to).toUpperCase(), 'latin1'));
  },
  function growLine(bytes, random) {
    const at = placeIn(bytes, random);
    return splice(bytes, at, at, Buffer.alloc(1 << random.below(16), 0x61));
  },
  function joinOther(bytes, random, other) {
    return splice(bytes, placeIn(bytes, random), bytes.length, other.subarray(placeIn(other, random)));
  },
  function onlyNoise(_bytes, random) {
    return noise(random, random.below(2000));
  },
];

/** Mutates a dialogue one to four times; `other` is another one to be mixed in. */
export function mutate(bytes: Buffer, random: SeededRandom, other: Buffer): Buffer {
  let mutated = bytes;
  for (let left = 1 + random.below(MAX_MUTATIONS); left > 0; left--)
    mutated = MUTATIONS[random.below(MUTATIONS.length)]!(mutated, random, other).subarray(
      0,
      MAX_MUTATED_BYTES,
    );
  return mutated;
}
