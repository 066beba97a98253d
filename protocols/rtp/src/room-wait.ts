/**
 * How long a viewer's own way was full, and how much of his lateness comes of that. Kept by the RTP session. Rule: a viewer
 * answers for his way alone: time in which the thread itself hung, or a plan was missing, is not charged to him.
 */

/** A session that waits for room looks again after this time at the latest; of a longer gap the rest is the thread's. */
export const ROOM_CHECK_US = 250_000;
const HAS_ROOM = -1;

/** The waiting of one viewer; see the head of this file. Times in microseconds of the thread's clock. */
export class RoomWait {
  #lookedAtUs = HAS_ROOM;
  #fullForUs = 0;
  #heldUpUs = 0;

  /** How long the way has been full without a break, with something due that could not go. */
  get fullForUs(): number {
    return this.#fullForUs;
  }

  /** Begins anew: nothing of what was is late any more. */
  restart(): void {
    this.#lookedAtUs = HAS_ROOM;
    this.#fullForUs = 0;
    this.#heldUpUs = 0;
  }

  /** The way was found full, with a frame to send that is due at `dueUs`. */
  full(nowUs: number, dueUs: number): void {
    this.#charge(nowUs, dueUs);
    this.#lookedAtUs = nowUs;
  }

  /** The way was found to have room for the frame that is due at `dueUs`. Hot path. */
  room(nowUs: number, dueUs: number): void {
    if (this.#lookedAtUs === HAS_ROOM) return;
    this.#charge(nowUs, dueUs);
    this.#lookedAtUs = HAS_ROOM;
    this.#fullForUs = 0;
  }

  /** How much of `lateUs` is his own. Called for each frame, so that what he has caught up with is forgotten. Hot path. */
  ownPartOf(lateUs: number): number {
    if (this.#heldUpUs > lateUs) this.#heldUpUs = Math.max(lateUs, 0);
    return this.#heldUpUs;
  }

  // A way that fills while the player is ahead of time makes nobody late.
  #charge(nowUs: number, dueUs: number): void {
    if (this.#lookedAtUs === HAS_ROOM) return;
    const waitedUs = Math.min(nowUs - this.#lookedAtUs, ROOM_CHECK_US);
    const overdueUs = Math.max(Math.min(waitedUs, nowUs - dueUs), 0);
    this.#fullForUs += overdueUs;
    this.#heldUpUs += overdueUs;
  }
}
