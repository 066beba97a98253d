/**
 * How one session plays: its state, its RTP session, and the ranges that wait. Made by the session, told by its methods.
 * Rule: the state is the table's (session-state.ts), and what an answer says is what is played.
 * Spec: RFC 2326 §10.5, §10.6, §12.6, appendix A.2. Thread: the session's.
 */
import { type Presentation, type RoutedMedia, TaskEvent } from '@finch/core';
import {
  type Pacing,
  type PlayWish,
  type RtpSender,
  RtpSession,
  withinRate,
  withoutAhead,
  withoutOverbuffer,
} from '@finch/rtp';
import { RtspError } from './errors';
import { QUALITY_NAMES } from './parameters';
import { PlayQueue, type PlayRange } from './play-queue';
import type { SessionService } from './session-service';
import { nextState, type SessionMethod, type SessionState } from './session-state';
import type { SessionTracks } from './session-tracks';

/** What PLAY came to; times in microseconds of the movie. */
export interface Played {
  readonly startUs: number;
  /** Before the start where it goes backward. */
  readonly endUs: number;
  readonly scale: number;
  readonly speed: number;
  /** Its turn is still to come. */
  readonly isQueued: boolean;
}

/** What is played, and for whom. */
export interface PlayerOptions {
  readonly service: SessionService;
  readonly media: RoutedMedia;
  readonly presentation: Presentation;
  readonly tracks: SessionTracks;
  readonly clientHost: string;
  /** The viewer can't keep up, for a reason of one line. */
  readonly stalled: (reason: string) => void;
}

