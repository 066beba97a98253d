/**
 * The three clocks of a session, and how one is made of the other. Used by the RTP session; the one place that knows of
 * Scale and Speed. Rule: it changes when playing starts, moves or changes its rate, and is a straight line between.
 *
 *   media time    where a frame stands in the movie, by decode time
 *   stream time   what RTP timestamps count: media time / scale, without gap or jump, whatever the position does
 *   due time      when it leaves, by the thread's clock: stream time / speed
 *
 * Spec: RFC 2326 §12.34 (Scale), §12.35 (Speed), appendix B. All in microseconds.
 */

/** From where and how fast a timeline runs. */
export interface TimelineStart {
  readonly mediaUs: number;
  readonly streamUs: number;
  readonly dueUs: number;
  /** Media time per stream time: other than 0; below it the movie runs backward. */
  readonly scale: number;
  /** Stream time per time of the thread's clock: above 0. */
  readonly speed: number;
}

/** One straight line through the three clocks; see the head of this file. */
export class Timeline {
  #mediaUs = 0;
  #streamUs = 0;
  #dueUs = 0;
  #scale = 1;
  #speed = 1;
  /** Due time per media time, and the due time of media time 0: what the hot path needs. */
  #pace = 1;
  #baseUs = 0;

  get scale(): number {
    return this.#scale;
  }

  get speed(): number {
    return this.#speed;
  }

  get isReverse(): boolean {
    return this.#scale < 0;
  }

  /** Runs from one instant of all three clocks on. */
  start({ mediaUs, streamUs, dueUs, scale, speed }: TimelineStart): void {
    this.#mediaUs = mediaUs;
    this.#streamUs = streamUs;
    this.#dueUs = dueUs;
    this.#scale = scale;
    this.#speed = speed;
    this.#pace = 1 / (scale * speed);
    this.#baseUs = dueUs - mediaUs * this.#pace;
  }

  /** Lets all that is still to come be due later. */
  delay(byUs: number): void {
    this.#dueUs += byUs;
    this.#baseUs += byUs;
  }

  /** When a frame is due. Hot path. */
  dueUs(mediaUs: number): number {
    return this.#baseUs + mediaUs * this.#pace;
  }

  /** What is due at a time of the thread's clock. */
  mediaAt(dueUs: number): number {
    return this.#mediaUs + (dueUs - this.#dueUs) / this.#pace;
  }

  /** The stream time of a frame. */
  streamUs(mediaUs: number): number {
    return this.#streamUs + (mediaUs - this.#mediaUs) / this.#scale;
  }

  /** The stream time at a time of the thread's clock. */
  streamAt(dueUs: number): number {
    return this.#streamUs + (dueUs - this.#dueUs) * this.#speed;
  }
}
