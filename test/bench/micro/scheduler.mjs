/** The scheduler: 1,000 tasks are signalled and run, without sockets and without real time. */
import { PARK, Task, TaskEvent, TaskThread } from '@finch/core';
import { VirtualClock } from '@finch/core/reactor/virtual/virtual-clock';
import { VirtualHub } from '@finch/core/reactor/virtual/virtual-port';
import { measure } from './harness.mjs';

const TASKS = 1000;
const ROUNDS = 200;

class Idler extends Task {
  run() {
    return PARK;
  }
}

const thread = new TaskThread({
  clock: new VirtualClock(),
  port: new VirtualHub().openPort(1),
  onError: (_task, error) => {
    throw error;
  },
});
const tasks = Array.from({ length: TASKS }, () => new Idler(thread));

measure('scheduler', 'signal and run', () => {
  for (let round = 0; round < ROUNDS; round++) {
    for (const task of tasks) task.signal(TaskEvent.update);
    thread.turn();
  }
  return ROUNDS * TASKS;
});
