/**
 * What joins a provider of frames to a consumer. Of the four modes the pull-pull one is here: the consumer paces.
 * Rule: both ends hear of connecting and of disconnecting, once, whoever ends the pipe; so a provider behind it frees its
 * file when its consumer dies, and nobody holds somebody two rooms away. Thread: one for both ends.
 */
import type { Frame } from './frame';

/** Which frames a provider gives, and which way it goes through them. Plain data; two viewers never share a position. */
export interface PullOrder {
  /** Of the first video track only the frames that decoding can start at, and nothing of the other tracks. */
  readonly keyFramesOnly: boolean;
  /** From later frames to earlier ones; with key frames only. */
  readonly isReverse: boolean;
  /** No sound, where there is a video track. */
  readonly isSilent: boolean;
  /** Key frames that are decoded less than this after (or before) the one that was given last are passed over. */
  readonly spacingUs: number;
}

/** All frames of all tracks, forward: the order that a provider begins with. */
export const ALL_FRAMES: PullOrder = {
  keyFramesOnly: false,
  isReverse: false,
  isSilent: false,
  spacingUs: 0,
};

/** An end of a pipe. */
export interface PipeEnd {
  /** The pipe is there: the consumer may pull. */
  connected?(): void;
  /** The pipe has ended: free what was held for it. */
  disconnected(): void;
}

/** Gives frames when asked. */
export interface PullProvider extends PipeEnd {
  /** Fills in the next frame of the order, by decode time over all tracks; false at the end. Hot path. */
  pull(into: Frame): boolean;
  /** The next frame of one track; -1 at its end, and when the order leaves the track out. */
  nextFrame(track: number): number;
  /** Passes over the frames of one track before `frame`: they went with an earlier one. Hot path. */
  skipTo(track: number, frame: number): void;
  /**
   * Moves to a key frame at or before `timeUs` and goes on from there in this order; returns the presentation time in
   * microseconds that playing starts at.
   */
  seek(timeUs: number, order: PullOrder): number;
  /** What seek() would return. Moves nothing. */
  startOf(timeUs: number, order: PullOrder): number;
  /**
   * Goes on where it is in another order; neither the old nor the new one is of key frames. `unused` was pulled last and is
   * to be given again, unless the new order leaves it out.
   */
  reorder(order: PullOrder, unused: Frame | null): void;
  /** Whether an order makes sense for these tracks: there is something to see, and more than one picture of it. */
  canFollow(order: PullOrder): boolean;
  /**
   * Where a consumer that is late goes on in a track: the last key frame decoded at or before `timeUs`, if it is not before
   * `frame`, else the first one from `frame` on; -1 when there is none.
   */
  keyFrameFrom(track: number, frame: number, timeUs: number): number;
}

/** Joins one provider to one consumer, from its making until disconnect(). */
export class PullPipe {
  /** Called directly by the consumer, which lets it be once the pipe has ended. */
  readonly provider: PullProvider;
  #consumer: PipeEnd | null;

  constructor(provider: PullProvider, consumer: PipeEnd) {
    this.provider = provider;
    this.#consumer = consumer;
    provider.connected?.();
    consumer.connected?.();
  }

  get isConnected(): boolean {
    return this.#consumer !== null;
  }

  /** Ends the pipe: tells both ends, the provider first. An end that throws keeps nothing from the other. */
  disconnect(): void {
    const consumer = this.#consumer;
    if (consumer === null) return;
    this.#consumer = null;
    try {
      this.provider.disconnected();
    } finally {
      consumer.disconnected();
    }
  }
}
