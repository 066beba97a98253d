/** From bytes to requests: how many at once, and what happens to the rest. */
import { type Intake, MAX_REQUESTS_AT_ONCE, RequestIntake } from '@finch/rtsp/request-intake';
import fc from 'fast-check';
import type { InterleavedFrame, RtspRequest } from 'rtsp-stream-parser';

const LIMITS = { maxHeaderBytes: 16_384, maxBodyBytes: 65_536 };

function makeIntake(isLastHere: (request: RtspRequest) => boolean = () => false) {
  const frames: number[] = [];
  const frameArrived = ({ channel }: InterleavedFrame) => void frames.push(channel);
  const countUnanswered = jest.fn();
  const intake = new RequestIntake({ frameArrived, countUnanswered, isLastHere }, LIMITS);
  return { intake, frames, countUnanswered };
}

function request(cseq: number): string {
  return `OPTIONS * RTSP/1.0\r\nCSeq: ${cseq}\r\n\r\n`;
}

const RESPONSE = 'RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n';

function cseqsOf({ requests }: Intake): number[] {
  return requests.map(({ headers }) => Number(headers.get('CSeq')));
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('an intake', () => {
  it('takes a few requests out of a chunk, and leaves the rest as it came', () => {
    const count = 3 * MAX_REQUESTS_AT_ONCE + 2;
    const { intake } = makeIntake();
    const taken: number[][] = [];
    let bytes: Uint8Array | undefined = Buffer.from(numbers(count).map(request).join(''));
    while (bytes !== undefined) {
      const result = intake.take(bytes);
      taken.push(cseqsOf(result));
      bytes = result.rest;
    }
    expect(taken.map(({ length }) => length)).toEqual([...Array(3).fill(MAX_REQUESTS_AT_ONCE), 2]);
    expect(taken.flat()).toEqual(numbers(count));
  });

  it('counts responses, and takes no more of them at once than of requests', () => {
    const { intake, countUnanswered } = makeIntake();
    const { requests, rest } = intake.take(Buffer.from(RESPONSE.repeat(MAX_REQUESTS_AT_ONCE) + request(7)));
    expect([requests, countUnanswered.mock.calls.length]).toEqual([[], MAX_REQUESTS_AT_ONCE]);
    expect(cseqsOf(intake.take(rest!))).toEqual([7]);
    expect(countUnanswered.mock.calls.length).toBe(MAX_REQUESTS_AT_ONCE);
  });

  it('gives a rest of its own, which stays when the chunk is used again', () => {
    const text = numbers(MAX_REQUESTS_AT_ONCE + 1)
      .map(request)
      .join('');
    const { intake } = makeIntake();
    const chunk = Buffer.from(text);
    const { rest } = intake.take(chunk);
    chunk.fill(0);
    expect(cseqsOf(intake.take(rest!))).toEqual([MAX_REQUESTS_AT_ONCE]);
  });

  it('knows the CSeq of a request that is not whole', () => {
    const { intake } = makeIntake();
    intake.take(Buffer.from(`${request(1)}OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n`));
    expect(intake.unfinishedCSeq).toBe('2');
    expect(cseqsOf(intake.take(Buffer.from('\r\n')))).toEqual([2]);
    expect(intake.unfinishedCSeq).toBeUndefined();
  });

  it('ends at a request behind which the stream is no longer ours', () => {
    const { intake } = makeIntake(({ headers }) => headers.get('CSeq') === '2');
    const { rest, ...taken } = intake.take(Buffer.from(`${numbers(3).map(request).join('')}else`));
    expect([cseqsOf(taken), Buffer.from(rest!).toString()]).toEqual([[0, 1, 2], 'else']);
  });

  it('finds all requests, responses and frames, in order, however the stream is cut', () => {
    const pieces = fc.array(fc.constantFrom('request', 'response', 'frame'), { maxLength: 120 });
    const cuts = fc.array(fc.integer({ min: 1, max: 4096 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(pieces, cuts, (kinds, sizes) => {
        const { intake, frames, countUnanswered } = makeIntake();
        const bytesOf = {
          frame: (i: number) => `$${String.fromCharCode(i)}\0\x01x`,
          request,
          response: () => RESPONSE,
        };
        const stream = Buffer.from(kinds.map((kind, i) => bytesOf[kind](i)).join(''), 'latin1');
        const cseqs: number[] = [];
        for (let at = 0, i = 0; at < stream.length; at += sizes[i % sizes.length]!, i++) {
          let bytes: Uint8Array | undefined = stream.subarray(at, at + sizes[i % sizes.length]!);
          while (bytes !== undefined) {
            const result = intake.take(bytes);
            expect(result.error).toBeUndefined();
            cseqs.push(...cseqsOf(result));
            bytes = result.rest;
          }
        }
        const placesOf = (kind: string) => numbers(kinds.length).filter((i) => kinds[i] === kind);
        expect([cseqs, frames]).toEqual([placesOf('request'), placesOf('frame')]);
        expect(countUnanswered.mock.calls.length).toBe(placesOf('response').length);
      }),
    );
  });
});
