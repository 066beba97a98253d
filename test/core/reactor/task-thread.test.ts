import { TaskEvent } from '@finch/core/reactor/events';
import { AGAIN, after, DELETE, PARK } from '@finch/core/reactor/run-result';
import { Task } from '@finch/core/reactor/task';
import { makeTaskRef, NO_TASK } from '@finch/core/reactor/task-ref';
import { TaskThread } from '@finch/core/reactor/task-thread';
import { NO_SUCH_TASK } from '@finch/core/reactor/thread-port';
import { StatsField } from '@finch/core/reactor/thread-stats';
import { VirtualClock } from '@finch/core/reactor/virtual/virtual-clock';
import { makeRig, recordingPort, ScriptedTask } from './scripted-task';

const { kill, idle, start, read, update } = TaskEvent;

function makeBareThread(rows?: number[][]) {
  const clock = new VirtualClock();
  const recording = recordingPort(rows);
  const errors: unknown[] = [];
  const thread = new TaskThread({
    clock,
    port: recording.port,
    onError: (_task, error) => errors.push(error),
  });
  return { clock, thread, errors, ...recording };
}

describe('a signal', () => {
  it('runs a task once for all bits raised until then (B-9)', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedTask(thread);
    for (const events of [start, read, start]) task.signal(events);
    machine.runUntilIdle();
    expect(task.runs).toEqual([start | read]);
  });

  it('that comes while the task runs makes it run again (B-12), after the others and not in the same round', () => {
    const { thread } = makeBareThread();
    const order: string[] = [];
    const restless = new ScriptedTask(thread, (_events, task) => {
      order.push('restless');
      task.signal(update);
      return PARK;
    });
    const other = new ScriptedTask(thread, () => {
      order.push('other');
      return PARK;
    });
    restless.signal(start);
    other.signal(start);
    thread.turn();
    expect(order).toEqual(['restless', 'other']);
    thread.turn();
    expect(restless.runs).toEqual([start, update]);
  });

  it('wakes a sleeper at once and its deadline is forgotten (B-14 fixed)', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedTask(thread, (events) => (events & start ? after(500) : PARK));
    task.signal(start);
    machine.advanceUs(1000);
    task.signal(kill);
    machine.runUntilIdle();
    expect(task.runs).toEqual([start, kill]);
    machine.advanceUs(1_000_000);
    expect(task.runs).toHaveLength(2);
  });

  it('without bits does nothing', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedTask(thread);
    task.signal(0);
    machine.runUntilIdle();
    expect(task.runs).toEqual([]);
  });

  it('to a deleted task does nothing', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedTask(thread, () => DELETE);
    task.signal(kill);
    machine.runUntilIdle();
    task.signal(start);
    machine.runUntilIdle();
    expect([task.runs, task.deletions, task.isDeleted]).toEqual([[kill], 1, true]);
  });

  it('from outside of a turn asks for one turn, once', () => {
    const { thread, clock, wakeUps } = makeBareThread();
    const tasks = [new ScriptedTask(thread), new ScriptedTask(thread)];
    for (const task of tasks) task.signal(start);
    tasks[0].signal(read);
    expect(wakeUps).toEqual([clock.nowUs()]);
    thread.turn();
    tasks[0].signal(start);
    expect(wakeUps).toEqual([clock.nowUs(), Infinity, clock.nowUs()]);
  });
});

describe('signalRef', () => {
  it('reaches a task of the same thread directly', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedTask(thread);
    expect(thread.signalRef(task.ref, update)).toBe(0);
    machine.runUntilIdle();
    expect(task.runs).toEqual([update]);
    expect(thread.resolve(task.ref)).toBe(task);
  });

  it('goes through the port to other threads', () => {
    const { thread, sent } = makeBareThread();
    const ref = makeTaskRef(5, 1, 0);
    expect(thread.signalRef(ref, update)).toBe(0);
    expect(sent).toEqual([[ref, update]]);
    expect(thread.resolve(ref)).toBeUndefined();
  });

  it('lets stale references vanish, also when the slot has a new task (B-32)', () => {
    const { machine, thread } = makeRig();
    const older = new ScriptedTask(thread, () => DELETE);
    older.signal(kill);
    machine.runUntilIdle();
    const newer = new ScriptedTask(thread);
    expect(thread.signalRef(older.ref, update)).toBe(NO_SUCH_TASK);
    expect(thread.signalRef(NO_TASK, update)).toBe(NO_SUCH_TASK);
    expect(thread.resolve(older.ref)).toBeUndefined();
    machine.signal(older.ref, update);
    machine.runUntilIdle();
    expect(newer.runs).toEqual([]);
  });
});

