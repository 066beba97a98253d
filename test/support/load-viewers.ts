/**
 * The program of the load test's own process: plays movies to many viewers at once and prints one line of JSON, a LoadReport.
 * Started by load-run. Rule: it measures itself as well, so that its own pauses are not held against the server.
 * Not `finch load` (modules/load), which takes samples of thousands in a window: this one judges every packet of a hundred viewers,
 * from the one that RTP-Info names to the count in the report with BYE, over UDP and TCP in one run, till it is told to leave.
 */
import { measureLateness } from './load-track';
import { type ArrivalClock, LoadViewer } from './load-viewer';

/** What to play. */
export interface LoadOrder {
  /** Viewer `i` plays the movie `i` modulo their number; the halves of UDP and TCP get both. */
  readonly urls: readonly string[];
  readonly udpViewers: number;
  readonly tcpViewers: number;
  /** Viewers come in one after the other within this time. */
  readonly rampMs: number;
  /** Who has not heard BYE by then is given up. */
  readonly limitMs: number;
  /** Viewers leave when the program's input ends. */
  readonly leavesAtInputEnd?: boolean;
}

/** What all viewers together received. */
export interface LoadReport {
  /** How many heard BYE on all tracks. */
  readonly finished: number;
  /** What went wrong with the others, the first few. */
  readonly errors: readonly string[];
  readonly packets: number;
  readonly lost: number;
  readonly outOfOrder: number;
  /** Lateness of packets that is beyond doubt. */
  readonly provenLateMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Lateness as seen, with the load's own pauses. */
  readonly seenLateMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** The time from the first to the last packet's run, and how much of it this process stood still. */
  readonly runMs: number;
  readonly pausedMs: number;
  readonly longestPauseMs: number;
}

const HEARTBEAT_MS = 2;
/** A longer gap between two heartbeats is a pause of this process. */
const PAUSE_MS = 25;
const MAX_ERRORS = 5;

/** Beats in every turn of the event loop that has time for it. What is read in a turn came after the beat before the last. */
class Heartbeat implements ArrivalClock {
  pausedMs = 0;
  longestPauseMs = 0;
  #lastMs = performance.now();
  #beforeMs = this.#lastMs;
  readonly #timer = setInterval(() => this.#beat(), HEARTBEAT_MS);

  nowMs(): number {
    return performance.now();
  }

  earliestMs(): number {
    return this.#beforeMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const nowMs = performance.now();
    const gapMs = nowMs - this.#lastMs;
    if (gapMs > PAUSE_MS) this.pausedMs += gapMs;
    if (gapMs > this.longestPauseMs) this.longestPauseMs = gapMs;
    this.#beforeMs = this.#lastMs;
    this.#lastMs = nowMs;
  }
}

async function run(order: LoadOrder): Promise<LoadReport> {
  const { urls, udpViewers, tcpViewers, rampMs, limitMs } = order;
  const leave = order.leavesAtInputEnd === true ? inputEnd() : undefined;
  const clock = new Heartbeat();
  const startMs = clock.nowMs();
  const count = udpViewers + tcpViewers;
  const viewers = Array.from({ length: count }, (_, i) => {
    const isTcp = i % count >= udpViewers;
    return new LoadViewer(urls[i % urls.length]!, isTcp, clock);
  });
  const limit = delay(limitMs).then(() => Promise.reject(new Error(`heard no BYE within ${limitMs} ms`)));
  const results = await Promise.allSettled(
    viewers.map(async (viewer, i) => {
      await delay((i * rampMs) / count);
      await Promise.race([viewer.play(leave), limit]);
    }),
  );
  clock.stop();
  for (const viewer of viewers) viewer.close();
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
  const { pausedMs, longestPauseMs } = clock;
  return {
    finished: count - errors.length,
    errors: errors.slice(0, MAX_ERRORS),
    ...received(viewers),
    runMs: clock.nowMs() - startMs,
    pausedMs,
    longestPauseMs,
  };
}

function received(viewers: readonly LoadViewer[]) {
  const tracks = viewers.flatMap((viewer) => viewer.tracks);
  const losses = tracks.map((track) => track.losses());
  const lateness = viewers.map((viewer) => measureLateness(viewer.tracks, viewer.playAnsweredMs));
  return {
    packets: tracks.reduce((sum, track) => sum + track.receivedPackets, 0),
    lost: losses.reduce((sum, { lost }) => sum + lost, 0),
    outOfOrder: losses.reduce((sum, { outOfOrder }) => sum + outOfOrder, 0),
    provenLateMs: percentiles(lateness.flatMap(({ provenMs }) => provenMs)),
    seenLateMs: percentiles(lateness.flatMap(({ seenMs }) => seenMs)),
  };
}

function percentiles(values: number[]): { p50: number; p99: number; max: number } {
  const sorted = Float64Array.from(values).sort();
  const at = (fraction: number) => sorted[Math.floor((sorted.length - 1) * fraction)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function inputEnd(): Promise<void> {
  process.stdin.resume();
  return new Promise((resolve) => process.stdin.once('end', resolve));
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

run(JSON.parse(process.argv[2]!)).then(
  (report) => {
    process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
  },
  (error: Error) => {
    process.stderr.write(`${error.stack}\n`, () => process.exit(1));
  },
);