/** Plays the tracks of one session; see the head of this file. */
export class SessionPlayer {
  /** What the client says of the bandwidth that he has, in bits per second. */
  bandwidthBps = Infinity;
  /** Whether packets may be sent ahead of their time, as the client says; undefined while he says nothing. */
  isRateDynamic: boolean | undefined;
  /** Whether his player shows what comes early at once, so that over-buffering would harm him. */
  isClockedByArrival = false;
  readonly #options: PlayerOptions;
  readonly #queue: PlayQueue;
  #rtp: RtpSession | undefined;
  #state: SessionState = 'init';
  /** Where PAUSE said to go on from. */
  #resumeUs: number | undefined;

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.#queue = new PlayQueue(options.presentation.durationUs);
  }

  /** The RTP session; undefined before the first PLAY. */
  get rtp(): RtpSession | undefined {
    return this.#rtp;
  }

  /** Refuses a method that the state does not allow: 455. */
  check(method: SessionMethod): void {
    nextState(this.#state, method);
  }

  /** Goes to the state behind a method. 455 when the state does not allow it. */
  enter(method: SessionMethod): void {
    this.#state = nextState(this.#state, method);
  }

  /** Plays; returns what really is played, or will be when it is its turn. */
  play(fromUs: number | undefined, wish: PlayWish): Played {
    this.check('PLAY');
    const rtp = this.#rtp ?? this.#startRtp();
    this.enter('PLAY');
    const isForNow = wish.scale !== undefined || wish.speed !== undefined;
    if (rtp.isPlaying && !isForNow) {
      const isKeepAlive = fromUs === undefined && wish.untilUs === undefined;
      if (isKeepAlive && rtp.scale === 1 && rtp.speed === 1) return playedBy(rtp, rtp.positionUs);
      if (fromUs !== undefined && this.#queue.isBounded) return this.#wait({ fromUs, untilUs: wish.untilUs });
    }
    this.#queue.clear();
    return this.#playNow(rtp, fromUs ?? this.#resumeUs, wish);
  }

  /**
   * Pauses, at once or where `pointUs` is reached; returns where, in microseconds of the movie. 457 for a point that is not
   * played. A point that was sent already is where the next PLAY goes on.
   */
  pause(pointUs?: number): number {
    this.check('PAUSE');
    const rtp = this.#rtp;
    if (pointUs !== undefined && rtp?.isPlaying === true && this.#stopsLater(rtp, pointUs)) return pointUs;
    this.enter('PAUSE');
    this.#queue.clear();
    this.#resumeUs = pointUs ?? this.#resumeUs;
    const positionUs = rtp?.pause() ?? 0;
    return this.#resumeUs ?? positionUs;
  }

  /** Sends nothing more. */
  stop(): void {
    this.#queue.clear();
    this.#rtp?.pause();
  }

  /** Says BYE on one track and sends nothing more on it. */
  endTrack(sender: RtpSender): void {
    this.#rtp?.endTrack(sender);
  }

  /** True when the point lies ahead, and playing will stop there. */
  #stopsLater(rtp: RtpSession, pointUs: number): boolean {
    const place = this.#queue.stopAt(pointUs);
    if (place === 'outside')
      throw new RtspError('invalidRange', 'Range: expected a point of what is being played');
    const { scale, speed, positionUs } = rtp;
    const isAhead = scale > 0 ? pointUs > positionUs : pointUs < positionUs;
    if (place === 'active' && isAhead) rtp.play(undefined, { untilUs: pointUs, scale, speed });
    return place === 'waits' || isAhead;
  }

  #wait(range: PlayRange): Played {
    this.#queue.add(range);
    const { durationUs } = this.#options.presentation;
    const { fromUs: startUs, untilUs: endUs = durationUs } = range;
    return { startUs, endUs: Math.min(endUs, durationUs), scale: 1, speed: 1, isQueued: true };
  }

  // Speed asks for a multiple of the movie's bit rate, and Bandwidth says what of that can arrive (RFC 2326 §12.35).
  #playNow(rtp: RtpSession, fromUs: number | undefined, wish: PlayWish): Played {
    this.#resumeUs = undefined;
    const highestSpeed = Math.max(this.bandwidthBps / this.#options.tracks.bitRateBps, 1);
    const speed = wish.speed === undefined ? undefined : Math.min(wish.speed, highestSpeed);
    const startUs = rtp.play(fromUs, { ...wish, speed });
    this.#queue.started({ fromUs: startUs, untilUs: rtp.endUs });
    return playedBy(rtp, startUs);
  }

  #startRtp(): RtpSession {
    const { service, media, presentation, tracks, clientHost, stalled } = this.#options;
    const { host, cname, log, slowViewer } = service;
    this.#rtp = new RtpSession(host.thread, {
      provider: media.send(presentation, tracks.places),
      senders: tracks.senders,
      durationUs: presentation.durationUs,
      pacing: this.#pacing(),
      slowViewer,
      cname,
      events: {
        ended: () => this.#goOn(),
        rangeEnded: () => this.#goOn(),
        failed: (error) => {
          this.#queue.clear();
          this.#state = 'paused';
          log.warn(`${clientHost} can't go on with ${media.name}: ${error.message}`);
        },
        stalled,
        qualityChanged: (quality, loss) =>
          log.info(`${clientHost} gets ${QUALITY_NAMES[quality]} of ${media.name}`, {
            lossPercent: Math.round(loss * 100),
          }),
      },
    });
    log.info(`${clientHost} plays ${media.name}`, {
      tracks: tracks.count,
      transport: tracks.areInterleaved ? 'TCP' : 'UDP',
    });
    return this.#rtp;
  }

  #pacing(): Pacing {
    const { service, tracks } = this.#options;
    const pacing = tracks.areInterleaved ? service.pacing.reliable : service.pacing.lossy;
    if (this.isRateDynamic === false) return withoutAhead(pacing);
    const isFilled = this.isRateDynamic ?? !this.isClockedByArrival;
    return isFilled ? withinRate(pacing, this.bandwidthBps / tracks.bitRateBps) : withoutOverbuffer(pacing);
  }

  // The end of a range: the next one's turn, or Ready (RFC 2326 appendix A.2).
  #goOn(): void {
    const next = this.#queue.next();
    if (next === undefined) this.#state = 'paused';
    else this.#playNow(this.#rtp!, next.fromUs, { untilUs: next.untilUs });
  }

  /** Tells the RTP session that its way has room again. */
  roomAgain(): void {
    this.#rtp?.signal(TaskEvent.write);
  }
}

function playedBy({ endUs, scale, speed }: RtpSession, startUs: number): Played {
  return { startUs, endUs, scale, speed, isQueued: false };
}
