/** Connections that wait to be taken in: how many in a turn, in which order, and what becomes of them at the end. */
import { TaskEvent } from '@finch/core/reactor/events';
import { PARK } from '@finch/core/reactor/run-result';
import { Arrivals, MAX_ARRIVALS_PER_RUN } from '@finch/core/server/arrivals';
import { makeRig, ScriptedTask } from '../reactor/scripted-task';

const CROWD = 3 * MAX_ARRIVALS_PER_RUN + 1;

function makeArrivals() {
  const rig = makeRig();
  const waiting: number[] = [];
  const taken: number[] = [];
  const dropped: number[] = [];
  const queue = {
    take(pass: (arrival: number) => void): boolean {
      const next = waiting.splice(0, MAX_ARRIVALS_PER_RUN);
      for (const arrival of next) pass(arrival);
      return waiting.length > 0;
    },
  };
  const arrivals = new Arrivals<number>(rig.thread, queue, {
    take: (arrival) => taken.push(arrival),
    drop: (arrival) => dropped.push(arrival),
  });
  return { ...rig, arrivals, waiting, taken, dropped };
}

const numbers = Array.from({ length: CROWD }, (_, i) => i);

describe('arrivals', () => {
  it('are taken in a few in each turn, in order, and others run between', () => {
    const { thread, machine, arrivals, waiting, taken } = makeArrivals();
    const seenByOther: number[] = [];
    const other = new ScriptedTask(thread, () => {
      seenByOther.push(taken.length);
      other.signal(TaskEvent.update);
      return PARK;
    });
    waiting.push(...numbers);
    arrivals.signal(TaskEvent.update);
    other.signal(TaskEvent.update);
    while (taken.length < CROWD) {
      machine.step();
      machine.clock.advanceUs(1);
    }
    expect(taken).toEqual(numbers);
    const steps = seenByOther.map((count, i) => count - (seenByOther[i - 1] ?? 0));
    expect(Math.max(...steps)).toBe(MAX_ARRIVALS_PER_RUN);
  });

  it('that come later are taken in when the task is signalled again', () => {
    const { machine, arrivals, waiting, taken } = makeArrivals();
    for (const arrival of numbers) {
      waiting.push(arrival);
      arrivals.signal(TaskEvent.update);
      machine.runUntilIdle();
      expect(taken.at(-1)).toBe(arrival);
    }
  });

  it('that have not been taken in when the thread stops are dropped, each once', () => {
    const { thread, machine, arrivals, waiting, taken, dropped } = makeArrivals();
    waiting.push(...numbers);
    arrivals.signal(TaskEvent.update);
    machine.step();
    void thread.shutdown();
    machine.runUntilIdle();
    expect([taken, dropped]).toEqual([
      numbers.slice(0, MAX_ARRIVALS_PER_RUN),
      numbers.slice(MAX_ARRIVALS_PER_RUN),
    ]);
    expect(arrivals.isDeleted).toBe(true);
  });
});
