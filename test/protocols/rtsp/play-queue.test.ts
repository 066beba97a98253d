/** Ranges that wait for their turn. Spec: RFC 2326 §10.5, §10.6. */
import { MAX_WAITING_RANGES, PlayQueue } from '@finch/rtsp/play-queue';
import { rtspErrorOf } from './rtsp-error-of';

const S = 1_000_000;
const DURATION_US = 24 * S;

let queue: PlayQueue;

beforeEach(() => {
  queue = new PlayQueue(DURATION_US);
});

describe('what is played', () => {
  it.each([
    ['nothing', undefined, false],
    ['to the end of the movie', { fromUs: 0 }, false],
    ['to the end that the description tells, rounded', { fromUs: 0, untilUs: DURATION_US - 500 }, false],
    ['beyond the end', { fromUs: 0, untilUs: 2 * DURATION_US }, false],
    ['backward', { fromUs: 5 * S, untilUs: 2 * S }, false],
    ['a range', { fromUs: 5 * S, untilUs: 8 * S }, true],
  ])('%s: others wait for it or not', (_, range, isBounded) => {
    if (range !== undefined) queue.started(range);
    expect(queue.isBounded).toBe(isBounded);
  });

  it('makes others wait, whatever its end, while one waits already', () => {
    queue.started({ fromUs: 0 });
    queue.add({ fromUs: S });
    expect(queue.isBounded).toBe(true);
  });
});

describe('what waits', () => {
  it('comes in order, once', () => {
    for (const fromUs of [3, 1, 2]) queue.add({ fromUs });
    expect([queue.next(), queue.next(), queue.next(), queue.next()]).toEqual([
      { fromUs: 3 },
      { fromUs: 1 },
      { fromUs: 2 },
      undefined,
    ]);
  });

  it('comes not before its time, nor does what is behind it (§12.29)', () => {
    queue.add({ fromUs: 1, notBeforeUs: 500 });
    queue.add({ fromUs: 2 });
    expect([queue.next(499), queue.length, queue.first]).toEqual([
      undefined,
      2,
      { fromUs: 1, notBeforeUs: 500 },
    ]);
    expect([queue.next(500)?.fromUs, queue.next(500)?.fromUs, queue.length]).toEqual([1, 2, 0]);
  });

  it('is bounded: 455', () => {
    for (let i = 0; i < MAX_WAITING_RANGES; i++) queue.add({ fromUs: i });
    expect(rtspErrorOf(() => queue.add({ fromUs: 0 })).status).toBe(455);
  });

  it('is forgotten by clear()', () => {
    queue.started({ fromUs: 0, untilUs: S });
    queue.add({ fromUs: 1 });
    queue.clear();
    expect([queue.next(), queue.isBounded]).toEqual([undefined, false]);
  });
});

describe('stopAt()', () => {
  beforeEach(() => {
    queue.started({ fromUs: 2 * S, untilUs: 4 * S });
    queue.add({ fromUs: 6 * S, untilUs: 8 * S });
    queue.add({ fromUs: 10 * S });
  });

  it('in what is played drops all that waits', () => {
    expect(queue.stopAt(3 * S)).toBe('active');
    expect(queue.next()).toBeUndefined();
  });

  it('in what waits cuts that, and drops what is behind', () => {
    expect(queue.stopAt(7 * S)).toBe('waits');
    expect([queue.next(), queue.next()]).toEqual([{ fromUs: 6 * S, untilUs: 7 * S }, undefined]);
  });

  it('in the open end of the last one cuts that', () => {
    expect(queue.stopAt(20 * S)).toBe('waits');
    queue.next();
    expect(queue.next()).toEqual({ fromUs: 10 * S, untilUs: 20 * S });
  });

  it('in a range that goes backward to the start cuts that, and keeps how it is played', () => {
    queue.clear();
    queue.add({ fromUs: 10 * S, scale: -4, notBeforeUs: 7 });
    expect(queue.stopAt(12 * S)).toBe('outside');
    expect(queue.stopAt(3 * S)).toBe('waits');
    expect(queue.next()).toEqual({ fromUs: 10 * S, untilUs: 3 * S, scale: -4, notBeforeUs: 7 });
  });

  it('finds nothing in what is over', () => {
    queue.clear();
    queue.started({ fromUs: 2 * S, untilUs: 4 * S });
    queue.finished();
    expect([queue.stopAt(3 * S), queue.isBounded]).toEqual(['outside', false]);
  });

  it('outside of all changes nothing', () => {
    for (const point of [1, 5, 9]) expect(queue.stopAt(point * S)).toBe('outside');
    expect([queue.next(), queue.next()]).toEqual([{ fromUs: 6 * S, untilUs: 8 * S }, { fromUs: 10 * S }]);
  });
});