describe('the result of run()', () => {
  it.each([
    ['parks until a signal', PARK, Infinity],
    ['sleeps so many milliseconds', after(20), 20_000],
    ['sleeps whole microseconds, rounded up', 0.0421, 43],
    ['asks for the next turn', AGAIN, 1],
    ['parks for ever', Infinity, Infinity],
  ])('%s', (_what, result, delayUs) => {
    const { thread, clock, wakeUps } = makeBareThread();
    new ScriptedTask(thread, () => result).signal(start);
    thread.turn();
    expect(wakeUps.at(-1)).toBe(clock.nowUs() + delayUs);
  });

  it('that is positive counts from the beginning of the run', () => {
    const { thread, clock, wakeUps } = makeBareThread();
    const startUs = clock.nowUs();
    new ScriptedTask(thread, () => {
      clock.advanceUs(700);
      expect(thread.nowUs).toBe(startUs);
      return after(5);
    }).signal(start);
    thread.turn();
    expect(wakeUps.at(-1)).toBe(startUs + 5_000);
  });

  it('that is positive brings the idle bit when the time is over (B-2)', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedTask(thread, (events) => (events & start ? after(20) : PARK));
    task.signal(start);
    machine.advanceUs(19_999);
    expect(task.runs).toEqual([start]);
    machine.advanceUs(1);
    expect(task.runs).toEqual([start, idle]);
  });

  it('that is negative deletes the task, once, after the run (B-11)', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedTask(thread, (_events, self) => {
      self.signal(update);
      expect(self.deletions).toBe(0);
      return DELETE;
    });
    task.signal(kill);
    machine.advanceUs(1_000_000);
    expect([task.runs.length, task.deletions, thread.taskCount]).toEqual([1, 1, 0]);
  });

  it.each([Number.NaN, undefined, '20'])('that is %p is an error, and deletes the task', (result) => {
    const { machine, thread } = makeRig();
    const task = new ScriptedTask(thread, () => result as number);
    task.signal(start);
    machine.runUntilIdle();
    expect(machine.errors.map(({ error }) => String(error))).toEqual([
      `TypeError: run() of ScriptedTask must return a number: ${result}`,
    ]);
    expect(task.deletions).toBe(1);
  });
});

describe('an exception', () => {
  class Failing extends Task {
    run(): number {
      throw new Error('from run');
    }
    protected override onDeleted(): void {
      throw new Error('from onDeleted');
    }
  }

  it('of run() and of onDeleted() is reported, the task is deleted and the others run', () => {
    const { machine, thread } = makeRig();
    const failing = new Failing(thread);
    const other = new ScriptedTask(thread);
    failing.signal(start);
    other.signal(start);
    machine.runUntilIdle();
    expect(machine.errors.map(({ task, error }) => [task, (error as Error).message])).toEqual([
      [failing, 'from run'],
      [failing, 'from onDeleted'],
    ]);
    expect([failing.isDeleted, thread.taskCount, other.runs]).toEqual([true, 1, [start]]);
    expect(thread.stats.read(StatsField.errors)).toBe(2);
  });

  it('of a flusher is reported without a task, and the next flusher runs', () => {
    const { thread, errors } = makeBareThread();
    let flushes = 0;
    thread.addFlusher(() => {
      throw new Error('from flusher');
    });
    thread.addFlusher(() => flushes++);
    thread.turn();
    expect([errors.map((error) => (error as Error).message), flushes]).toEqual([['from flusher'], 1]);
  });
});

