import { TaskEvent } from '@finch/core/reactor/events';
import { DELETE, PARK } from '@finch/core/reactor/run-result';
import { StatsField } from '@finch/core/reactor/thread-stats';
import { TimeoutTask } from '@finch/core/reactor/timeout-task';
import { makeRig, ScriptedTask } from './scripted-task';

const { timeout, kill } = TaskEvent;

function setUp() {
  const { machine, thread } = makeRig();
  const firedUs: number[] = [];
  const startUs = machine.clock.nowUs();
  const owner = new ScriptedTask(thread, (events) => {
    if (events & timeout) firedUs.push(thread.nowUs - startUs);
    return events & kill ? DELETE : PARK;
  });
  return { machine, thread, owner, firedUs };
}

/** The bound for one timeout on a thread: 10 ms plus 0.1 ms. */
const LATENESS_US = 10_100;

describe('TimeoutTask', () => {
  it('signals timeout once when nothing refreshes it: on time when it is alone', () => {
    const { machine, owner, firedUs } = setUp();
    const task = new TimeoutTask(owner, 60_000);
    machine.advanceUs(300_000_000);
    expect([firedUs, task.expiresUs]).toEqual([[60_000_000], Infinity]);
  });

  it('begins anew with every refresh, and is never early (B-26)', () => {
    const { machine, owner, firedUs } = setUp();
    const task = new TimeoutTask(owner, 100);
    for (let i = 0; i < 20; i++) {
      machine.advanceUs(90_000);
      task.refresh();
    }
    expect(firedUs).toEqual([]);
    machine.advanceUs(1_000_000);
    expect(firedUs).toHaveLength(1);
    expect(firedUs[0]).toBeGreaterThanOrEqual(1_900_000);
    expect(firedUs[0]).toBeLessThanOrEqual(1_900_000 + LATENESS_US);
  });

  it('refreshes from the time of the call also outside of turns, after the thread has long been idle', () => {
    const { machine, owner, firedUs } = setUp();
    const task = new TimeoutTask(owner, 100_000);
    machine.advanceUs(99_000_000);
    task.refresh();
    expect(task.expiresUs).toBe(machine.clock.nowUs() + 100_000_000);
    machine.advanceUs(99_000_000);
    expect(firedUs).toEqual([]);
  });

  it('can be armed again by a refresh after it has expired (B-27 fixed: one signal for each expiry)', () => {
    const { machine, owner, firedUs } = setUp();
    const task = new TimeoutTask(owner, 100);
    machine.advanceUs(1_000_000);
    task.refresh();
    machine.advanceUs(1_000_000);
    expect(firedUs).toEqual([100_000, 1_100_000]);
  });

  it('never fires after cancel(), whatever refreshes it', () => {
    const { machine, owner, firedUs } = setUp();
    const task = new TimeoutTask(owner, 100);
    task.cancel();
    task.cancel();
    task.refresh();
    task.changeTimeout(50);
    machine.advanceUs(1_000_000);
    expect([firedUs, task.isOver]).toEqual([[], true]);
  });

  it.each([
    ['shorter', 20],
    ['longer', 500],
  ])('can be made %s', (_how, timeoutMs) => {
    const { machine, owner, firedUs } = setUp();
    const task = new TimeoutTask(owner, 100);
    machine.advanceUs(50_000);
    task.changeTimeout(timeoutMs);
    machine.advanceUs(1_000_000);
    expect(firedUs).toHaveLength(1);
    expect(firedUs[0]).toBeGreaterThanOrEqual(50_000 + timeoutMs * 1000);
    expect(firedUs[0]).toBeLessThanOrEqual(50_000 + timeoutMs * 1000 + LATENESS_US);
  });

  it('that comes after a longer one does not wait for that (B-27 fixed)', () => {
    const { machine, owner, firedUs } = setUp();
    new TimeoutTask(owner, 60_000);
    machine.advanceUs(1_000_000);
    new TimeoutTask(owner, 10);
    machine.advanceUs(1_000_000);
    expect(firedUs).toEqual([1_010_000]);
  });

  it.each([0, -1, Number.NaN, Infinity])('refuses %d ms', (timeoutMs) => {
    const { owner, thread } = setUp();
    expect(() => new TimeoutTask(owner, timeoutMs)).toThrow(/^timeoutMs must be/);
    expect(thread.taskCount).toBe(1);
  });
});

describe('the sweeper', () => {
  it('keeps every one of many within the bound', () => {
    const { machine, thread } = setUp();
    const startUs = machine.clock.nowUs();
    const latenessUs: number[] = [];
    for (let i = 0; i < 500; i++) {
      const timeoutUs = 5_000 + ((i * 7919) % 400_000);
      const owner = new ScriptedTask(thread, () => {
        latenessUs.push(thread.nowUs - startUs - timeoutUs);
        return DELETE;
      });
      new TimeoutTask(owner, timeoutUs / 1000);
    }
    machine.advanceUs(1_000_000);
    expect(latenessUs).toHaveLength(500);
    expect(Math.min(...latenessUs)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...latenessUs)).toBeLessThanOrEqual(10_000 + 500 * 100);
  });

  it('sweeps seldom however often timeouts are refreshed', () => {
    const { machine, thread, owner } = setUp();
    const tasks = Array.from({ length: 50 }, () => new TimeoutTask(owner, 60_000));
    machine.runUntilIdle();
    const before = thread.stats.read(StatsField.runs);
    for (let i = 0; i < 1000; i++) {
      machine.advanceUs(59_000);
      for (const task of tasks) task.refresh();
    }
    expect(thread.stats.read(StatsField.runs) - before).toBeLessThanOrEqual(2);
  });

  it('is gone, with its wake-ups, when there is nothing left to watch', () => {
    const { machine, thread, owner } = setUp();
    const cancelled = new TimeoutTask(owner, 60_000);
    machine.runUntilIdle();
    expect(thread.taskCount).toBe(2);
    cancelled.cancel();
    machine.runUntilIdle();
    expect([thread.taskCount, machine.nextUs]).toEqual([1, Infinity]);
    new TimeoutTask(owner, 10);
    machine.advanceUs(10_000);
    expect([thread.taskCount, machine.nextUs]).toEqual([1, Infinity]);
  });

  it('forgets the timeouts of deleted owners', () => {
    const { machine, thread, owner } = setUp();
    const task = new TimeoutTask(owner, 50);
    owner.signal(kill);
    machine.advanceUs(50_000);
    expect([task.isOver, thread.taskCount]).toEqual([true, 0]);
  });

  it('watches on during a shutdown until the last owner is gone', async () => {
    const { machine, thread } = makeRig();
    const stubborn = new ScriptedTask(thread, (events) => (events & timeout ? DELETE : PARK));
    new TimeoutTask(stubborn, 2000);
    const drained = thread.shutdown();
    machine.advanceUs(1_000_000);
    expect(stubborn.runs).toEqual([kill]);
    machine.advanceUs(1_200_000);
    await drained;
    expect(stubborn.runs).toEqual([kill, timeout]);
  });

  it('lets a shutdown end soon when owners have not cancelled', () => {
    const { machine, thread, owner } = setUp();
    new TimeoutTask(owner, 60_000);
    void thread.shutdown();
    machine.advanceUs(200_000);
    expect(thread.taskCount).toBe(0);
  });
});
