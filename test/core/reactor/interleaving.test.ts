/**
 * Properties that must hold in every order of signals, timers, kills, idle timers and turns on several threads: the
 * machine's seed chooses the order, fast-check chooses what the tasks do.
 */
import { TaskEvent } from '@finch/core/reactor/events';
import { IdleTask } from '@finch/core/reactor/idle-task';
import { AGAIN, after, DELETE, PARK } from '@finch/core/reactor/run-result';
import type { TaskRef } from '@finch/core/reactor/task-ref';
import type { TaskThread } from '@finch/core/reactor/task-thread';
import { VirtualMachine } from '@finch/core/reactor/virtual/virtual-machine';
import fc from 'fast-check';

const { kill } = TaskEvent;
const THREADS = 3;
const TASKS = 8;
/** Each signal of a test has one of these bits, so that a task knows which signals it has heard. */
const TAGS = [0x80, 0x100, 0x200, 0x400, 0x800, 0x1000];

interface Action {
  readonly kind: 'signal' | 'signal-ref' | 'kill' | 'idle-timer' | 'advance' | 'steps';
  readonly from: number;
  readonly to: number;
  readonly tag: number;
  readonly amount: number;
}

const results = fc.constantFrom(PARK, PARK, PARK, after(1), after(7), AGAIN, DELETE);
const actions: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom(
    'signal',
    'signal',
    'signal-ref',
    'signal-ref',
    'kill',
    'idle-timer',
    'advance',
    'steps',
  ),
  from: fc.nat(THREADS - 1),
  to: fc.nat(TASKS - 1),
  tag: fc.constantFrom(...TAGS),
  amount: fc.nat(4000),
});

/** Checks itself while it runs, and signals on to a neighbour once for each tag, perhaps on another thread. */
class Witness extends IdleTask {
  heard = 0;
  /** Bits that were raised and have not been heard since. */
  owed = 0;
  deletions = 0;
  neighbour: TaskRef | undefined;
  #isRunning = false;
  #runs = 0;

  constructor(
    thread: TaskThread,
    readonly results: readonly number[],
    readonly violations: string[],
  ) {
    super(thread);
  }

  run(events: number): number {
    if (this.#isRunning) this.violations.push('run within a run');
    if (this.deletions > 0) this.violations.push('run after delete');
    if (events === 0) this.violations.push('run without cause');
    this.#isRunning = true;
    const isNew = (events & ~this.heard & ~0x7f) !== 0;
    this.heard |= events;
    this.owed &= ~events;
    if (isNew && this.neighbour !== undefined) this.thread.signalRef(this.neighbour, TaskEvent.update);
    this.thread.turn();
    this.#isRunning = false;
    if (events & kill) return DELETE;
    return this.results[this.#runs++ % this.results.length];
  }

  protected override onDeleted(): void {
    this.deletions++;
    this.signal(TaskEvent.start);
    if (this.thread.resolve(this.ref) !== undefined) this.violations.push('deleted task resolves');
  }
}

class Scene {
  readonly machine: VirtualMachine;
  readonly violations: string[] = [];
  readonly tasks: Witness[];

  constructor(seed: number, scripts: readonly (readonly number[])[]) {
    this.machine = new VirtualMachine(seed);
    const threads = Array.from({ length: THREADS }, () => this.machine.addThread({ turnBudgetUs: 100 }));
    this.tasks = scripts.map((script, i) => new Witness(threads[i % THREADS], script, this.violations));
    this.tasks.forEach((task, i) => {
      task.neighbour = this.tasks[(i + 1) % this.tasks.length].ref;
    });
  }

  play({ kind, from, to, tag, amount }: Action): void {
    const task = this.tasks[to];
    const isLive = !task.isDeleted;
    if (isLive && (kind === 'signal' || kind === 'signal-ref')) task.owed |= tag;
    if (isLive && kind === 'kill') task.owed |= kill;
    if (kind === 'signal') task.signal(tag);
    else if (kind === 'signal-ref') this.machine.threads[from].signalRef(task.ref, tag);
    else if (kind === 'kill') task.signal(kill);
    else if (kind === 'idle-timer' && isLive) task.setIdleTimer(amount / 1000);
    else if (kind === 'advance') this.machine.advanceUs(amount);
    else if (kind === 'steps') for (let i = amount % 7; i > 0; i--) this.machine.step();
  }
}

const scenes = fc.record({
  seed: fc.nat(),
  scripts: fc.array(fc.array(results, { minLength: 1, maxLength: 4 }), {
    minLength: TASKS,
    maxLength: TASKS,
  }),
  steps: fc.array(actions, { maxLength: 40 }),
});

function played(seed: number, scripts: number[][], steps: Action[]): Scene {
  const scene = new Scene(seed, scripts);
  for (const step of steps) scene.play(step);
  scene.machine.runUntilIdle();
  return scene;
}

describe('in every interleaving', () => {
  it('no wake-up is lost: a task that lives has heard every signal, and a killed one is gone', () => {
    fc.assert(
      fc.property(scenes, ({ seed, scripts, steps }) => {
        const { tasks } = played(seed, scripts, steps);
        for (const task of tasks) {
          if (!task.isDeleted) expect(task.owed).toBe(0);
          if (task.heard & kill) expect(task.isDeleted).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('no task runs twice at once, after its end or without cause, and each ends at most once', () => {
    fc.assert(
      fc.property(scenes, ({ seed, scripts, steps }) => {
        const { machine, tasks, violations } = played(seed, scripts, steps);
        expect([violations, machine.errors]).toEqual([[], []]);
        for (const task of tasks) expect(task.deletions).toBe(task.isDeleted ? 1 : 0);
      }),
      { numRuns: 300 },
    );
  });

  it('sleepers wake: after enough time every task that slept has run again', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 }),
        (seed, delaysUs) => {
          const scene = new Scene(
            seed,
            delaysUs.map((delayUs) => [after(delayUs / 1000), PARK]),
          );
          for (const task of scene.tasks) {
            task.neighbour = undefined; // who would wake it early
            task.signal(TAGS[0]);
          }
          scene.machine.advanceUs(5000);
          for (const task of scene.tasks) expect(task.heard & TaskEvent.idle).toBe(TaskEvent.idle);
          expect(scene.machine.nextUs).toBe(Infinity);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('a shutdown leaves nothing behind: no task, no timer, every onDeleted() called once', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async ({ seed, scripts, steps }) => {
        const { machine, tasks } = played(seed, scripts, steps);
        const drained = Promise.all(machine.threads.map((thread) => thread.shutdown()));
        machine.runUntilIdle();
        await drained;
        expect(tasks.map(({ deletions }) => deletions)).toEqual(tasks.map(() => 1));
        expect(machine.threads.map(({ taskCount }) => taskCount)).toEqual([0, 0, 0]);
        machine.advanceUs(10_000);
        expect(machine.nextUs).toBe(Infinity);
      }),
      { numRuns: 100 },
    );
  });

  it('the same seed gives the same log', () => {
    fc.assert(
      fc.property(scenes, ({ seed, scripts, steps }) => {
        expect(played(seed, scripts, steps).machine.trace).toEqual(
          played(seed, scripts, steps).machine.trace,
        );
      }),
      { numRuns: 100 },
    );
  });
});