describe('a turn', () => {
  it('takes signals in, then due timers out, then runs, then flushes', () => {
    const rows: number[][] = [];
    const { thread, clock } = makeBareThread(rows);
    const order: string[] = [];
    for (const name of ['flush 1', 'flush 2']) thread.addFlusher(() => order.push(name));
    const sleeper = new ScriptedTask(thread, (events) => {
      order.push('timer');
      return events & start ? after(1) : PARK;
    });
    const signalled = new ScriptedTask(thread, () => {
      order.push('signal');
      return PARK;
    });
    sleeper.signal(start);
    thread.turn();
    clock.advanceUs(1000);
    rows.push([1, 1, read]);
    order.length = 0;
    thread.turn();
    expect(order).toEqual(['signal', 'timer', 'flush 1', 'flush 2']);
    expect(signalled.runs).toEqual([read]);
  });

  it('gives a task the signals of other threads in one run with its timer', () => {
    const rows: number[][] = [];
    const { thread, clock } = makeBareThread(rows);
    const task = new ScriptedTask(thread, () => after(1));
    task.signal(start);
    thread.turn();
    clock.advanceUs(1000);
    rows.push([0, 1, read], [0, 1, update], [0, 2, kill], [77, 1, kill]);
    thread.turn();
    expect(task.runs).toEqual([start, read | update]);
  });

  it('moves all due timers out before any runs, so that one task can not hold up the others', () => {
    const { thread, clock } = makeBareThread();
    const order: number[] = [];
    for (const delayMs of [3, 1, 2]) {
      const script = (events: number) => {
        if (events & start) return after(delayMs);
        order.push(delayMs);
        return AGAIN;
      };
      new ScriptedTask(thread, script).signal(start);
    }
    thread.turn();
    clock.advanceUs(5000);
    thread.turn();
    expect(order).toEqual([1, 2, 3]);
  });

  it('runs what was queued when it began, within the budget; the rest stays for the next turn, at once', () => {
    const { thread, clock, wakeUps } = makeBareThread();
    const tasks = Array.from(
      { length: 5 },
      () =>
        new ScriptedTask(thread, () => {
          clock.advanceUs(2000);
          return PARK;
        }),
    );
    for (const task of tasks) task.signal(start);
    thread.turn();
    expect(tasks.map(({ runs }) => runs.length)).toEqual([1, 1, 1, 0, 0]);
    expect(wakeUps.at(-1)).toBe(clock.nowUs());
    thread.turn();
    expect(tasks.map(({ runs }) => runs.length)).toEqual([1, 1, 1, 1, 1]);
    expect(wakeUps.at(-1)).toBe(Infinity);
  });

  it('runs one task at least, however long that takes', () => {
    const { machine, thread } = makeRig({ turnBudgetUs: 1 });
    const tasks = [1, 2].map(
      () =>
        new ScriptedTask(thread, () => {
          machine.clock.advanceUs(50);
          return PARK;
        }),
    );
    for (const task of tasks) task.signal(start);
    machine.runUntilIdle();
    expect(tasks.map(({ runs }) => runs.length)).toEqual([1, 1]);
  });

  it('can not be spun by two tasks that signal each other', () => {
    const { thread } = makeBareThread();
    const ping: ScriptedTask = new ScriptedTask(thread, () => {
      pong.signal(update);
      return PARK;
    });
    const pong: ScriptedTask = new ScriptedTask(thread, () => {
      ping.signal(update);
      return PARK;
    });
    ping.signal(start);
    for (let turns = 0; turns < 4; turns++) thread.turn();
    expect([ping.runs.length, pong.runs.length]).toEqual([2, 2]);
  });

  it('that is called from within a turn does nothing', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedTask(thread, (_events, self) => {
      self.signal(update);
      thread.turn();
      return DELETE;
    });
    task.signal(start);
    machine.runUntilIdle();
    expect(task.runs).toEqual([start]);
  });

  it('runs what a flusher signals in the next turn', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedTask(thread);
    thread.addFlusher(() => task.runs.length < 2 && task.signal(update));
    task.signal(start);
    machine.runUntilIdle();
    expect(task.runs).toEqual([start, update]);
  });

  it('asks for no wake-up when nothing is due (B-20 fixed)', () => {
    const { machine, thread } = makeRig();
    new ScriptedTask(thread).signal(start);
    machine.runUntilIdle();
    const turns = thread.stats.read(StatsField.turns);
    machine.advanceUs(3_600_000_000);
    expect(thread.stats.read(StatsField.turns)).toBe(turns);
    expect(machine.nextUs).toBe(Infinity);
  });

  it('drains a full port on, and leaves a flood for the next turn', () => {
    const rows = Array.from({ length: 256 * 64 + 10 }, () => [0, 1, read]);
    const { thread, clock, wakeUps } = makeBareThread(rows);
    const task = new ScriptedTask(thread);
    thread.turn();
    expect([rows.length, task.runs, wakeUps.at(-1)]).toEqual([10, [read], clock.nowUs()]);
    thread.turn();
    expect([rows.length, task.runs, wakeUps.at(-1)]).toEqual([0, [read, read], Infinity]);
  });
});

