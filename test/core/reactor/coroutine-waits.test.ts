import type { CoroutineBody } from '@finch/core/reactor/coroutine-task';
import { readable, settled, sleep, until, writable } from '@finch/core/reactor/coroutine-waits';
import { kReadable, kWritable, TaskEvent } from '@finch/core/reactor/events';
import { ScriptedCoroutine } from './scripted-coroutine';
import { makeRig } from './scripted-task';

const { kill, start, timeout, read, write, update } = TaskEvent;

/** A started coroutine that writes down what its script yields* and when, in microseconds since the start. */
function startCoroutine(script: (log: (what: unknown) => void, task: ScriptedCoroutine) => CoroutineBody) {
  const { machine, thread } = makeRig();
  const startUs = machine.clock.nowUs();
  const log: [unknown, number][] = [];
  const write = (what: unknown) => void log.push([what, machine.clock.nowUs() - startUs]);
  const task = new ScriptedCoroutine(thread, (self) => script(write, self));
  task.signal(start);
  machine.runUntilIdle();
  return { machine, task, log };
}

/** Lets the callbacks of settled promises run. */
const promisesRun = () => new Promise((resolve) => setImmediate(resolve));

describe('sleep', () => {
  it('lasts its time whatever is signalled, and keeps the events', () => {
    const { machine, task, log } = startCoroutine(function* (log) {
      yield* sleep(10);
      log('awake');
      log(yield* until(read));
    });
    for (const events of [read, update, TaskEvent.idle]) {
      machine.advanceUs(3_000);
      task.signal(events);
    }
    machine.advanceUs(1_000);
    expect(log).toEqual([
      ['awake', 10_000],
      [read, 10_000],
    ]);
  });

  it('of no time lets the others run', () => {
    const { machine, log } = startCoroutine(function* (log) {
      yield* sleep(0);
      log('next turn');
    });
    machine.advanceUs(10);
    expect(log).toEqual([['next turn', 1]]);
  });

  it('is ended by a kill', () => {
    const { machine, task, log } = startCoroutine(function* (log) {
      try {
        yield* sleep(60_000);
      } finally {
        log('ended');
      }
    });
    machine.advanceUs(5);
    task.signal(kill);
    machine.runUntilIdle();
    expect([log, task.isDeleted, machine.nextUs]).toEqual([[['ended', 5]], true, Infinity]);
  });
});

describe('until', () => {
  it('waits for one of its bits and leaves the others', () => {
    const { machine, task, log } = startCoroutine(function* (log) {
      log(yield* until(read | timeout));
      log(yield* until(update));
    });
    task.signal(update);
    machine.advanceUs(5);
    task.signal(timeout);
    machine.runUntilIdle();
    expect(log).toEqual([
      [timeout, 5],
      [update, 5],
    ]);
  });

  it('takes the events that started the body', () => {
    expect(
      startCoroutine(function* (log) {
        log(yield* until(start));
      }).log,
    ).toEqual([[start, 0]]);
  });

  it('without bits is a TypeError', () => {
    const { machine } = startCoroutine(function* () {
      yield* until(0);
    });
    expect(machine.errors.map(({ error }) => error)).toEqual([
      new TypeError('mask must have bits to wait for: 0'),
    ]);
  });
});

describe('readable and writable', () => {
  it('arm the context once for each wait and return the event', () => {
    const armed: number[] = [];
    const context = { arm: (mask: number) => void armed.push(mask) };
    const { machine, task, log } = startCoroutine(function* (log) {
      log(yield* readable(context));
      log(yield* writable(context));
    });
    expect(armed).toEqual([kReadable]);
    task.signal(read);
    machine.runUntilIdle();
    expect(armed).toEqual([kReadable, kWritable]);
    task.signal(write);
    machine.runUntilIdle();
    expect(log.map(([events]) => events)).toEqual([read, write]);
  });

  it('wait for other events besides, when asked to', () => {
    const { machine, task, log } = startCoroutine(function* (log) {
      log(yield* readable({ arm: () => {} }, timeout));
    });
    task.signal(timeout);
    machine.runUntilIdle();
    expect(log).toEqual([[timeout, 0]]);
  });

  it('ask a context again that still counts on an event which has come already', () => {
    const asked: number[] = [];
    let wanted = 0;
    const context = {
      arm(mask: number) {
        if (wanted !== mask) asked.push(mask);
        wanted = mask;
      },
      delivered(events: number) {
        if (events & read) wanted = 0;
      },
    };
    const { machine, task, log } = startCoroutine(function* (log) {
      for (;;) log(yield* readable(context));
    });
    for (let i = 0; i < 3; i++) {
      task.signal(read);
      machine.runUntilIdle();
    }
    expect([log.length, asked]).toEqual([3, [kReadable, kReadable, kReadable, kReadable]]);
  });
});

