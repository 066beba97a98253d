/**
 * The live figures of one task thread, in memory that every thread can read: the operator's gauges and the watchdog's eye.
 * Written by TaskThread, read by supervisors, admin pages and the addon's watchdog.
 * Rule (hot path): one writer, plain stores; a reader may see a turn half counted, never a number half written.
 *
 * The page is a Float64Array of THREAD_STATS_LENGTH: the fields of StatsField, then the lateness histogram.
 */
import { LATENESS_BUCKETS, latenessBucket, latenessPercentileUs } from './lateness-histogram';

/** Places in the page. Times are microseconds of the clock, the rest are counts. */
export const StatsField = {
  /** Tasks that waited in the queue when the last turn ended. */
  queueLength: 0,
  /** Live tasks. */
  tasks: 1,
  /** Tasks that slept on a deadline when the last turn ended. */
  sleepers: 2,
  /** Turns since the start. */
  turns: 3,
  /** Runs since the start. */
  runs: 4,
  /** Microseconds spent in runs since the start. */
  runTimeUs: 5,
  /** The longest run so far, in microseconds. */
  longestRunUs: 6,
  /** Class id of that run's task. */
  longestRunClassId: 7,
  /** When the run began that is going on now; 0 between runs. */
  runningSinceUs: 8,
  /** Class id of the task that runs now; 0 between runs. */
  runningClassId: 9,
  /** Runs longer than the limit. */
  longRuns: 10,
  /** Exceptions of runs, hooks and flushers. */
  errors: 11,
  /** Timers that came due. */
  timers: 12,
  /** The largest lateness of a timer so far, in microseconds. */
  maxLatenessUs: 13,
  /** Signals that other threads sent here. */
  signalsIn: 14,
  /** Garbage collections of the thread. */
  gcPauses: 15,
  /** Microseconds spent in them. */
  gcPauseUs: 16,
  /** The longest of them. */
  longestGcPauseUs: 17,
  /** First bucket of the histogram of timer lateness, see lateness-histogram.ts. */
  lateness: 18,
} as const;

/** Length of the page in numbers of 8 bytes. */
export const THREAD_STATS_LENGTH = StatsField.lateness + LATENESS_BUCKETS;

/** The statistics page of a thread. */
export class ThreadStats {
  /** The numbers themselves; only the thread they are about writes them. */
  readonly page: Float64Array<SharedArrayBuffer>;

  /** Makes a page, or looks at the one that another thread's `page.buffer` brought here. RangeError on a wrong size. */
  constructor(memory = new SharedArrayBuffer(THREAD_STATS_LENGTH * 8)) {
    if (memory.byteLength !== THREAD_STATS_LENGTH * 8)
      throw new RangeError(`memory must have ${THREAD_STATS_LENGTH * 8} bytes: ${memory.byteLength}`);
    this.page = new Float64Array(memory);
  }

  /** Reads the field at `field`, a place of StatsField. */
  read(field: number): number {
    return this.page[field];
  }

  /** Copies the page, to compare a later one with: rates and recent percentiles are differences. */
  copy(): Float64Array {
    return new Float64Array(this.page);
  }

  /**
   * The lateness in microseconds that the share `fraction` (0..1) of timers did not exceed: 0.5 for p50, 0.99 for p99.
   * Counts the timers since `since`, an earlier copy(), or all of them. 0 when there were none.
   */
  latenessPercentileUs(fraction: number, since?: Float64Array): number {
    const counts = this.page.slice(StatsField.lateness);
    if (since !== undefined) {
      for (let bucket = 0; bucket < counts.length; bucket++)
        counts[bucket] -= since[StatsField.lateness + bucket];
    }
    return latenessPercentileUs(counts, fraction);
  }

  /** Counts a timer that came due `latenessUs` after its deadline. Hot path. */
  countTimer(latenessUs: number): void {
    const page = this.page;
    page[StatsField.timers]++;
    page[StatsField.lateness + latenessBucket(latenessUs)]++;
    if (latenessUs > page[StatsField.maxLatenessUs]) page[StatsField.maxLatenessUs] = latenessUs;
  }

  /** Notes that a task of class `classId` begins to run at `nowUs`. Hot path. */
  beginRun(classId: number, nowUs: number): void {
    this.page[StatsField.runningClassId] = classId;
    this.page[StatsField.runningSinceUs] = nowUs;
  }

  /** Notes that the run has ended after `heldUs`. Hot path. */
  endRun(classId: number, heldUs: number): void {
    const page = this.page;
    page[StatsField.runningSinceUs] = 0;
    page[StatsField.runningClassId] = 0;
    page[StatsField.runs]++;
    page[StatsField.runTimeUs] += heldUs;
    if (heldUs <= page[StatsField.longestRunUs]) return;
    page[StatsField.longestRunUs] = heldUs;
    page[StatsField.longestRunClassId] = classId;
  }

  /** Counts a garbage collection that took `pauseUs`. */
  countGcPause(pauseUs: number): void {
    const page = this.page;
    page[StatsField.gcPauses]++;
    page[StatsField.gcPauseUs] += pauseUs;
    if (pauseUs > page[StatsField.longestGcPauseUs]) page[StatsField.longestGcPauseUs] = pauseUs;
  }

  /** Notes what a turn left behind. Hot path. */
  endTurn(queueLength: number, sleepers: number): void {
    const page = this.page;
    page[StatsField.turns]++;
    page[StatsField.queueLength] = queueLength;
    page[StatsField.sleepers] = sleepers;
  }
}
