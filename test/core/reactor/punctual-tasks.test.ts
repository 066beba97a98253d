/** Who runs first when a thread has more to do than a turn has time for. The clock is virtual: a run takes what it says. */
import { TaskEvent } from '@finch/core/reactor/events';
import { AGAIN, after, PARK } from '@finch/core/reactor/run-result';
import type { TaskThread } from '@finch/core/reactor/task-thread';
import { makeRig, ScriptedTask } from './scripted-task';

const TURN_BUDGET_US = 5000;
/** A fifth of it. */
const SHARE_US = 1000;
const CROWD = 1000;
const CROWD_RUN_US = 100;
const FRAME_MS = 5;

class PunctualTask extends ScriptedTask {
  override get isPunctual(): boolean {
    return true;
  }
}

function makeCrowdedRig() {
  const rig = makeRig({ turnBudgetUs: TURN_BUDGET_US });
  const takes = (us: number, result: number) => () => {
    rig.machine.clock.advanceUs(us);
    return result;
  };
  return { ...rig, takes };
}

/** Tasks that want to run again whenever they have run. */
function addCrowd(thread: TaskThread, script: () => number): ScriptedTask[] {
  const crowd = Array.from({ length: CROWD }, () => new ScriptedTask(thread, script));
  for (const task of crowd) task.signal(TaskEvent.start);
  return crowd;
}

describe('a punctual task', () => {
  it('whose time has come waits for one run of the others, however many they are', () => {
    const { machine, thread, takes } = makeCrowdedRig();
    addCrowd(thread, takes(CROWD_RUN_US, AGAIN));
    const lateUs: number[] = [];
    let dueUs = Infinity;
    new PunctualTask(thread, () => {
      if (dueUs < Infinity) lateUs.push(thread.nowUs - dueUs);
      dueUs = thread.nowUs + FRAME_MS * 1000;
      return after(FRAME_MS);
    }).signal(TaskEvent.start);
    while (lateUs.length < 50) machine.step();
    expect(Math.max(...lateUs)).toBeLessThanOrEqual(CROWD_RUN_US);
  });

  it('that is signalled goes before those who were queued before it', () => {
    const { thread, machine } = makeCrowdedRig();
    const order: string[] = [];
    const named = (name: string) => () => {
      order.push(name);
      return PARK;
    };
    const others = ['a', 'b'].map((name) => new ScriptedTask(thread, named(name)));
    const punctual = new PunctualTask(thread, named('punctual'));
    for (const task of [...others, punctual]) task.signal(TaskEvent.update);
    machine.runUntilIdle();
    expect(order).toEqual(['punctual', 'a', 'b']);
  });

  it('is one for a run that has room to write again, whatever task it is', () => {
    const { thread, machine } = makeCrowdedRig();
    const order: string[] = [];
    const [first, second] = ['a', 'b'].map(
      (name) =>
        new ScriptedTask(thread, () => {
          order.push(name);
          return PARK;
        }),
    );
    first!.signal(TaskEvent.read);
    second!.signal(TaskEvent.write);
    machine.runUntilIdle();
    second!.signal(TaskEvent.read);
    first!.signal(TaskEvent.read);
    machine.runUntilIdle();
    expect(order).toEqual(['b', 'a', 'b', 'a']);
  });
});

describe('tasks that are not punctual', () => {
  it('have a fifth of every turn, when punctual ones want it all', () => {
    const { machine, thread, takes } = makeCrowdedRig();
    const crowd = addCrowd(thread, takes(CROWD_RUN_US, PARK));
    let turns = 0;
    thread.addFlusher(() => turns++);
    for (let i = 0; i < 100; i++)
      new PunctualTask(thread, takes(CROWD_RUN_US, AGAIN)).signal(TaskEvent.start);
    while (turns < 20) machine.step();
    const runs = crowd.filter((task) => task.runs.length === 1).length;
    expect(runs).toBe((turns * SHARE_US) / CROWD_RUN_US);
  });

  it('have the whole turn when nothing punctual is due, and the first of them is the first to run', () => {
    const { thread, machine, takes } = makeCrowdedRig();
    const crowd = addCrowd(thread, takes(CROWD_RUN_US, PARK));
    machine.step();
    const ran = crowd.map((task) => task.runs.length);
    const expected = TURN_BUDGET_US / CROWD_RUN_US;
    expect(ran).toEqual([...Array(expected).fill(1), ...Array(CROWD - expected).fill(0)]);
  });
});
