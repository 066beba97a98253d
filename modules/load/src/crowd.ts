/**
 * All viewers of one run: starts them, counts how they fare, and picks one at random for churn and seeks. Used by the
 * run. Rule: a viewer is in the list from its start to its end, and counted once each way.
 */
import { SocketAddress, TaskEvent, type TaskThread } from '@finch/core';
import { SeededRandom } from '@finch/core/reactor/seeded-random';
import { countReason } from './figures';
import type { ViewerWorld } from './rtsp-player';
import { Viewer, type ViewerEvents } from './viewer';

/** Tries to find a viewer that plays among all. */
const MAX_PICKS = 16;
const UINT32_RANGE = 2 ** 32;

/** The crowd of one run. */
export class Crowd implements ViewerEvents {
  /** Viewers started, those who ended as they should, those who never played, those who ended early. */
  started = 0;
  stopped = 0;
  failed = 0;
  endedEarly = 0;
  /** Viewers who play now, slow ones included. */
  playing = 0;
  readonly #thread: TaskThread;
  readonly #world: ViewerWorld;
  readonly #viewers: Viewer[] = [];
  readonly #random: SeededRandom;

  constructor(thread: TaskThread, world: ViewerWorld) {
    this.#thread = thread;
    this.#world = world;
    this.#random = new SeededRandom(world.options.seed);
  }

  /** Viewers that have begun and not ended. */
  get alive(): number {
    return this.#viewers.length;
  }

  /** Viewers whose fate is open: they neither play nor have ended. */
  get starting(): number {
    return this.#viewers.length - this.playing;
  }

  /** Starts the next viewer. */
  start(): void {
    const { options, server } = this.#world;
    const number = this.started++;
    const viewer = new Viewer(
      this.#thread,
      this.#world,
      {
        url: urlOf(options.url, number),
        local: localAddressOf(server, number, options.localAddresses),
        isSlow: this.#random.next() < options.slowFraction * UINT32_RANGE,
      },
      this,
    );
    viewer.place = this.#viewers.length;
    this.#viewers.push(viewer);
  }

  /** Has a viewer that plays leave, and a new one come. */
  replaceOne(): void {
    this.#pick()?.stop();
    this.start();
  }

  /** Has a viewer that plays seek to a place of the movie. */
  seekOne(): void {
    this.#pick()?.seek(this.#random.next() / UINT32_RANGE);
  }

  /** Evaluates what all meters hold back. */
  flush(): void {
    for (const viewer of this.#viewers) viewer.flush();
  }

  /** Has up to `count` viewers leave that have not been asked to before; false when there were none left. */
  stopSome(count: number): boolean {
    let left = count;
    for (const viewer of this.#viewers) {
      if (left === 0) break;
      if (viewer.isStopping) continue;
      viewer.stop();
      left--;
    }
    return left < count;
  }

  /** Ends all viewers that are left, without farewell; they are gone after the next turn. */
  killAll(): void {
    for (const viewer of this.#viewers) viewer.signal(TaskEvent.kill);
  }

  /** Part of ViewerEvents. */
  played(): void {
    this.playing++;
  }

  /** Part of ViewerEvents. */
  over(viewer: Viewer, reason: string): void {
    const last = this.#viewers.pop()!;
    if (last !== viewer) {
      this.#viewers[viewer.place] = last;
      last.place = viewer.place;
    }
    this.#count(viewer, reason);
  }

  #count(viewer: Viewer, reason: string): void {
    const { figures } = this.#world;
    if (viewer.hasPlayed) this.playing--;
    if (reason === '') this.stopped++;
    else if (viewer.hasPlayed) {
      this.endedEarly++;
      countReason(figures.earlyEnds, reason);
    } else {
      this.failed++;
      countReason(figures.failures, reason);
    }
  }

  #pick(): Viewer | undefined {
    if (this.#viewers.length === 0) return undefined;
    for (let picks = 0; picks < MAX_PICKS; picks++) {
      const viewer = this.#viewers[this.#random.below(this.#viewers.length)]!;
      if (viewer.isPlaying && !viewer.isSlow) return viewer;
    }
    return undefined;
  }
}

function urlOf(pattern: string, number: number): string {
  return pattern.replace('%d', String(number));
}

/** Spreads viewers over the loopback's addresses, as one address has too few ports; elsewhere the kernel chooses. */
function localAddressOf(server: SocketAddress, number: number, addresses: number): SocketAddress | null {
  if (!server.host.startsWith('127.') || addresses < 1) return null;
  return SocketAddress.of(`127.0.0.${1 + (number % addresses)}`, 0);
}
