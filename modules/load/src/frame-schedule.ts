/**
 * How late the frames of one track are, in decode order: the n-th arrival is compared with the n-th smallest timestamp.
 * Used by track meters, once a frame. Rule: the schedule begins with the punctual ones of the first 3 s, so a server that
 * is always late by the same time is not late; frames of these 3 s count nowhere.
 *
 * With B-frames arrivals and timestamps are not in the same order; a window of frames sorts them.
 */
import type { Figures } from './figures';

const WINDOW_FRAMES = 16;
/** The time in which the earliest frame is looked for. */
const LEARNING_US = 3_000_000;

/** The schedule of one track; see the head of this file. */
export class FrameSchedule {
  readonly #figures: Figures;
  // Both of `count` frames: the timestamps sorted, the arrivals as they came.
  readonly #mediaUs = new Float64Array(WINDOW_FRAMES);
  readonly #arrivalsUs = new Float64Array(WINDOW_FRAMES);
  #count = 0;
  #baseUs = Infinity;
  #learnUntilUs = Infinity;

  constructor(figures: Figures) {
    this.#figures = figures;
  }

  /** Adds a frame with the time that its timestamp names and the arrival of its last packet. Hot path. */
  add(mediaUs: number, arrivalUs: number): void {
    if (this.#count === WINDOW_FRAMES) this.#takeFirst();
    let at = this.#count++;
    this.#arrivalsUs[at] = arrivalUs;
    for (; at > 0 && this.#mediaUs[at - 1]! > mediaUs; at--) this.#mediaUs[at] = this.#mediaUs[at - 1]!;
    this.#mediaUs[at] = mediaUs;
  }

  /** Evaluates the frames that wait in the window: no more will come for a while. */
  flush(): void {
    while (this.#count > 0) this.#takeFirst();
  }

  /** Begins anew with the next frame: the sender has jumped. */
  restart(): void {
    this.flush();
    this.#baseUs = Infinity;
    this.#learnUntilUs = Infinity;
  }

  #takeFirst(): void {
    const arrivalUs = this.#arrivalsUs[0]!;
    const offsetUs = arrivalUs - this.#mediaUs[0]!;
    this.#arrivalsUs.copyWithin(0, 1, this.#count);
    this.#mediaUs.copyWithin(0, 1, this.#count);
    this.#count--;
    if (this.#learnUntilUs === Infinity) this.#learnUntilUs = arrivalUs + LEARNING_US;
    if (arrivalUs < this.#learnUntilUs) {
      if (offsetUs < this.#baseUs) this.#baseUs = offsetUs;
    } else {
      this.#figures.frame(arrivalUs, offsetUs - this.#baseUs);
    }
  }
}
