import { TaskEvent } from '@finch/core/reactor/events';
import { IdleTask } from '@finch/core/reactor/idle-task';
import { after, PARK } from '@finch/core/reactor/run-result';
import { TaskThread } from '@finch/core/reactor/task-thread';
import { VirtualClock } from '@finch/core/reactor/virtual/virtual-clock';
import { makeRig, recordingPort } from './scripted-task';

class Waiter extends IdleTask {
  readonly runs: [number, number][] = [];
  result = PARK;

  run(events: number): number {
    this.runs.push([this.thread.nowUs, events]);
    return this.result;
  }
}

function setUp() {
  const { machine, thread } = makeRig();
  return { machine, thread, task: new Waiter(thread), startUs: machine.clock.nowUs() };
}

describe('IdleTask', () => {
  it('is signalled idle once, when the time is over', () => {
    const { machine, task, startUs } = setUp();
    task.setIdleTimer(10);
    machine.advanceUs(100_000);
    expect(task.runs).toEqual([[startUs + 10_000, TaskEvent.idle]]);
  });

  it.each([
    ['shortened', 5],
    ['prolonged', 20],
  ])('has one timer, which can be %s (B-29 fixed)', (_how, delayMs) => {
    const { machine, task, startUs } = setUp();
    task.setIdleTimer(10);
    task.setIdleTimer(delayMs);
    machine.advanceUs(100_000);
    expect(task.runs).toEqual([[startUs + delayMs * 1000, TaskEvent.idle]]);
  });

  it('can cancel it, also when there is none', () => {
    const { machine, task } = setUp();
    task.setIdleTimer(10);
    task.cancelIdleTimer();
    task.cancelIdleTimer();
    machine.advanceUs(100_000);
    expect(task.runs).toEqual([]);
  });

  it('is woken by a signal while it waits, and the timer stays (B-30)', () => {
    const { machine, task, startUs } = setUp();
    task.setIdleTimer(10);
    machine.advanceUs(4_000);
    task.signal(TaskEvent.update);
    machine.advanceUs(50_000);
    expect(task.runs).toEqual([
      [startUs + 4_000, TaskEvent.update],
      [startUs + 10_000, TaskEvent.idle],
    ]);
  });

  it('may sleep on its run result besides', () => {
    const { machine, task } = setUp();
    task.result = after(3);
    task.setIdleTimer(10);
    task.signal(TaskEvent.start);
    machine.advanceUs(4_000);
    expect(task.runs.map(([, events]) => events)).toEqual([TaskEvent.start, TaskEvent.idle]);
  });

  it.each([-1, Number.NaN, Infinity])('refuses a delay of %d ms', (delayMs) => {
    expect(() => setUp().task.setIdleTimer(delayMs)).toThrow(/^delayMs must be/);
  });

  it('says so when the thread has no idle timers', () => {
    const thread = new TaskThread({
      clock: new VirtualClock(),
      port: recordingPort().port,
      onError: () => {},
    });
    expect(() => new Waiter(thread).setIdleTimer(1)).toThrow('this thread was made without idleTimers');
  });
});
