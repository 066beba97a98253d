/** What a connection does in one run: no more than its share, whatever is there to do. */

import { CoroutineTask, TaskEvent } from '@finch/core';
import { MAX_EFFORT_PER_RUN, READ_EFFORT, REQUEST_EFFORT, RunEffort } from '@finch/rtsp/run-effort';
import fc from 'fast-check';
import { makeRig } from '../../core/reactor/scripted-task';

/** Does all that it is given, and notes what each run did. */
class Worker extends CoroutineTask {
  readonly doneByRun: number[] = [];
  readonly #effort = new RunEffort();
  efforts: readonly number[] = [];

  override run(events: number): number {
    this.doneByRun.push(0);
    this.#effort.begin();
    return super.run(events);
  }

  protected *body() {
    for (const effort of this.efforts) {
      if (!this.#effort.exert(effort)) yield* this.#effort.exertLater(effort);
      this.doneByRun[this.doneByRun.length - 1]! += effort;
    }
  }
}

function doneByRun(efforts: readonly number[]): readonly number[] {
  const { machine, thread } = makeRig();
  const worker = new Worker(thread);
  worker.efforts = efforts;
  worker.signal(TaskEvent.start);
  machine.advanceUs(1_000_000);
  expect(worker.isDeleted).toBe(true);
  expect(machine.errors).toEqual([]);
  return worker.doneByRun;
}

describe('the effort of a run', () => {
  it('is sixteen requests, or four reads', () => {
    expect(doneByRun(Array(40).fill(REQUEST_EFFORT))).toEqual([16, 16, 8]);
    expect(doneByRun(Array(9).fill(READ_EFFORT))).toEqual([16, 16, 4]);
  });

  it('never goes beyond its bound, and all is done in the end (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: MAX_EFFORT_PER_RUN }), { maxLength: 100 }),
        (efforts) => {
          const done = doneByRun(efforts);
          for (const effort of done) expect(effort).toBeLessThanOrEqual(MAX_EFFORT_PER_RUN);
          expect(done.reduce((sum, effort) => sum + effort, 0)).toBe(efforts.reduce((sum, e) => sum + e, 0));
        },
      ),
    );
  });
});
