/**
 * What joins a provider of frames to a consumer. Of the four modes the pull-pull one is here: the consumer paces.
 * Rule: both ends hear of connecting and of disconnecting, once, whoever ends the pipe; so a provider behind it frees its
 * file when its consumer dies, and nobody holds somebody two rooms away. Thread: one for both ends.
 */
import type { Frame } from './frame';

/** An end of a pipe. */
export interface PipeEnd {
  /** The pipe is there: the consumer may pull. */
  connected?(): void;
  /** The pipe has ended: free what was held for it. */
  disconnected(): void;
}

/** Gives frames when asked. */
export interface PullProvider extends PipeEnd {
  /** Fills in the next frame in decode order over all tracks; false at the end. Hot path. */
  pull(into: Frame): boolean;
  /** The next frame of one track, or -1 at its end. */
  nextFrame(track: number): number;
  /** Passes over the frames of one track before `frame`: they went with an earlier one. Hot path. */
  skipTo(track: number, frame: number): void;
  /** Moves to a key frame at or before `timeUs`; returns the presentation time in microseconds that playing starts at. */
  seek(timeUs: number): number;
}

/** Takes frames when it is ready for them. */
export type PullConsumer = PipeEnd;

/** Joins one provider to one consumer, from its making until disconnect(). */
export class PullPipe {
  #ends: { provider: PullProvider; consumer: PullConsumer } | null;

  constructor(provider: PullProvider, consumer: PullConsumer) {
    this.#ends = { provider, consumer };
    provider.connected?.();
    consumer.connected?.();
  }

  get isConnected(): boolean {
    return this.#ends !== null;
  }

  /** The next frame; false at the end of the stream and after disconnect(). Hot path. */
  pull(into: Frame): boolean {
    return this.#ends?.provider.pull(into) ?? false;
  }

  /** The next frame of one track; -1 at its end and after disconnect(). */
  nextFrame(track: number): number {
    return this.#ends?.provider.nextFrame(track) ?? -1;
  }

  /** Passes over the frames of one track before `frame`. Hot path. */
  skipTo(track: number, frame: number): void {
    this.#ends?.provider.skipTo(track, frame);
  }

  /** Moves the provider; returns where it really starts, in microseconds. */
  seek(timeUs: number): number {
    return this.#ends?.provider.seek(timeUs) ?? timeUs;
  }

  /** Ends the pipe: tells both ends, the provider first. An end that throws keeps nothing from the other. */
  disconnect(): void {
    const ends = this.#ends;
    this.#ends = null;
    if (ends === null) return;
    try {
      ends.provider.disconnected();
    } finally {
      ends.consumer.disconnected();
    }
  }
}
