/**
 * What an RTP session is made of and whom it tells; see rtp-session.ts. Filled in by the protocol that makes it. Rule: events come
 * on the session's thread, within its run.
 */
import type { PullProvider } from '@finch/core';
import type { Pacing } from './pacing';
import type { Quality } from './quality-control';
import type { RtpSender } from './rtp-sender';
import type { SlowViewer } from './viewer-way';

/** Who hears how a session ends. Called on its thread. */
export interface RtpSessionEvents {
  /** The movie is over: whether something else follows it. If so, that is the end of a range, and nobody is told BYE. */
  goesOn(): boolean;
  /** The movie is over, and the viewer has been told so with BYE. Playing again is possible. */
  ended(): void;
  /**
   * The end that play() was given has been reached, or backward the start of the movie, or its end while it goes on. Playing on is
   * possible, at once.
   */
  rangeEnded(): void;
  /** The movie can't be read any more; the viewer has been told so with BYE. */
  failed(error: Error): void;
  /** The viewer can't keep up, for a reason of one line; nothing is sent any more. */
  stalled(reason: string): void;
  /** The network carries less than before, or more; `loss` (0..1) is what was reported last. */
  qualityChanged(quality: Quality, loss: number): void;
  /** The viewer begins to go without something since he is late, or keeps up again: `quality` is full then. */
  latenessThins(quality: Quality): void;
}

/** What an RTP session is made of. */
export interface RtpSessionOptions {
  readonly provider: PullProvider;
  /** In the order of the provider's tracks. */
  readonly senders: readonly RtpSender[];
  readonly durationUs: number;
  readonly pacing: Pacing;
  readonly slowViewer: SlowViewer;
  /** The canonical name of the sender (RFC 3550 §6.5.1), UTF-8. */
  readonly cname: Uint8Array;
  readonly events: RtpSessionEvents;
}

/** What playing would come to; places are presentation times in microseconds. */
export interface PlayOutcome {
  /** Undefined: where it stands then. */
  readonly startUs: number | undefined;
  readonly endUs: number;
  readonly scale: number;
  readonly speed: number;
}
