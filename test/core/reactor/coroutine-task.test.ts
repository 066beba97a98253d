import { CoroutineTask, MAX_YIELDS_AFTER_KILL } from '@finch/core/reactor/coroutine-task';
import { sleep, until } from '@finch/core/reactor/coroutine-waits';
import { TaskEvent } from '@finch/core/reactor/events';
import { after, DELETE, PARK } from '@finch/core/reactor/run-result';
import { ScriptedCoroutine } from './scripted-coroutine';
import { makeRig } from './scripted-task';

const { kill, idle, start, read, update } = TaskEvent;

describe('the body of a CoroutineTask', () => {
  it('starts with the first signal, and its end deletes the task', () => {
    const { machine, thread } = makeRig();
    const log: string[] = [];
    const task = new ScriptedCoroutine(thread, function* () {
      log.push('body');
      yield* until(start);
    });
    machine.runUntilIdle();
    expect(log).toEqual([]);
    task.signal(start);
    machine.runUntilIdle();
    expect([log, task.deletions, thread.taskCount]).toEqual([['body'], 1, 0]);
  });

  it('yields run results and is resumed with the events that came', () => {
    const { machine, thread } = makeRig();
    const events: number[] = [];
    const task = new ScriptedCoroutine(thread, function* (self) {
      self.takeEvents(start);
      events.push(yield PARK);
      events.push(yield after(10));
    });
    task.signal(start);
    machine.runUntilIdle();
    task.signal(read | update);
    machine.advanceUs(9_999);
    expect(events).toEqual([read | update]);
    machine.advanceUs(1);
    expect([events, task.deletions]).toEqual([[read | update, idle], 1]);
  });

  it('is resumed at once for events that came earlier and were not taken', () => {
    const { machine, thread } = makeRig();
    const events: number[] = [];
    const task = new ScriptedCoroutine(thread, function* (self) {
      self.takeEvents(start);
      yield* sleep(10);
      events.push(yield PARK);
      yield PARK;
    });
    task.signal(start);
    machine.advanceUs(5_000);
    task.signal(read);
    machine.advanceUs(5_001);
    expect(events).toEqual([read]);
  });

  it('ends with a yield of DELETE, and its finally blocks run', () => {
    const { machine, thread } = makeRig();
    const log: string[] = [];
    const task = new ScriptedCoroutine(thread, function* () {
      try {
        yield DELETE;
        log.push('after');
      } finally {
        log.push('finally');
      }
    });
    task.signal(start);
    machine.runUntilIdle();
    expect([log, task.deletions]).toEqual([['finally'], 1]);
  });

  it('that throws is reported, and the task is deleted', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedCoroutine(thread, function* () {
      yield* sleep(1);
      throw new Error('from the body');
    });
    task.signal(start);
    machine.advanceUs(1000);
    expect(machine.errors).toEqual([{ task, error: new Error('from the body') }]);
    expect(task.deletions).toBe(1);
  });

  it('of two coroutines that take turns is each its own', () => {
    const { machine, thread } = makeRig();
    const log: string[] = [];
    for (const name of ['a', 'b']) {
      new ScriptedCoroutine(thread, function* () {
        for (let i = 0; i < 3; i++) {
          yield* sleep(1);
          log.push(name + i);
        }
      }).signal(start);
    }
    machine.advanceUs(3000);
    expect(log).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  });
});

describe('a kill', () => {
  it('ends the body where it waits; finally blocks run, also those of what it calls', () => {
    const { machine, thread } = makeRig();
    const log: string[] = [];
    function* inner() {
      try {
        yield* until(read);
      } finally {
        log.push('inner');
      }
    }
    const task = new ScriptedCoroutine(thread, function* () {
      try {
        yield* inner();
        log.push('not reached');
      } finally {
        log.push('outer');
      }
    });
    task.signal(start);
    machine.runUntilIdle();
    task.signal(kill | read);
    machine.runUntilIdle();
    expect([log, task.deletions, machine.errors]).toEqual([['inner', 'outer'], 1, []]);
  });

  it('before the start never runs the body', () => {
    const { machine, thread } = makeRig();
    const log: string[] = [];
    const task = new ScriptedCoroutine(thread, function* () {
      log.push('body');
      yield PARK;
    });
    task.signal(start | kill);
    machine.runUntilIdle();
    expect([log, task.deletions, machine.errors]).toEqual([[], 1, []]);
  });

  it('passes over the yields of finally blocks: the rest of the block runs without waiting', () => {
    const { machine, thread } = makeRig();
    const log: unknown[] = [];
    const task = new ScriptedCoroutine(thread, function* () {
      try {
        yield PARK;
        yield PARK;
      } finally {
        log.push(yield after(1000));
        yield* sleep(1000);
        log.push(yield* until(read));
        log.push('end');
      }
    });
    task.signal(start);
    machine.runUntilIdle();
    task.signal(kill);
    machine.runUntilIdle();
    expect([log, task.deletions, machine.errors]).toEqual([[kill, 0, 'end'], 1, []]);
  });

  it('gives up a finally block that yields for ever, and says so', () => {
    const { machine, thread } = makeRig();
    let yields = 0;
    const task = new ScriptedCoroutine(thread, function* () {
      try {
        yield* until(read);
      } finally {
        for (;;) {
          yields++;
          yield PARK;
        }
      }
    });
    task.signal(start);
    machine.runUntilIdle();
    task.signal(kill);
    machine.runUntilIdle();
    expect([yields, task.deletions]).toEqual([MAX_YIELDS_AFTER_KILL + 1, 1]);
    expect(machine.errors.map(({ error }) => (error as Error).message)).toEqual([
      'a finally block of ScriptedCoroutine waits after kill: given up',
    ]);
  });

  it('reports what a finally block throws', () => {
    const { machine, thread } = makeRig();
    const task = new ScriptedCoroutine(thread, function* () {
      try {
        yield* until(read);
      } finally {
        thrower();
      }
    });
    task.signal(start);
    machine.runUntilIdle();
    task.signal(kill);
    machine.runUntilIdle();
    expect([task.deletions, machine.errors.map(({ error }) => error)]).toEqual([
      1,
      [new Error('from finally')],
    ]);
  });

  it('by itself ends the body at its next yield', () => {
    const { machine, thread } = makeRig();
    const log: string[] = [];
    const task = new ScriptedCoroutine(thread, function* (self) {
      self.signal(kill);
      log.push('before');
      yield* until(read);
      log.push('not reached');
    });
    task.signal(start);
    machine.runUntilIdle();
    expect([log, task.deletions]).toEqual([['before'], 1]);
  });
});

describe('CoroutineTask.running', () => {
  it('is a TypeError outside of a body, also after one has run', () => {
    const { machine, thread } = makeRig();
    new ScriptedCoroutine(thread, function* () {
      expect(CoroutineTask.running('sleep')).toBeInstanceOf(ScriptedCoroutine);
      yield* sleep(1);
    }).signal(start);
    machine.runUntilIdle();
    expect(machine.errors).toEqual([]);
    expect(() => CoroutineTask.running('sleep')).toThrow(/^sleep\(\) belongs in the body/);
    expect(() => sleep(1).next()).toThrow(TypeError);
  });
});

function thrower(): void {
  throw new Error('from finally');
}
