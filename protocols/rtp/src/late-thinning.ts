/**
 * Whether a viewer who is late goes without something, and how much is left for him: for who asks, and for the log. Told by his
 * way of each frame that is left out. Rule: it begins with the first such frame, and ends when there has been none for a while, so
 * that who is late again and again is told of once.
 */
import { Quality } from './quality-control';
import { SKIP_TO_KEY_FROM_US } from './thinning';

/** After so long without a frame left out, in microseconds, he keeps up again. */
export const KEEPS_UP_AFTER_US = 5_000_000;

/** The thinning of one late viewer; see the head of this file. Times in microseconds of the thread's clock. */
export class LateThinning {
  #quality: Quality = Quality.full;
  #endsUs = 0;

  /** What is left for him while it lasts: by the frame that was left out last. */
  get quality(): Quality {
    return this.#quality;
  }

  get isThinning(): boolean {
    return this.#quality !== Quality.full;
  }

  /** A frame was left out since he was `lateUs` late. */
  leftOut(kind: 'video' | 'audio', lateUs: number, nowUs: number): void {
    const left = lateUs < SKIP_TO_KEY_FROM_US ? Quality.noDisposable : Quality.keyFrames;
    this.#quality = kind === 'audio' ? Quality.silent : left;
    this.#endsUs = nowUs + KEEPS_UP_AFTER_US;
  }

  /** Time has passed. */
  pass(nowUs: number): void {
    if (nowUs >= this.#endsUs) this.#quality = Quality.full;
  }

  /** Begins anew: he is not late any more. */
  restart(): void {
    this.#quality = Quality.full;
  }
}
