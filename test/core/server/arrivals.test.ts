/** Connections that wait to be taken in: how many in a turn, in which order, and what becomes of them at the end. */
import { TaskEvent } from '@finch/core/reactor/events';
import { PARK } from '@finch/core/reactor/run-result';
import { Arrivals, MAX_ARRIVALS_PER_RUN } from '@finch/core/server/arrivals';
import { makeRig, ScriptedTask } from '../reactor/scripted-task';

const CROWD = 3 * MAX_ARRIVALS_PER_RUN + 1;

function makeArrivals() {
  const rig = makeRig();
  const taken: number[] = [];
  const dropped: number[] = [];
  const arrivals = new Arrivals<number>(rig.thread, {
    take: (arrival) => taken.push(arrival),
    drop: (arrival) => dropped.push(arrival),
  });
  return { ...rig, arrivals, taken, dropped };
}

const numbers = Array.from({ length: CROWD }, (_, i) => i);

describe('arrivals', () => {
  it('are taken in a few in each turn, in order, and others run between', () => {
    const { thread, machine, arrivals, taken } = makeArrivals();
    const seenByOther: number[] = [];
    const other = new ScriptedTask(thread, () => {
      seenByOther.push(taken.length);
      other.signal(TaskEvent.update);
      return PARK;
    });
    for (const arrival of numbers) arrivals.add(arrival);
    other.signal(TaskEvent.update);
    while (!arrivals.isDeleted) {
      machine.step();
      machine.clock.advanceUs(1);
    }
    expect(taken).toEqual(numbers);
    const steps = seenByOther.map((count, i) => count - (seenByOther[i - 1] ?? 0));
    expect(Math.max(...steps)).toBe(MAX_ARRIVALS_PER_RUN);
  });

  it('that have not been taken in when the thread stops are dropped, each once', () => {
    const { thread, machine, arrivals, taken, dropped } = makeArrivals();
    for (const arrival of numbers) arrivals.add(arrival);
    machine.step();
    void thread.shutdown();
    machine.runUntilIdle();
    expect([taken, dropped]).toEqual([
      numbers.slice(0, MAX_ARRIVALS_PER_RUN),
      numbers.slice(MAX_ARRIVALS_PER_RUN),
    ]);
    expect(() => arrivals.add(0)).toThrow(TypeError);
  });
});
