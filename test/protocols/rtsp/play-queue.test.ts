/** Ranges that wait for their turn, or their time. Spec: RFC 2326 §10.5, §10.6, §12.29. */
import { MAX_WAITING_RANGES, PlayQueue } from '@finch/rtsp/play-queue';
import { rtspErrorOf } from './rtsp-error-of';

const S = 1_000_000;
const DURATION_US = 24 * S;
const TIME = { atUs: 7, timeUtcMs: 1 };

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

  it.each([
    ['has an end', { fromUs: 10 * S, untilUs: 12 * S }, true],
    ['has none', { fromUs: 10 * S }, false],
  ])('is waited for if the last that waits %s', (_, last, isBounded) => {
    queue.started({ fromUs: 5 * S, untilUs: 8 * S });
    queue.add(last);
    expect(queue.isBounded).toBe(isBounded);
  });

  it('is waited for by its own end alone, not by what has a time', () => {
    queue.started({ fromUs: 0 });
    queue.addTimed({ fromUs: S, untilUs: 2 * S, time: TIME });
    expect(queue.isBounded).toBe(false);
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

  it('is bounded: 455', () => {
    for (let i = 0; i < MAX_WAITING_RANGES; i++) queue.add({ fromUs: i });
    expect(rtspErrorOf(() => queue.add({ fromUs: 0 })).status).toBe(455);
  });

  it('is forgotten by clear()', () => {
    queue.started({ fromUs: 0, untilUs: S });
    queue.add({ fromUs: 1 });
    queue.addTimed({ time: TIME });
    queue.clear();
    expect([queue.next(), queue.timed, queue.isBounded]).toEqual([undefined, undefined, false]);
  });
});

describe('what waits for its time (§12.29)', () => {
  it('is one, the last, and taken once', () => {
    queue.addTimed({ fromUs: 1, time: TIME });
    queue.addTimed({ fromUs: 2, time: TIME });
    expect([queue.takeTimed(), queue.takeTimed()]).toEqual([{ fromUs: 2, time: TIME }, undefined]);
  });

  it('leaves those be that wait for their turn, and gives way to one that comes later', () => {
    queue.add({ fromUs: 1 });
    queue.addTimed({ fromUs: 2, time: TIME });
    expect([queue.hasMore, queue.timed?.fromUs]).toEqual([true, 2]);
    queue.add({ fromUs: 3 });
    expect([queue.timed, queue.next(), queue.next()]).toEqual([undefined, { fromUs: 1 }, { fromUs: 3 }]);
    expect(queue.hasMore).toBe(false);
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
    queue.add({ fromUs: 10 * S, scale: -4 });
    expect(queue.stopAt(12 * S)).toBe('outside');
    expect(queue.stopAt(3 * S)).toBe('waits');
    expect(queue.next()).toEqual({ fromUs: 10 * S, untilUs: 3 * S, scale: -4 });
  });

  it.each([
    ['a place', { fromUs: 14 * S, untilUs: 18 * S }, 16, 13],
    ['no place', { untilUs: 18 * S }, 1, 19],
    ['no place, backward', { untilUs: 18 * S, scale: -2 }, 20, 17],
  ])(
    'in what waits for its time with %s cuts that, and leaves be what is before it',
    (_, range, inS, outS) => {
      queue.clear();
      queue.started({ fromUs: 2 * S, untilUs: 4 * S });
      queue.addTimed({ ...range, time: TIME });
      expect(queue.stopAt(outS * S)).toBe('outside');
      expect(queue.timed).toEqual({ ...range, time: TIME });
      expect([queue.stopAt(inS * S), queue.timed]).toEqual([
        'waits',
        { ...range, untilUs: inS * S, time: TIME },
      ]);
    },
  );

  it('in what is played or waits drops what waits for its time', () => {
    for (const pointS of [7, 3]) {
      queue.addTimed({ fromUs: 14 * S, time: TIME });
      queue.stopAt(pointS * S);
      expect(queue.timed).toBeUndefined();
    }
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
