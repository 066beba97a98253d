/** The addon's signal ports: how any thread wakes a task of one JavaScript thread. */
import { type NativeSignalPort, native } from '@finch/native';
import fc from 'fast-check';
import { eventually } from '../support/deadline';
import { ESRCH } from './sockets-under-test';

const THREAD = 9;
const SLOT_UNIT = 1;
const GENERATION_UNIT = 2 ** 22;
const THREAD_UNIT = 2 ** 46;
const LAST_GENERATION = 2 ** 24 - 1;

const ref = (slot: number, generation = 1, thread = THREAD) =>
  thread * THREAD_UNIT + generation * GENERATION_UNIT + slot * SLOT_UNIT;

let port: NativeSignalPort;
let wakes = 0;
const into = new Uint32Array(3 * 64);

beforeEach(() => {
  wakes = 0;
  port = new native.SignalPort(THREAD, () => wakes++);
});

afterEach(() => port.close());

function drain(): number[][] {
  const count = port.drain(into);
  return Array.from({ length: count }, (_, i) => [...into.subarray(i * 3, i * 3 + 3)]);
}

describe('signals', () => {
  it('come out as slot, generation and events, oldest first', () => {
    expect(native.signalTask(ref(5, 3), 0x10)).toBe(0);
    expect(native.signalTask(ref(2, 7), 0x01)).toBe(0);
    expect(drain()).toEqual([
      [5, 3, 0x10],
      [2, 7, 0x01],
    ]);
    expect(drain()).toEqual([]);
  });

  it('carry the largest slot, generation and event bit', () => {
    const slot = 2 ** 22 - 1;
    native.signalTask(ref(slot, LAST_GENERATION), 0x80000000);
    expect(drain()).toEqual([[slot, LAST_GENERATION, 0x80000000]]);
  });

  it('for one task are merged, whatever anybody sends', () => {
    for (let i = 0; i < 10_000; i++) native.signalTask(ref(i % 3), 1 << (i % 5));
    expect(drain()).toEqual([
      [0, 1, 0x1f],
      [1, 1, 0x1f],
      [2, 1, 0x1f],
    ]);
  });

  it.each([
    ['an older generation', 4, 5],
    ['an older generation across the wrap', LAST_GENERATION, 1],
  ])('for %s vanish beside those for the newer task of the slot', (_, older, newer) => {
    native.signalTask(ref(1, newer), 2);
    expect(native.signalTask(ref(1, older), 1)).toBe(0);
    expect(drain()).toEqual([[1, newer, 2]]);
    native.signalTask(ref(1, older), 1);
    native.signalTask(ref(1, newer), 2);
    expect(drain()).toEqual([[1, newer, 2]]);
  });

  it('come in pieces when the room is small, and none is lost', () => {
    for (let slot = 0; slot < 10; slot++) native.signalTask(ref(slot), 1);
    const small = new Uint32Array(4 * 3 + 2);
    expect(port.drain(small)).toBe(4);
    native.signalTask(ref(0), 2);
    native.signalTask(ref(9), 2);
    expect(drain()).toEqual([...[4, 5, 6, 7, 8].map((slot) => [slot, 1, 1]), [9, 1, 3], [0, 1, 2]]);
  });

  it('are a set of bits for each task, in the order of first signals (property)', () => {
    const signal = fc.record({ slot: fc.nat(7), bit: fc.nat(6) });
    fc.assert(
      fc.property(fc.array(fc.oneof(signal, fc.constant('drain' as const))), (steps) => {
        drain();
        const model = new Map<number, number>();
        for (const step of steps) {
          if (step === 'drain') {
            expect(drain()).toEqual([...model].map(([slot, bits]) => [slot, 1, bits]));
            model.clear();
          } else {
            native.signalTask(ref(step.slot), 1 << step.bit);
            model.set(step.slot, (model.get(step.slot) ?? 0) | (1 << step.bit));
          }
        }
      }),
      { numRuns: 50 },
    );
    drain();
  });

  it('wake the loop once until they are fetched', async () => {
    for (let i = 0; i < 100; i++) native.signalTask(ref(i % 4), 1);
    await eventually(() => expect(wakes).toBe(1));
    drain();
    native.signalTask(ref(0), 1);
    await eventually(() => expect(wakes).toBe(2));
  });

  it('for a thread without port are refused', () => {
    expect(native.signalTask(ref(0, 1, THREAD + 1), 1)).toBe(-ESRCH);
  });
});

describe('wakeAt', () => {
  it('wakes once, not before the deadline', async () => {
    const deadlineUs = native.nowUs() + 5000;
    let wokenUs = 0;
    port.close();
    port = new native.SignalPort(THREAD, () => {
      wakes++;
      wokenUs = native.nowUs();
    });
    port.wakeAt(deadlineUs);
    await eventually(() => expect(wakes).toBe(1));
    expect(wokenUs).toBeGreaterThanOrEqual(deadlineUs);
    await new Promise((resolve) => setImmediate(resolve));
    expect(wakes).toBe(1);
  });

  it.each([0, 1, -5])('wakes at once for a time that has passed: %d', async (deadlineUs) => {
    port.wakeAt(deadlineUs);
    await eventually(() => expect(wakes).toBe(1));
  });

  it('replaces the earlier deadline, and Infinity cancels', async () => {
    const order: string[] = [];
    const other = new native.SignalPort(THREAD + 1, () => order.push('other'));
    try {
      port.wakeAt(native.nowUs() + 1000);
      port.wakeAt(Infinity);
      other.wakeAt(native.nowUs() + 3_600_000_000);
      other.wakeAt(native.nowUs() + 4000);
      await eventually(() => expect(order).toEqual(['other']));
      expect(wakes).toBe(0);
    } finally {
      other.close();
    }
  });
});

describe('a port', () => {
  it('has its thread index alone', () => {
    expect(() => new native.SignalPort(THREAD, () => {})).toThrow('thread index is in use');
  });

  it.each([64, 4_000_000_000])('refuses the index %d', (index) => {
    expect(() => new native.SignalPort(index, () => {})).toThrow('threadIndex must be 0..63');
  });

  it('that is closed is sent nothing, wakes nobody and leaves its index to the next one', async () => {
    native.signalTask(ref(1), 1);
    port.wakeAt(0);
    port.close();
    port.close();
    expect(native.signalTask(ref(1), 1)).toBe(-ESRCH);
    port.wakeAt(0);
    let wakesOfNext = 0;
    const next = new native.SignalPort(THREAD, () => wakesOfNext++);
    try {
      native.signalTask(ref(2), 1);
      expect(port.drain(into)).toBe(0);
      expect(next.drain(into)).toBe(1);
      expect([...into.subarray(0, 3)]).toEqual([2, 1, 1]);
      await eventually(() => expect(wakesOfNext).toBe(1));
      expect(wakes).toBe(0);
    } finally {
      next.close();
    }
  });
});
