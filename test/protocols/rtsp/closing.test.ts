/** What is read before a connection is closed: how much of it, and for how long (RFC 1122 §4.2.2.13). */
import { Errno, TaskEvent } from '@finch/core';
import { drain, MAX_DRAINED_BYTES } from '@finch/rtsp/closing';
import { ScriptedCoroutine } from '../../core/reactor/scripted-coroutine';
import { makeRig } from '../../core/reactor/scripted-task';

const BUFFER_BYTES = 4096;
/** Longer than anything is waited for. */
const PATIENCE_US = 10_000_000;
/** A TLS record of 16,384 bytes; its header, and one byte of it. */
const HELLO = Uint8Array.of(0x16, 3, 1, 0x40, 0, 1);
const REST_BYTES = 16_384 - 1;

interface Drained {
  readonly bytes: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}

/** Drains a connection that has `pieces` for it: what drain() tells, one after the other, and nothing more after the last. */
function drainAll(pieces: readonly number[], hello?: Uint8Array): Drained {
  let [bytes, durationMs] = [0, NaN];
  const left = [...pieces];
  const connection = {
    drain: (into: Uint8Array) => {
      const received = left.shift() ?? -Errno.EAGAIN;
      expect(received).toBeLessThanOrEqual(into.length);
      bytes += Math.max(received, 0);
      return received;
    },
  };
  const { machine, thread } = makeRig();
  const startUs = machine.clock.nowUs();
  const task = new ScriptedCoroutine(thread, function* () {
    yield* drain(connection, new Uint8Array(BUFFER_BYTES), hello);
    durationMs = Math.floor((machine.clock.nowUs() - startUs) / 1000);
  });
  task.signal(TaskEvent.start);
  machine.runUntilIdle();
  machine.advanceUs(PATIENCE_US);
  return { bytes, durationMs };
}

/** A buffer full of bytes, so many times. */
const full = (times: number): number[] => Array<number>(times).fill(BUFFER_BYTES);

it('is what is there, and waits for nothing', () => {
  expect(drainAll([100, 50])).toEqual({ bytes: 150, durationMs: 0 });
  expect(drainAll([])).toEqual({ bytes: 0, durationMs: 0 });
});

it.each([0, -Errno.ECONNRESET])('ends where the stream does (%i), in a TLS record, too', (end) => {
  expect(drainAll([100, end, 50])).toEqual({ bytes: 100, durationMs: 0 });
  expect(drainAll([100, -Errno.EAGAIN, end, 50], HELLO)).toEqual({ bytes: 100, durationMs: 50 });
});

it('waits for the rest of a TLS record, as far as it comes', () => {
  expect(
    drainAll([100, -Errno.EAGAIN, ...full(3), -Errno.EAGAIN, REST_BYTES - 100 - 3 * BUFFER_BYTES], HELLO),
  ).toEqual({ bytes: REST_BYTES, durationMs: 100 });
  expect(drainAll([100], HELLO)).toEqual({ bytes: 100, durationMs: 1000 });
});

it('is so many bytes in all, however often they come', () => {
  const endless = Array.from({ length: 100 }, () => [...full(12), -Errno.EAGAIN]).flat();
  expect(drainAll(full(100)).bytes).toBe(MAX_DRAINED_BYTES);
  expect(drainAll(endless, HELLO.subarray(0, 2)).bytes).toBe(MAX_DRAINED_BYTES); // of a length that is not known
});
