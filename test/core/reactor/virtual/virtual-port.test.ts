import { makeTaskRef, NO_TASK } from '@finch/core/reactor/task-ref';
import { NO_SUCH_TASK } from '@finch/core/reactor/thread-port';
import { VirtualHub } from '@finch/core/reactor/virtual/virtual-port';

function setUp() {
  const hub = new VirtualHub();
  return { hub, port: hub.openPort(0), other: hub.openPort(1) };
}

describe('VirtualPort', () => {
  it('drains what has arrived, oldest task first, with the bits of a task added up', () => {
    const { port, other } = setUp();
    const [first, second] = [makeTaskRef(0, 3, 7), makeTaskRef(0, 1, 2)];
    for (const [ref, events] of [
      [first, 1],
      [second, 2],
      [first, 4],
    ])
      expect(other.signal(ref, events)).toBe(0);
    const into = new Uint32Array(30);
    expect(port.drain(into)).toBe(0);
    port.deliver();
    expect(port.drain(into)).toBe(2);
    expect([...into.subarray(0, 6)]).toEqual([7, 3, 5, 2, 1, 2]);
    expect(port.drain(into)).toBe(0);
  });

  it('drains in pieces when there is little room', () => {
    const { port, hub } = setUp();
    for (let slot = 0; slot < 5; slot++) hub.signal(makeTaskRef(0, 1, slot), 1);
    port.deliver();
    const into = new Uint32Array(7);
    expect([port.drain(into), port.drain(into), port.drain(into)]).toEqual([2, 2, 1]);
  });

  it('lets signals arrive one by one', () => {
    const { port, hub } = setUp();
    for (const slot of [1, 2]) hub.signal(makeTaskRef(0, 1, slot), 1);
    port.deliver(1);
    expect([port.travellingCount, port.isAwake(0)]).toEqual([1, true]);
    expect(port.drain(new Uint32Array(30))).toBe(1);
    expect(port.isAwake(0)).toBe(false);
  });

  it('is awake from its deadline on, until it wakes', () => {
    const { port } = setUp();
    port.wakeAt(100);
    expect([port.isAwake(99), port.isAwake(100)]).toEqual([false, true]);
    port.wake(100);
    expect([port.isAwake(200), port.deadlineUs]).toEqual([false, Infinity]);
    port.wakeAt(100);
    port.wakeAt(Infinity);
    expect(port.isAwake(1e12)).toBe(false);
  });

  it('refuses signals to threads that are not there', () => {
    const { port } = setUp();
    expect(port.signal(makeTaskRef(9, 1, 0), 1)).toBe(NO_SUCH_TASK);
    expect(port.signal(NO_TASK, 1)).toBe(NO_SUCH_TASK);
  });

  it.each([-1, 64, 0.5, 1])('is not opened for thread %d, which is out of range or taken', (threadIndex) => {
    expect(() => setUp().hub.openPort(threadIndex)).toThrow(RangeError);
  });
});
