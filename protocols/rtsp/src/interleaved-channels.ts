/**
 * Who listens on the interleaved channels of one connection. Kept by the connection; asked by tracks that are set up there.
 * Rule: a channel has one listener. Spec: RFC 2326 §10.12.
 */
import type { InterleavedFrame } from 'rtsp-stream-parser';

/** Channels that a connection has: their number is one byte. */
const CHANNELS = 256;

/** Hears what arrives on an interleaved channel. Valid during the call. */
export type ChannelListener = (payload: Uint8Array) => void;

/** The channels of one connection. */
export class InterleavedChannels {
  readonly #listeners = new Map<number, ChannelListener>();

  /** Whether nobody listens on any. */
  get areFree(): boolean {
    return this.#listeners.size === 0;
  }

  /** Listens on a channel, in place of whoever did. */
  listenOn(channel: number, listener: ChannelListener): void {
    this.#listeners.set(channel, listener);
  }

  /** Ends what listenOn() began, unless somebody else has made the channel his own since. */
  leave(channel: number, listener: ChannelListener): void {
    if (this.#listeners.get(channel) === listener) this.#listeners.delete(channel);
  }

  isTaken(channel: number): boolean {
    return this.#listeners.has(channel);
  }

  /** The lowest pair of channels that nobody has: an even one and the next. -1 when all are taken. */
  freePair(): number {
    for (let channel = 0; channel < CHANNELS; channel += 2) {
      if (!this.isTaken(channel) && !this.isTaken(channel + 1)) return channel;
    }
    return -1;
  }

  /** Passes a frame to its listener, if it has one. */
  arrived({ channel, payload }: InterleavedFrame): void {
    this.#listeners.get(channel)?.(payload);
  }

  /** Forgets all listeners. */
  clear(): void {
    this.#listeners.clear();
  }
}