describe('shutdown', () => {
  it('signals kill to all and resolves when the last task is gone', async () => {
    const { machine, thread } = makeRig();
    const tasks = Array.from(
      { length: 3 },
      () => new ScriptedTask(thread, (events) => (events & kill ? DELETE : PARK)),
    );
    const slow = new ScriptedTask(thread, (events) => (events & kill ? after(50) : DELETE));
    let isDrained = false;
    const drained = thread.shutdown().then(() => {
      isDrained = true;
    });
    machine.runUntilIdle();
    await Promise.resolve();
    expect([thread.taskCount, isDrained, slow.isDeleted]).toEqual([1, false, false]);
    machine.advanceUs(50_000);
    await drained;
    expect(tasks.map(({ deletions }) => deletions)).toEqual([1, 1, 1]);
  });

  it('resolves at once without tasks, also when called twice', async () => {
    const { thread } = makeRig();
    await Promise.all([thread.shutdown(), thread.shutdown(), thread.drained]);
    expect(thread.taskCount).toBe(0);
  });

  it('kills tasks that join later, too', async () => {
    const { machine, thread } = makeRig();
    const heirs: ScriptedTask[] = [];
    const parent = new ScriptedTask(thread, () => {
      heirs.push(new ScriptedTask(thread, () => DELETE));
      return DELETE;
    });
    const drained = thread.shutdown();
    machine.runUntilIdle();
    await drained;
    expect([parent.runs, heirs.map(({ runs }) => runs)]).toEqual([[kill], [[kill]]]);
  });
});

describe('what a person can see', () => {
  it('is every live task with class, module, age and state (C-5)', () => {
    const { machine, thread } = makeRig();
    const sleeper = new ScriptedTask(thread, () => after(50), 'file-vod');
    sleeper.signal(start);
    machine.advanceUs(3000);
    const parked = new ScriptedTask(thread);
    const common = { className: 'ScriptedTask' };
    expect([...thread.tasks()]).toEqual([
      { ...common, task: sleeper, ref: sleeper.ref, moduleName: 'file-vod', ageUs: 3000, state: 'sleeping' },
      { ...common, task: parked, ref: parked.ref, moduleName: '', ageUs: 0, state: 'parked' },
    ]);
  });

  it('is a run that held the thread too long, with its class and module', () => {
    const onLongRun = jest.fn();
    const { machine, thread } = makeRig({ onLongRun, longRunLimitUs: 1000 });
    for (const heldUs of [1000, 1001])
      new ScriptedTask(
        thread,
        () => {
          machine.clock.advanceUs(heldUs);
          return PARK;
        },
        'slow',
      ).signal(start);
    machine.runUntilIdle();
    expect(onLongRun.mock.calls).toEqual([['ScriptedTask', 'slow', 1001]]);
    expect(thread.stats.read(StatsField.longRuns)).toBe(1);
  });

  it('is the name of each class of tasks, told once', () => {
    const onTaskClass = jest.fn();
    const { thread } = makeRig({ onTaskClass });
    for (const moduleName of ['a', 'b', 'a']) new ScriptedTask(thread, undefined, moduleName);
    expect(onTaskClass.mock.calls).toEqual([
      [1, 'ScriptedTask', 'a'],
      [2, 'ScriptedTask', 'b'],
    ]);
  });
});

describe('the options', () => {
  it.each([{ turnBudgetUs: 0 }, { turnBudgetUs: Number.NaN }, { longRunLimitUs: -1 }])(
    'refuse %p',
    (options) => {
      expect(() => makeRig(options)).toThrow(RangeError);
    },
  );
});

describe('prefetching', () => {
  class FarTask extends ScriptedTask {
    constructor(
      thread: TaskThread,
      readonly log: string[],
      readonly name: string,
    ) {
      super(thread, () => {
        log.push(`run ${name}`);
        return PARK;
      });
    }
    override prefetch(): number {
      this.log.push(`prefetch ${this.name}`);
      return 1;
    }
  }

  it('comes before the runs, for several tasks in a row and once for each run', () => {
    const { thread } = makeBareThread();
    const log: string[] = [];
    const names = Array.from({ length: 40 }, (_, i) => String(i));
    for (const name of names) new FarTask(thread, log, name).signal(start);
    thread.turn();
    for (const kind of ['prefetch', 'run'])
      expect(log.filter((line) => line.startsWith(kind))).toEqual(names.map((name) => `${kind} ${name}`));
    for (const name of names)
      expect(log.indexOf(`prefetch ${name}`)).toBeLessThan(log.indexOf(`run ${name}`));
    expect(log.slice(0, 3)).toEqual(['prefetch 0', 'prefetch 1', 'prefetch 2']);
  });

  it('that throws is reported, and everybody runs', () => {
    const { thread, errors } = makeBareThread();
    const log: string[] = [];
    const fault = new Error('far away');
    const broken = new FarTask(thread, log, 'broken');
    broken.prefetch = () => {
      throw fault;
    };
    const tasks = [broken, new FarTask(thread, log, 'sound')];
    for (const task of tasks) task.signal(start);
    thread.turn();
    expect(errors).toEqual([fault]);
    expect(tasks.map(({ runs }) => runs)).toEqual([[start], [start]]);
  });
});