describe('settled', () => {
  it('returns the value of the promise, and keeps what is signalled meanwhile', async () => {
    const { machine, task, log } = startCoroutine(function* (log) {
      log(yield* settled(Promise.resolve('value')));
      log(yield* until(read));
      log(yield* until(start));
    });
    task.signal(read);
    machine.runUntilIdle();
    expect(log).toEqual([]);
    await promisesRun();
    machine.runUntilIdle();
    expect(log.map(([what]) => what)).toEqual(['value', read, start]);
  });

  it('returns what is no promise at once, in the same run', () => {
    const { log } = startCoroutine(function* (log) {
      for (const value of ['value', undefined, null, {}]) log(yield* settled(value));
    });
    expect(log.map(([what]) => what)).toEqual(['value', undefined, null, {}]);
  });

  it('gives away what is no promise when it is called after a kill', async () => {
    const tooLate: string[] = [];
    const { machine, task } = startCoroutine(function* () {
      try {
        yield* until(read);
      } finally {
        yield* settled('file', (file) => tooLate.push(file));
      }
    });
    task.signal(kill);
    machine.runUntilIdle();
    await promisesRun();
    expect(tooLate).toEqual(['file']);
  });

  it('throws the error of the promise', async () => {
    const { machine, log } = startCoroutine(function* (log) {
      try {
        yield* settled(Promise.reject(new Error('no such file')));
      } catch (error) {
        log((error as Error).message);
      }
    });
    await promisesRun();
    machine.runUntilIdle();
    expect(log.map(([what]) => what)).toEqual(['no such file']);
  });

  it('waits for several promises one after the other', async () => {
    const { machine, log } = startCoroutine(function* (log) {
      for (const value of [1, 2, 3]) log(yield* settled(Promise.resolve(value)));
    });
    for (let i = 0; i < 3; i++) {
      await promisesRun();
      machine.runUntilIdle();
    }
    expect(log.map(([what]) => what)).toEqual([1, 2, 3]);
  });

  it('ends with a kill; the value that comes too late is given to be closed, once', async () => {
    const tooLate: string[] = [];
    let resolve: (value: string) => void = () => {};
    const opening = new Promise<string>((settle) => {
      resolve = settle;
    });
    const { machine, task, log } = startCoroutine(function* (log) {
      log(yield* settled(opening, (file) => tooLate.push(file)));
    });
    task.signal(kill);
    machine.runUntilIdle();
    expect(task.deletions).toBe(1);
    resolve('file');
    await promisesRun();
    machine.runUntilIdle();
    expect([log, tooLate, machine.errors]).toEqual([[], ['file'], []]);
  });

  it('gives a value to be closed that came together with the kill', async () => {
    const tooLate: string[] = [];
    const { machine, task, log } = startCoroutine(function* (log) {
      log(yield* settled(Promise.resolve('file'), (file) => tooLate.push(file)));
    });
    await promisesRun();
    task.signal(kill);
    machine.runUntilIdle();
    expect([log, tooLate]).toEqual([[], ['file']]);
  });

  it('does not close what the body has taken', async () => {
    const tooLate: string[] = [];
    const { machine, task } = startCoroutine(function* () {
      yield* settled(Promise.resolve('file'), (file) => tooLate.push(file));
      yield* until(read);
    });
    await promisesRun();
    machine.runUntilIdle();
    task.signal(kill);
    machine.runUntilIdle();
    expect([tooLate, task.deletions]).toEqual([[], 1]);
  });

  it('drops an error that comes after a kill', async () => {
    let reject: (error: Error) => void = () => {};
    const failing = new Promise<never>((_resolve, settle) => {
      reject = settle;
    });
    const { machine, task } = startCoroutine(function* () {
      yield* settled(failing);
    });
    task.signal(kill);
    machine.runUntilIdle();
    reject(new Error('too late'));
    await promisesRun();
    expect([task.deletions, machine.errors]).toEqual([1, []]);
  });

  it('refuses to wait in a finally block after a kill', async () => {
    const { machine, task } = startCoroutine(function* () {
      try {
        yield* until(read);
      } finally {
        yield* settled(Promise.resolve(1));
      }
    });
    task.signal(kill);
    machine.runUntilIdle();
    await promisesRun();
    expect(task.deletions).toBe(1);
    expect(machine.errors.map(({ error }) => error)).toEqual([
      new Error('settled() can not wait after kill'),
    ]);
  });
});
