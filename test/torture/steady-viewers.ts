/**
 * Viewers who play through all that is done to the server, in a process of their own. Used by the torture suite.
 * Rule: they lose nothing, whatever others do, and are not late for it. The attackers share the machine, so one late packet
 * proves nothing: how many are late does, and how late the latest is beside what the viewers' own process had to wait for
 * a processor meanwhile.
 */
import { eventually } from '../support/deadline';
import { temporaryFolder } from '../support/finch-under-test';
import { runLoad } from '../support/load-run';
import type { LoadReport } from '../support/load-viewers';
import { putMovie } from '../support/movies';
import type { ServerUnderTorture } from './server-under-torture';

/** The movie that they watch, longer than any run. */
export const STEADY_MOVIE = 'steady.mp4';
const STEADY_MOVIE_S = 600;
const VIEWERS = { udpViewers: 2, tcpViewers: 2 };
/** How many there are. */
export const VIEWER_COUNT = VIEWERS.udpViewers + VIEWERS.tcpViewers;
/** All packets but one in a hundred are as punctual as the issue asks of those whom one stalled viewer could delay. */
const MAX_LATE_P99_MS = 50;
/** Of fewer, one packet would be the hundredth. */
const ENOUGH_PACKETS = 500;
/** The latest one. A quiet machine of two cores stays below 60 ms. */
const MAX_LATE_MS = 250;
/** So many times what a process that does next to nothing waited for a processor: the server has three threads to wait for. */
const MACHINE_FACTOR = 4;
const FRAMES_PER_SECOND = 25;

/** Writes their movie into a server's folder. */
export function putSteadyMovie(folder: string): void {
  putMovie(folder, STEADY_MOVIE, {
    frames: STEADY_MOVIE_S * FRAMES_PER_SECOND,
    framesPerSecond: FRAMES_PER_SECOND,
  });
}

/** Viewers that play; see the head of this file. */
export class SteadyViewers {
  readonly #program = temporaryFolder();
  readonly #report: Promise<LoadReport>;
  #leave: () => void = () => {};

  private constructor(server: ServerUnderTorture) {
    const leave = new Promise<void>((resolve) => {
      this.#leave = resolve;
    });
    const order = {
      urls: [server.url(STEADY_MOVIE)],
      ...VIEWERS,
      rampMs: 100,
      limitMs: STEADY_MOVIE_S * 1000,
    };
    this.#report = runLoad(this.#program.path, order, leave);
    this.#report.catch(() => {}); // finish() tells
  }

  /** Starts them; resolves when all play. */
  static async start(server: ServerUnderTorture): Promise<SteadyViewers> {
    const viewers = new SteadyViewers(server);
    await eventually(async () => {
      const { threads } = await server.inspect();
      expect(threads.reduce((sum, { counts }) => sum + counts['RTSP sessions']!, 0)).toBe(VIEWER_COUNT);
    });
    return viewers;
  }

  /** Has them leave, and expects that they lost nothing and were not late. */
  async finish(): Promise<void> {
    this.#leave();
    const report = await this.#report.finally(() => this.#program.remove());
    const { finished, errors, lost, outOfOrder, packets } = report;
    expect({ finished, errors, lost, outOfOrder }).toEqual({
      finished: VIEWER_COUNT,
      errors: [],
      lost: 0,
      outOfOrder: 0,
    });
    expect(packets).toBeGreaterThan(0);
    const { provenLateMs, longestPauseMs } = report;
    const allowedMs = Math.max(MAX_LATE_MS, MACHINE_FACTOR * longestPauseMs);
    process.stderr.write(
      `torture: viewers got ${packets} packets in ${Math.round(report.runMs / 1000)} s; late are 99 % by ` +
        `${provenLateMs.p99.toFixed(1)} ms at most, all by ${provenLateMs.max.toFixed(1)} ms (allowed ${allowedMs.toFixed(0)})\n`,
    );
    if (packets >= ENOUGH_PACKETS) expect(provenLateMs.p99).toBeLessThan(MAX_LATE_P99_MS);
    expect(provenLateMs.max).toBeLessThan(allowedMs);
  }
}
