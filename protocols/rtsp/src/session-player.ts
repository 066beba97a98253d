/**
 * How one session plays: its state, its RTP session, and what waits for its turn or its time. Made by the session, told by its
 * methods. Rule: the state is the table's (session-state.ts), and what an answer says is what is played: what has a time
 * happens then, whatever is played; until then only a later PLAY that asks for something, or PAUSE, puts it aside.
 * Spec: RFC 2326 §10.5, §10.6, §12.6, §12.29, appendix A.2. Thread: the session's.
 */
import { TaskEvent } from '@finch/core';
import type { PlayOutcome, PlayWish, RtpSender, RtpSession } from '@finch/rtp';
import { RtspError } from './errors';
import type { EffectiveTime } from './movie-range';
import { PlayQueue, type PlayRange, type TimedRange } from './play-queue';
import { makeRtpSession, type PlayedMovie, type PlayerWishes } from './session-rtp';
import { nextState, type SessionMethod, type SessionState } from './session-state';

/** What PLAY came to, or will. */
export interface Played extends PlayOutcome {
  /** When it begins; undefined: now, or when it is its turn. */
  readonly time: EffectiveTime | undefined;
  /** It begins with the packets that come next: nothing else is played before. */
  readonly isNext: boolean;
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
  /** Once it has, the viewer has a place that is not to be lost. */
  #hasPlayed = false;
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
    return Math.min(this.#queue.timed?.time.atUs ?? Infinity, this.#timedPause?.atUs ?? Infinity);
  }

  /** Does what PLAY or PAUSE asked for at a time that has come. */
  turn(): void {
    const { nowUs } = this.#options.service.host.thread;
    while (nowUs >= this.wakeUs) {
      if (this.#timedPause?.atUs === this.wakeUs) this.#pauseInTime(this.#timedPause);
      else this.#playInTime();
    }
  }

  /**
   * Plays; returns what really is played, or will be: when it is its turn, or at `time`. What has neither a place nor a rate nor
   * a time, while something is played or waits, changes nothing.
   */
  play(range: PlayRange, time?: EffectiveTime): Played {
    this.check('PLAY');
    const rtp = this.#rtp ?? this.#startRtp();
    this.enter('PLAY');
    const { timed } = this.#queue;
    if (time !== undefined) return this.#wait(rtp, { ...range, time });
    if (asksForNothing(range) && rtp.isPlaying) return playedBy(rtp, rtp.positionUs);
    if (asksForNothing(range) && timed !== undefined) return this.#promise(rtp, timed);
    if (rtp.isPlaying && range.fromUs !== undefined && this.#queue.isBounded) {
      this.#queue.add(range);
      return this.#promise(rtp, range);
    }
    return this.#playNow(rtp, range);
  }

  /**
   * Pauses, at once or where `pointUs` is reached; returns where, in microseconds of the movie. 457 for a point that is not
   * played: then nothing changes. A point that was sent already is where the next PLAY goes on.
   */
  pause(pointUs?: number): number {
    this.check('PAUSE');
    const rtp = this.#rtp;
    const isActive = rtp?.isPlaying === true || this.#queue.hasMore;
    const stopsLater = pointUs !== undefined && isActive && this.#stopsLater(rtp!, pointUs);
    this.#timedPause = undefined;
    if (stopsLater) return pointUs;
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

  // Before anything was played there is no place to lose: then it stands where it begins, so that its numbers are known and its
  // plans are made.
  #wait(rtp: RtpSession, range: TimedRange): Played {
    if (!this.#hasPlayed) {
      rtp.play(range.fromUs ?? this.#resumeUs, this.#wishOf(range));
      rtp.pause();
    }
    this.#queue.addTimed(range);
    this.#options.wake();
    return this.#promise(rtp, range);
  }

  /** What a range that waits will come to. */
  #promise(rtp: RtpSession, range: PlayRange | TimedRange): Played {
    const isNext = !this.#hasPlayed;
    const outcome = rtp.outcomeOf(range.fromUs, this.#wishOf(range));
    return {
      ...outcome,
      startUs: isNext ? rtp.positionUs : outcome.startUs,
      time: 'time' in range ? range.time : undefined,
      isNext,
    };
  }

  #playInTime(): void {
    const range = this.#queue.takeTimed()!;
    this.enter('PLAY');
    this.#playNow(this.#rtp!, range);
  }

  #pauseInTime({ pointUs }: TimedPause): void {
    this.#timedPause = undefined;
    const timed = this.#queue.takeTimed(); // it stops what is played, not what has a time of its own
    try {
      this.pause(pointUs);
    } catch (error) {
      if (!(error instanceof RtspError)) throw error;
      const { service, clientHost } = this.#options;
      service.log.debug(`${clientHost} PAUSE at its time: ${error.message}`);
    }
    if (timed !== undefined) this.#queue.addTimed(timed);
  }

  // Speed asks for a multiple of the movie's bit rate, and Bandwidth says what of that can arrive (RFC 2326 §12.35).
  #wishOf({ untilUs, scale, speed }: PlayRange): PlayWish {
    const highestSpeed = Math.max(this.bandwidthBps / this.#options.tracks.bitRateBps, 1);
    return { untilUs, scale, speed: speed === undefined ? undefined : Math.min(speed, highestSpeed) };
  }

  /** In place of all that is played and waits. */
  #playNow(rtp: RtpSession, range: PlayRange): Played {
    this.#queue.clear();
    return this.#start(rtp, range);
  }

  #start(rtp: RtpSession, range: PlayRange): Played {
    const startUs = rtp.play(range.fromUs ?? this.#resumeUs, this.#wishOf(range));
    this.#resumeUs = undefined;
    this.#hasPlayed = true;
    this.#queue.started({ fromUs: startUs, untilUs: rtp.endUs });
    return playedBy(rtp, startUs);
  }

  #startRtp(): RtpSession {
    this.#rtp = makeRtpSession(this.#options, this, {
      goesOn: () => this.#queue.hasMore,
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
    const next = this.#queue.next();
    if (next !== undefined) {
      this.#start(this.#rtp!, next);
      return;
    }
    this.#queue.finished();
    this.#state = 'paused';
  }

  /** Tells the RTP session that its way has room again. */
  roomAgain(): void {
    this.#rtp?.signal(TaskEvent.write);
  }
}

function asksForNothing({ fromUs, untilUs, scale, speed }: PlayRange): boolean {
  return [fromUs, untilUs, scale, speed].every((part) => part === undefined);
}

function playedBy({ endUs, scale, speed }: RtpSession, startUs: number): Played {
  return { startUs, endUs, scale, speed, time: undefined, isNext: true };
}
