/**
 * Viewers who play through all that is done to the server, in a process of their own. Used by the torture suite.
 * Rule: they lose nothing, whatever others do; their lateness is told, and bounded generously, since the attackers share
 * the machine.
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
/** On a loaded machine of two cores; a quiet one stays below 30 ms. */
const MAX_LATE_MS = 1000;
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

  /** Has them leave, and expects that they lost nothing. Returns what they saw. */
  async finish(): Promise<LoadReport> {
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
    expect(report.provenLateMs.max).toBeLessThan(MAX_LATE_MS);
    return report;
  }
}
