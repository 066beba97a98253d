/**
 * One run from the first viewer to the last: ramp, settle, window, teardown. Made by the engine.
 * Rule: it always ends by itself; every wait has an end. Thread: the engine's.
 */
import { type CoroutineBody, CoroutineTask, sleep, TaskEvent, type TaskThread } from '@finch/core';
import { Crowd } from './crowd';
import type { LoadReport, Snapshot } from './load-report';
import { makeReport } from './load-report';
import { type ProcessUsage, readMachineUsage, readProcessesUsage } from './process-usage';
import type { ViewerWorld } from './rtsp-player';

const US_PER_S = 1_000_000;
/** How often the run looks whether somebody is due to come, to leave or to seek. */
const TICK_MS = 5;
/** Viewers asked to leave a tick. */
const LEAVERS_PER_TICK = 20;
/** What the last viewers get to say farewell. */
const FAREWELL_MS = 5000;

/** A run; resolves `report` at its end. */
export class LoadRun extends CoroutineTask {
  readonly report: Promise<LoadReport>;
  readonly #world: ViewerWorld;
  readonly #crowd: Crowd;
  #resolve: (report: LoadReport) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(thread: TaskThread, world: ViewerWorld) {
    super(thread, 'load');
    this.#world = world;
    this.#crowd = new Crowd(thread, world);
    this.report = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.signal(TaskEvent.start);
  }

  protected *body(): CoroutineBody {
    let report: LoadReport | null = null;
    try {
      const idleServer = readProcessesUsage(this.#world.options.serverPids);
      yield* this.#ramp();
      yield* sleep(this.#world.options.settleMs);
      report = yield* this.#measure(idleServer);
      yield* this.#leave();
    } finally {
      this.#crowd.killAll(); // queued before the receive set's end, which they must not outlive
      if (report !== null) this.#resolve(report);
      else this.#reject(new Error('the run was ended before its window'));
    }
  }

  // Starts viewers at their times, then waits until each one plays or has failed.
  *#ramp(): CoroutineBody {
    const { viewers, rampPerSecond, answerTimeoutMs } = this.#world.options;
    const crowd = this.#crowd;
    const beganUs = this.thread.nowUs;
    while (crowd.started < viewers) {
      const due = Math.floor(((this.thread.nowUs - beganUs) / US_PER_S) * rampPerSecond) + 1;
      while (crowd.started < Math.min(due, viewers)) crowd.start();
      if (crowd.started < viewers) yield* sleep(TICK_MS);
    }
    const endUs = this.thread.nowUs + answerTimeoutMs * 1000;
    while (crowd.starting > 0 && this.thread.nowUs < endUs) yield* sleep(TICK_MS);
  }

  *#measure(idleServer: ProcessUsage | null): CoroutineBody<LoadReport> {
    const { options, figures } = this.#world;
    const crowd = this.#crowd;
    const from = this.#snapshot();
    figures.open(from.nowUs);
    yield* this.#trouble(from.nowUs, from.nowUs + (crowd.alive > 0 ? options.durationMs * 1000 : 0));
    const until = this.#snapshot();
    figures.close(until.nowUs);
    crowd.flush();
    const { failed, endedEarly } = crowd;
    // A viewer on its way, in the place of one that has left, is none too few.
    const playing = Math.min(options.viewers, crowd.alive - this.#lateStarters());
    return makeReport({ options, figures, playing, failed, endedEarly, idleServer, from, until });
  }

  // With churn some are starting at any moment; without, one that does not play yet has been too slow.
  #lateStarters(): number {
    return this.#world.options.churnPerSecond > 0 ? 0 : this.#crowd.starting;
  }

  *#trouble(fromUs: number, untilUs: number): CoroutineBody {
    const { churnPerSecond, seeksPerSecond } = this.#world.options;
    let replaced = 0;
    let sought = 0;
    while (this.thread.nowUs < untilUs) {
      const seconds = (this.thread.nowUs - fromUs) / US_PER_S;
      for (; replaced < Math.floor(seconds * churnPerSecond); replaced++) this.#crowd.replaceOne();
      for (; sought < Math.floor(seconds * seeksPerSecond); sought++) this.#crowd.seekOne();
      const leftMs = (untilUs - this.thread.nowUs) / 1000;
      yield* sleep(churnPerSecond + seeksPerSecond > 0 ? Math.min(TICK_MS, leftMs) : leftMs);
    }
  }

  *#leave(): CoroutineBody {
    while (this.#crowd.stopSome(LEAVERS_PER_TICK)) yield* sleep(TICK_MS);
    const endUs = this.thread.nowUs + FAREWELL_MS * 1000;
    while (this.#crowd.alive > 0 && this.thread.nowUs < endUs) yield* sleep(TICK_MS);
  }

  #snapshot(): Snapshot {
    const { user, system } = process.cpuUsage();
    return {
      nowUs: this.thread.nowUs,
      counters: this.#world.figures.counters.slice(),
      server: readProcessesUsage(this.#world.options.serverPids),
      machine: readMachineUsage(),
      clientCpuUs: user + system,
    };
  }
}
