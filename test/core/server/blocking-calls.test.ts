/** A task thread's way to the blocking threads. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { MediaError } from '@finch/core';
import { type BlockingAnswer, BlockingCalls, type BlockingRequest } from '@finch/core/server/blocking-calls';
import { eventually } from '../../support/deadline';

const THREADS = 3;

let calls: BlockingCalls;
let far: MessagePort[];
/** Requests by thread, in order of arrival. */
let arrived: BlockingRequest[][];
let answer: (request: BlockingRequest, thread: number) => BlockingAnswer | undefined;

beforeEach(() => {
  answer = ({ id, argument }) => ({ id, result: argument });
  const channels = Array.from({ length: THREADS }, () => new MessageChannel());
  arrived = channels.map(() => []);
  far = channels.map(({ port2 }, thread) => {
    port2.on('message', (request: BlockingRequest) => {
      arrived[thread]!.push(request);
      const message = answer(request, thread);
      if (message !== undefined) port2.postMessage(message);
    });
    return port2;
  });
  calls = new BlockingCalls(channels.map(({ port1 }) => port1));
});
afterEach(() => {
  calls.close();
  for (const port of far) port.close();
});

describe('call', () => {
  it('resolves with a copy of the answer', async () => {
    const argument = { path: ['a', 'b'], bytes: Uint8Array.of(1, 2) };
    await expect(calls.call('job', 'key', argument)).resolves.toEqual(argument);
    expect(calls.pending).toBe(0);
    expect(arrived.flat()[0]).toMatchObject({ job: 'job', argument });
  });

  it('takes jobs with one key to one thread, in order', async () => {
    const jobs = Array.from({ length: 60 }, (_, i) => ({ key: `movie ${i % 6}.mp4`, place: i }));
    await Promise.all(jobs.map(({ key, place }) => calls.call('job', key, { key, place })));
    const threadOf = new Map<unknown, number>();
    arrived.forEach((requests, thread) => {
      const places = requests.map(({ argument }) => argument as { key: string; place: number });
      expect(places.map(({ place }) => place)).toEqual(
        places.map(({ place }) => place).sort((a, b) => a - b),
      );
      for (const { key } of places) {
        expect(threadOf.get(key) ?? thread).toBe(thread);
        threadOf.set(key, thread);
      }
    });
    expect(threadOf.size).toBe(6);
    expect(new Set(threadOf.values()).size).toBeGreaterThan(1);
  });

  it.each(['', 'é', '\u{1f3ac}'.repeat(1000)])('takes any key: %#', async (key) => {
    await expect(calls.call('job', key, 1)).resolves.toBe(1);
  });

  it('matches answers with calls, whatever their order', async () => {
    const kept: [BlockingRequest, number][] = [];
    answer = (request, thread) => {
      kept.push([request, thread]);
      return undefined;
    };
    const results = Promise.all([1, 2, 3].map((i) => calls.call('job', 'key', i)));
    await eventually(() => expect(kept.length).toBe(3));
    expect(calls.pending).toBe(3);
    for (const [{ id, argument }, thread] of kept.reverse())
      far[thread]!.postMessage({ id, result: argument });
    await expect(results).resolves.toEqual([1, 2, 3]);
  });

  it('rejects with what the job threw: MediaError keeps its code', async () => {
    answer = ({ id, argument }) => ({
      id,
      error: { message: 'why', mediaCode: argument as 'broken' | undefined },
    });
    const media: unknown = await calls.call('job', 'key', 'broken').catch((error: unknown) => error);
    expect(media).toBeInstanceOf(MediaError);
    expect(media).toMatchObject({ code: 'broken', message: 'why' });
    const plain: unknown = await calls.call('job', 'key', undefined).catch((error: unknown) => error);
    expect(plain).not.toBeInstanceOf(MediaError);
    expect(plain).toMatchObject({ message: 'why' });
  });

  it('rejects when the argument can not be sent, and waits for nothing then', async () => {
    await expect(calls.call('job', 'key', () => {})).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(calls.pending).toBe(0);
  });

  it('ignores answers that nobody waits for', async () => {
    far[0]!.postMessage({ id: 999, result: 1 });
    far[0]!.postMessage({ id: 999, error: { message: 'late' } });
    await expect(calls.call('job', 'key', 2)).resolves.toBe(2);
  });
});

describe('close', () => {
  it('rejects what waits and what comes later', async () => {
    answer = () => undefined;
    const waiting = calls.call('job', 'key', 1);
    calls.close();
    await expect(waiting).rejects.toThrow('the server stops');
    await expect(calls.call('job', 'key', 1)).rejects.toThrow('the server stops');
    expect(calls.pending).toBe(0);
  });
});
