/**
 * How one session plays: its state, its RTP session, and the ranges that wait. Made by the session, told by its methods.
 * Rule: the state is the table's (session-state.ts), and what an answer says is what is played.
 * Spec: RFC 2326 §10.5, §10.6, §12.6, appendix A.2. Thread: the session's.
 */
import { TaskEvent } from '@finch/core';
import type { PlayWish, RtpSender, RtpSession } from '@finch/rtp';
import { RtspError } from './errors';
import { endOfMovieUs, PlayQueue, type PlayRange } from './play-queue';
import { makeRtpSession, type PlayedMovie, type PlayerWishes } from './session-rtp';
import { nextState, type SessionMethod, type SessionState } from './session-state';

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

/** What is played, for whom, and who hears of it. */
export interface PlayerOptions extends PlayedMovie {
  /** Has turn() called when `wakeUs` has come: it may be another. */
  readonly wake: () => void;
}

interface TimedPause {
  readonly atUs: number;
  readonly pointUs: number | undefined;
}

/** Plays the tracks of one session; see the head of this file. */
export class SessionPlayer implements PlayerWishes {
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
  /** A PAUSE whose time is to come. */
  #timedPause: TimedPause | undefined;

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

  /** When turn() is to be called, by the thread's clock; Infinity: not at all. */
  get wakeUs(): number {
    const mustWait = this.#rtp?.isPlaying === true && this.#queue.isActiveBounded;
    const startUs = mustWait ? Infinity : (this.#queue.first?.notBeforeUs ?? Infinity);
    return Math.min(startUs, this.#timedPause?.atUs ?? Infinity);
  }

  /** Does what PLAY or PAUSE asked for at a time that has come. */
  turn(): void {
    const { nowUs } = this.#options.service.host.thread;
    if (nowUs < this.wakeUs) return;
    const timedPause = this.#timedPause;
    if (timedPause !== undefined && nowUs >= timedPause.atUs) this.#pauseInTime(timedPause);
    const rtp = this.#rtp;
    if (rtp === undefined || nowUs < this.wakeUs) return;
    const next = this.#queue.next(nowUs);
    // What waited for its time alone was prepared: it stands where it begins.
    if (next !== undefined) this.#playNow(rtp, rtp.isPlaying ? next.fromUs : undefined, next);
  }

  /**
   * Plays; returns what really is played, or will be when it is its turn. A range with a time begins then; one without a place
   * and a rate, while another plays or waits, changes nothing.
   */
  play(range: PlayRange): Played {
    this.check('PLAY');
    const rtp = this.#rtp ?? this.#startRtp();
    this.enter('PLAY');
    const isActive = rtp.isPlaying || this.#queue.length > 0;
    if (isActive && asksForNothing(range)) return playedBy(rtp, rtp.positionUs);
    const isBehind = isActive && range.fromUs !== undefined && this.#queue.isBounded;
    if (isBehind || range.notBeforeUs !== undefined) return this.#wait(rtp, range);
    this.#queue.clear();
    return this.#playNow(rtp, range.fromUs ?? this.#resumeUs, range);
  }

  /**
   * Pauses, at once or where `pointUs` is reached; returns where, in microseconds of the movie. 457 for a point that is not
   * played. A point that was sent already is where the next PLAY goes on.
   */
  pause(pointUs?: number): number {
    this.check('PAUSE');
    this.#timedPause = undefined;
    const rtp = this.#rtp;
    const isActive = rtp?.isPlaying === true || this.#queue.length > 0;
    if (pointUs !== undefined && isActive && this.#stopsLater(rtp!, pointUs)) return pointUs;
    this.enter('PAUSE');
    this.#queue.clear();
    this.#resumeUs = pointUs ?? this.#resumeUs;
    const positionUs = rtp?.pause() ?? 0;
    return this.#resumeUs ?? positionUs;
  }

  /** Has pause() called at a time of the thread's clock, in place of one that was to come. */
  pauseAt(atUs: number, pointUs: number | undefined): void {
    this.check('PAUSE');
    this.#timedPause = { atUs, pointUs };
    this.#options.wake();
  }

  /** Sends nothing more. */
  stop(): void {
    this.#queue.clear();
    this.#timedPause = undefined;
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

  // What has only its time to wait for stands where it begins, so that its numbers are known and its plans are made.
  #wait(rtp: RtpSession, range: PlayRange): Played {
    const isNext = !rtp.isPlaying && this.#queue.length === 0;
    const fromUs = range.fromUs ?? (isNext ? this.#resumeUs : undefined);
    this.#queue.add({ ...range, fromUs });
    this.#options.wake();
    if (isNext) return this.#prepare(rtp, { ...range, fromUs });
    const { durationUs } = this.#options.presentation;
    const { scale, speed } = rtp.ratesOf(this.#wishOf(range));
    const { untilUs: endUs = endOfMovieUs({ scale }, durationUs) } = range;
    return {
      startUs: fromUs ?? rtp.positionUs,
      endUs: Math.min(endUs, durationUs),
      scale,
      speed,
      isQueued: true,
    };
  }

  #prepare(rtp: RtpSession, range: PlayRange): Played {
    this.#resumeUs = undefined;
    const played = playedBy(rtp, rtp.play(range.fromUs, this.#wishOf(range)));
    rtp.pause();
    return played;
  }

  #pauseInTime({ pointUs }: TimedPause): void {
    this.#timedPause = undefined;
    try {
      this.pause(pointUs);
    } catch (error) {
      if (!(error instanceof RtspError)) throw error;
      const { service, clientHost } = this.#options;
      service.log.debug(`${clientHost} PAUSE at its time: ${error.message}`);
    }
  }

  // Speed asks for a multiple of the movie's bit rate, and Bandwidth says what of that can arrive (RFC 2326 §12.35).
  #wishOf({ untilUs, scale, speed }: PlayRange): PlayWish {
    const highestSpeed = Math.max(this.bandwidthBps / this.#options.tracks.bitRateBps, 1);
    return { untilUs, scale, speed: speed === undefined ? undefined : Math.min(speed, highestSpeed) };
  }

  #playNow(rtp: RtpSession, fromUs: number | undefined, range: PlayRange): Played {
    this.#resumeUs = undefined;
    const startUs = rtp.play(fromUs, this.#wishOf(range));
    this.#queue.started({ fromUs: startUs, untilUs: rtp.endUs });
    return playedBy(rtp, startUs);
  }

  #startRtp(): RtpSession {
    this.#rtp = makeRtpSession(this.#options, this, {
      over: () => this.#goOn(),
      failed: () => {
        this.#queue.clear();
        this.#state = 'paused';
      },
    });
    return this.#rtp;
  }

  // The end of a range: the next one's turn, or Ready (RFC 2326 appendix A.2).
  #goOn(): void {
    const rtp = this.#rtp!;
    const { first } = this.#queue;
    const next = this.#queue.next(this.#options.service.host.thread.nowUs);
    if (next !== undefined) {
      this.#playNow(rtp, next.fromUs, next);
      return;
    }
    this.#queue.finished();
    if (first === undefined) this.#state = 'paused';
    else this.#prepare(rtp, first);
    this.#options.wake();
  }

  /** Tells the RTP session that its way has room again. */
  roomAgain(): void {
    this.#rtp?.signal(TaskEvent.write);
  }
}

function asksForNothing({ fromUs, untilUs, scale, speed, notBeforeUs }: PlayRange): boolean {
  return [fromUs, untilUs, scale, speed, notBeforeUs].every((part) => part === undefined);
}

function playedBy({ endUs, scale, speed }: RtpSession, startUs: number): Played {
  return { startUs, endUs, scale, speed, isQueued: false };
}
