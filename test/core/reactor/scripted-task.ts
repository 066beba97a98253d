/** Tasks whose run() is a function of the test, and a thread to run them on. */
import { fifoOrder } from '@finch/core/reactor/run-order';
import { PARK } from '@finch/core/reactor/run-result';
import { Task } from '@finch/core/reactor/task';
import type { TaskThread } from '@finch/core/reactor/task-thread';
import { VirtualMachine, type VirtualThreadOptions } from '@finch/core/reactor/virtual/virtual-machine';
import type { VirtualPort } from '@finch/core/reactor/virtual/virtual-port';

export class ScriptedTask extends Task {
  /** The events of every run, in order. */
  readonly runs: number[] = [];
  deletions = 0;

  constructor(
    thread: TaskThread,
    readonly script: (events: number, task: ScriptedTask) => number = () => PARK,
    moduleName?: string,
  ) {
    super(thread, moduleName);
  }

  run(events: number): number {
    this.runs.push(events);
    return this.script(events, this);
  }

  protected override onDeleted(): void {
    this.deletions++;
  }
}

export interface Rig {
  readonly machine: VirtualMachine;
  readonly thread: TaskThread;
}

/** A machine with one first-come-first-served thread. */
export function makeRig(options: VirtualThreadOptions = {}): Rig {
  const machine = new VirtualMachine();
  return { machine, thread: machine.addThread({ runOrder: fifoOrder, ...options }) };
}

/** A port whose wishes and signals are written down, for tests that call turn() themselves. */
export function recordingPort(rows: number[][] = []) {
  const wakeUps: number[] = [];
  const sent: [number, number][] = [];
  const port = {
    threadIndex: 0,
    drain(into: Uint32Array): number {
      const taken = rows.splice(0, into.length / 3);
      into.set(taken.flat());
      return taken.length;
    },
    wakeAt: (deadlineUs: number) => void wakeUps.push(deadlineUs),
    signal: (ref: number, events: number) => {
      sent.push([ref, events]);
      return 0;
    },
  } satisfies Pick<VirtualPort, 'threadIndex' | 'drain' | 'wakeAt' | 'signal'>;
  return { port, wakeUps, sent, rows };
}
