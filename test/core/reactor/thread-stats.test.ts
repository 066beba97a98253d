import { after, DELETE, PARK } from '@finch/core/reactor/run-result';
import { StatsField, THREAD_STATS_LENGTH, ThreadStats } from '@finch/core/reactor/thread-stats';
import { makeRig, ScriptedTask } from './scripted-task';

describe('ThreadStats', () => {
  it('is one page of shared memory that another thread can look at', () => {
    const stats = new ThreadStats();
    const elsewhere = new ThreadStats(stats.page.buffer);
    stats.beginRun(4, 1234);
    expect(elsewhere.read(StatsField.runningClassId)).toBe(4);
    expect(elsewhere.read(StatsField.runningSinceUs)).toBe(1234);
    expect(elsewhere.page).toHaveLength(THREAD_STATS_LENGTH);
    expect(() => new ThreadStats(new SharedArrayBuffer(8))).toThrow(RangeError);
  });

  it('has no two fields in one place', () => {
    const places = Object.values(StatsField);
    expect(new Set(places).size).toBe(places.length);
    expect(Math.max(...places)).toBe(StatsField.lateness);
  });

  it('gives percentiles of all timers, or of those since a copy', () => {
    const stats = new ThreadStats();
    stats.countTimer(1_000_000);
    const earlier = stats.copy();
    stats.countTimer(2);
    expect(stats.latenessPercentileUs(1)).toBeGreaterThanOrEqual(1_000_000);
    expect(stats.latenessPercentileUs(1, earlier)).toBe(2);
    expect(stats.read(StatsField.maxLatenessUs)).toBe(1_000_000);
    expect(stats.read(StatsField.timers)).toBe(2);
  });

  it('names the task that runs, for the watchdog, and nobody between runs', () => {
    const { machine, thread } = makeRig();
    const seen: number[][] = [];
    const look = () => [
      thread.stats.read(StatsField.runningSinceUs),
      thread.stats.read(StatsField.runningClassId),
    ];
    const task = new ScriptedTask(thread, () => {
      seen.push(look());
      return PARK;
    });
    task.signal(0x100);
    machine.runUntilIdle();
    expect(seen).toEqual([[machine.clock.nowUs(), 1]]);
    expect(look()).toEqual([0, 0]);
    expect(thread.taskClass(1)?.className).toBe('ScriptedTask');
  });

  it('counts turns, runs, their time, tasks, sleepers, timers and signals from other threads', () => {
    const { machine, thread } = makeRig();
    const tasks = [3000, 500].map(
      (heldUs) =>
        new ScriptedTask(thread, (events) => {
          machine.clock.advanceUs(heldUs);
          return events & 0x100 ? after(10) : DELETE;
        }),
    );
    for (const { ref } of tasks) machine.signal(ref, 0x100);
    machine.runUntilIdle();
    const read = (...fields: number[]) => fields.map((field) => thread.stats.read(field));
    const { tasks: live, sleepers, runs, runTimeUs, longestRunUs, timers, signalsIn } = StatsField;
    expect(read(live, sleepers, runs, runTimeUs, longestRunUs)).toEqual([2, 2, 2, 3500, 3000]);
    expect(read(signalsIn, timers)).toEqual([2, 0]);
    machine.advanceUs(10_000);
    expect(read(live, sleepers, runs, runTimeUs, timers)).toEqual([0, 0, 4, 7000, 2]);
    expect(thread.stats.read(StatsField.turns)).toBeGreaterThanOrEqual(2);
  });
});
