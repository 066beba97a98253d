import { TaskEvent } from '@finch/core/reactor/events';
import { VirtualClock } from '@finch/core/reactor/virtual/virtual-clock';
import { VirtualIdleTimers } from '@finch/core/reactor/virtual/virtual-idle-timers';

function setUp() {
  const clock = new VirtualClock();
  const fired: number[][] = [];
  const timers = new VirtualIdleTimers(clock, (ref, events) => void fired.push([ref, events]));
  return { clock, timers, fired };
}

describe('VirtualClock', () => {
  it('stands still until it is advanced, and never goes backwards', () => {
    const clock = new VirtualClock();
    const beginUs = clock.nowUs();
    clock.advanceUs(5);
    expect(clock.nowUs()).toBe(beginUs + 5);
    for (const byUs of [-1, 0.5, Number.NaN]) expect(() => clock.advanceUs(byUs)).toThrow(RangeError);
  });
});

describe('VirtualIdleTimers', () => {
  it('fire once, by deadline', () => {
    const { clock, timers, fired } = setUp();
    timers.set(1, 20);
    timers.set(2, 10);
    expect([timers.count, timers.nextUs]).toEqual([2, clock.nowUs() + 10_000]);
    clock.advanceUs(9_999);
    timers.fireDue();
    expect(fired).toEqual([]);
    clock.advanceUs(20_000);
    timers.fireDue();
    timers.fireDue();
    expect(fired).toEqual([
      [2, TaskEvent.idle],
      [1, TaskEvent.idle],
    ]);
    expect(timers.nextUs).toBe(Infinity);
  });

  it('are replaced by setting them again and dropped by cancelling', () => {
    const { clock, timers, fired } = setUp();
    timers.set(1, 10);
    timers.set(1, 30);
    timers.set(2, 10);
    timers.cancel(2);
    clock.advanceUs(10_000);
    timers.fireDue();
    expect(fired).toEqual([]);
    clock.advanceUs(20_000);
    timers.fireDue();
    expect(fired).toEqual([[1, TaskEvent.idle]]);
  });
});
