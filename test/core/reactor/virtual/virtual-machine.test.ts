import { TaskEvent } from '@finch/core/reactor/events';
import { AGAIN, after, PARK } from '@finch/core/reactor/run-result';
import { MAX_STEPS_TO_IDLE, VirtualMachine } from '@finch/core/reactor/virtual/virtual-machine';
import { ScriptedTask } from '../scripted-task';

const { start, update } = TaskEvent;

describe('VirtualMachine', () => {
  it('carries signals between its threads', () => {
    const machine = new VirtualMachine(1);
    const [one, two] = [machine.addThread(), machine.addThread()];
    const answerer = new ScriptedTask(two, () => {
      two.signalRef(asker.ref, update);
      return PARK;
    });
    const asker: ScriptedTask = new ScriptedTask(one, (events) => {
      if (events & start) one.signalRef(answerer.ref, update);
      return PARK;
    });
    asker.signal(start);
    machine.runUntilIdle();
    expect([asker.runs, answerer.runs]).toEqual([[start, update], [update]]);
    expect(machine.threads).toEqual([one, two]);
  });

  it('runs every timer on its microsecond and ends at the end of the time', () => {
    const machine = new VirtualMachine(2);
    const thread = machine.addThread();
    const startUs = machine.clock.nowUs();
    const timesUs: number[] = [];
    const script = () => {
      timesUs.push(thread.nowUs - startUs);
      return after(10);
    };
    new ScriptedTask(thread, script).signal(start);
    machine.advanceUs(35_000);
    expect(timesUs).toEqual([0, 10_000, 20_000, 30_000]);
    expect(machine.clock.nowUs()).toBe(startUs + 35_000);
  });

  it('tells when it does not get idle', () => {
    const machine = new VirtualMachine(3);
    const thread = machine.addThread({ trace: () => {} });
    let runs = 0;
    const task = new ScriptedTask(thread, () => PARK);
    task.runs.push = () => 0;
    thread.addFlusher(() => ++runs && task.signal(update));
    task.signal(start);
    expect(() => machine.runUntilIdle()).toThrow(`the machine is not idle after ${MAX_STEPS_TO_IDLE} steps`);
  });

  it('gives every thread its own order and repeats all of it with the seed', () => {
    const traceOf = (seed: number) => {
      const machine = new VirtualMachine(seed);
      for (const thread of [machine.addThread(), machine.addThread()]) {
        for (let i = 0; i < 8; i++)
          new ScriptedTask(thread, (events) => (events & start ? AGAIN : PARK)).signal(start);
      }
      machine.advanceUs(10);
      return machine.trace;
    };
    expect(traceOf(5)).toEqual(traceOf(5));
    expect(traceOf(5)).not.toEqual(traceOf(6));
    expect(traceOf(5)).toHaveLength(32);
  });
});
