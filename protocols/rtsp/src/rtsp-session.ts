/**
 * One RTSP session: the movie that is held open, the tracks that were set up, the RTP session that plays them. Made by the
 * first SETUP, found by its id. Rule: it ends once, whatever ends it, and takes with it all that it opened. It may outlive
 * its connection when all of its tracks go over UDP. Spec: RFC 2326 §3.4, §10.4-§10.7, §12.37. Thread: one task thread.
 */
import { randomBytes } from 'node:crypto';
import { DELETE, PARK, type Presentation, type RoutedMedia, Task, TaskEvent, TimeoutTask } from '@finch/core';
import { type PlayWish, Quality, RtpSession, unixNowUs } from '@finch/rtp';
import type { ControlUrl } from './control-url';
import { RtspError } from './errors';
import type { RtpInfo } from './headers/rtp-info';
import { formatSession } from './headers/session';
import type { Transport } from './headers/transport';
import { type ParameterSource, QUALITY_NAMES } from './parameters';
import type { RtspConnection } from './rtsp-connection';
import type { RtspService } from './rtsp-service';
import { nextState, type SessionState } from './session-state';
import { bindTransport, makeSender, type SessionTrack } from './session-track';

/** Bytes of randomness in a session id: 128 bits, beyond guessing (RFC 2326 §3.4 asks for 8 octets at least). */
const SESSION_ID_BYTES = 16;
/** A client that keeps alive just in time must not be cut off: the timeout that is kept is longer than the one told. */
const TIMEOUT_GRACE_FACTOR = 1.5;

/** What PLAY came to; times in microseconds of the movie. */
export interface Played {
  readonly startUs: number;
  /** Before the start where it goes backward. */
  readonly endUs: number;
  readonly scale: number;
  readonly speed: number;
}

/** A task for one session; kill ends it. */
export class RtspSession extends Task {
  readonly id = randomBytes(SESSION_ID_BYTES).toString('hex');
  readonly #service: RtspService;
  readonly #media: RoutedMedia;
  readonly #presentation: Presentation;
  readonly #tracks: SessionTrack[] = [];
  readonly #timeout: TimeoutTask;
  #connection: RtspConnection | undefined;
  #rtp: RtpSession | undefined;
  #state: SessionState = 'init';
  #reason = 'the server stops';

  /** Takes over the hold on the presentation. `path` is what SETUP named; other URLs of the session must name it too. */
  constructor(
    service: RtspService,
    media: RoutedMedia,
    presentation: Presentation,
    readonly path: readonly string[],
    readonly clientHost: string,
  ) {
    super(service.host.thread, 'rtsp');
    this.#service = service;
    this.#media = media;
    this.#presentation = presentation;
    this.#timeout = new TimeoutTask(
      this,
      service.settings.sessionTimeoutSeconds * 1000 * TIMEOUT_GRACE_FACTOR,
    );
    service.sessions.set(this.id, this);
  }

  /** The Session header of answers. */
  get header(): string {
    return formatSession({ id: this.id, timeoutSeconds: this.#service.settings.sessionTimeoutSeconds });
  }

  get durationUs(): number {
    return this.#presentation.durationUs;
  }

  /** Notes a sign of life. Hot path: one store. */
  refresh(): void {
    this.#timeout.refresh();
  }

  /** Sets up the track that the URL names; returns what the answer's Transport says. */
  setUpTrack(url: ControlUrl, chosen: Transport, connection: RtspConnection): Transport {
    const state = nextState(this.#state, 'SETUP');
    this.#checkPath(url);
    const place = this.#placeOf(url);
    const { id } = this.#presentation.tracks[place]!.track;
    // Once it has played, the tracks are those that play: a client that wants others sets up another session.
    if (this.#rtp !== undefined)
      throw new RtspError('methodNotValidInState', 'SETUP: the session has played already');
    this.#dropTrack(id);
    const bound = bindTransport(chosen, connection, {
      reportArrived: (bytes) => this.#reportArrived(id, bytes),
      sourceFailed: () => this.sourceFailed(),
    });
    const sender = makeSender(this.#service, this.#presentation, place, bound.transport);
    sender.moveTo(0); // most viewers begin at the beginning: its plan is made while they send PLAY
    const isInterleaved = chosen.lowerTransport === 'TCP';
    const trackUrl = url.trackId === undefined ? url.aggregateUrl : `${url.aggregateUrl}/trackID=${id}`;
    this.#tracks.push({ trackId: id, url: trackUrl, place, sender, isInterleaved, release: bound.release });
    this.#connection = connection;
    connection.sessions.add(this);
    this.#state = state;
    return { ...withoutClientWishes(chosen), ...bound.answer, ssrc: sender.ssrc };
  }

  /** Refuses URLs of another movie (454) and of a single track among several (460). */
  checkAggregate(url: ControlUrl): void {
    if (url.isServer) return;
    this.#checkPath(url);
    if (url.trackId !== undefined && this.#tracks.length > 1)
      throw new RtspError(
        'onlyAggregateAllowed',
        `expected the URL of the movie, without trackID=${url.trackId}`,
      );
  }

  /** Plays; returns what really is played. */
  play(fromUs: number | undefined, wish: PlayWish): Played {
    const state = nextState(this.#state, 'PLAY');
    const rtp = this.#rtp ?? this.#startRtp();
    this.#state = state;
    const startUs = rtp.play(fromUs, wish);
    return { startUs, endUs: rtp.endUs, scale: rtp.scale, speed: rtp.speed };
  }

  /** Pauses; returns where, in microseconds of the movie. */
  pause(): number {
    this.#state = nextState(this.#state, 'PAUSE');
    return this.#rtp?.pause() ?? 0;
  }

  /** What RTP-Info says of each track when playing starts at `startUs`. */
  rtpInfo(startUs: number): RtpInfo[] {
    return this.#tracks.map(({ url, sender }) => ({
      url,
      sequenceNumber: sender.nextSequence,
      rtpTicks: sender.timestampOf(startUs),
    }));
  }

  /** What clients may ask of the session: of the track that the URL names, or of all. 404 when it was not set up. */
  parameters(url: ControlUrl): ParameterSource {
    if (!url.isServer) this.#checkPath(url);
    const { trackId } = url;
    const tracks =
      trackId === undefined ? this.#tracks : this.#tracks.filter((track) => track.trackId === trackId);
    if (trackId !== undefined && tracks.length === 0)
      throw new RtspError('notFound', `track ${trackId} was not set up`);
    return {
      positionUs: this.#rtp?.shownUs ?? 0,
      durationUs: this.durationUs,
      scale: this.#rtp?.scale ?? 1,
      speed: this.#rtp?.speed ?? 1,
      quality: this.#rtp?.quality ?? Quality.full,
      state: this.#rtp?.isPlaying === true ? 'playing' : 'ready',
      senders: tracks.map(({ sender }) => sender),
    };
  }

  /** There is room again on the connection. */
  roomAgain(): void {
    this.#rtp?.signal(TaskEvent.write);
  }

  /** The movie's file can't be read any more: the viewer gets a clean end. */
  sourceFailed(): void {
    this.#rtp?.fail(new Error(`${this.#presentation.source.path}: was truncated while it played`));
  }

  /** The connection has gone. What was interleaved on it is over; what goes over UDP lives until it times out. */
  connectionClosed(): void {
    this.#connection = undefined;
    if (this.#tracks.some(({ isInterleaved }) => isInterleaved)) this.end('the client disconnected');
  }

  /** Ends the session in the next turn, for a reason that the log tells; nothing but BYE is sent any more. */
  end(reason: string): void {
    this.#reason = reason;
    this.#rtp?.pause();
    this.signal(TaskEvent.kill);
  }

  run(events: number): number {
    if (events & TaskEvent.kill) return DELETE;
    if (events & TaskEvent.timeout) {
      if (this.#isServedByTcp()) {
        this.refresh();
        return PARK;
      }
      this.#reason = 'it timed out';
      return DELETE;
    }
    return PARK;
  }

  protected override onDeleted(): void {
    this.#timeout.cancel();
    this.#service.sessions.delete(this.id);
    this.#connection?.sessions.delete(this);
    if (this.#rtp === undefined) {
      for (const { trackId } of [...this.#tracks]) this.#dropTrack(trackId);
      this.#presentation.close();
      return;
    }
    this.#rtp.signal(TaskEvent.kill); // it says BYE, then closes senders and movie
    for (const { release } of this.#tracks) release();
    this.#service.log.info(`${this.clientHost} stops ${this.#media.name}: ${this.#reason}`, this.#counts());
  }

  #counts(): Record<string, number> {
    const counts: Record<string, number> = { packets: 0 };
    for (const { sender } of this.#tracks) {
      counts.packets! += sender.packetCount;
      if (sender.cumulativeLost > 0) counts.lost = (counts.lost ?? 0) + sender.cumulativeLost;
      if (sender.nackedPackets > 0) {
        counts.nacked = (counts.nacked ?? 0) + sender.nackedPackets;
        counts.retransmitted = (counts.retransmitted ?? 0) + sender.retransmittedPackets;
      }
      for (const [cause, frames] of Object.entries(sender.thinned))
        if (frames > 0) counts[`thinned.${cause}`] = (counts[`thinned.${cause}`] ?? 0) + frames;
    }
    return counts;
  }

  // A playing TCP viewer lives as long as his connection takes what is sent; the RTP session ends it when it stalls.
  #isServedByTcp(): boolean {
    return (
      this.#connection !== undefined &&
      this.#rtp?.isPlaying === true &&
      this.#tracks.every(({ isInterleaved }) => isInterleaved)
    );
  }

  #startRtp(): RtpSession {
    const { host, pacing, slowViewer, cname, log } = this.#service;
    const isInterleaved = this.#tracks.every((track) => track.isInterleaved);
    const places = this.#tracks.map(({ place }) => place);
    this.#rtp = new RtpSession(host.thread, {
      provider: this.#media.send(this.#presentation, places),
      senders: this.#tracks.map(({ sender }) => sender),
      durationUs: this.#presentation.durationUs,
      pacing: isInterleaved ? pacing.reliable : pacing.lossy,
      slowViewer,
      cname,
      events: {
        ended: () => {
          this.#state = 'ready';
        },
        failed: (error) => {
          this.#state = 'ready';
          log.warn(`${this.clientHost} can't go on with ${this.#media.name}: ${error.message}`);
        },
        stalled: (reason) => {
          this.end(reason);
          this.#connection?.signal(TaskEvent.kill);
        },
        qualityChanged: (quality, loss) =>
          log.info(`${this.clientHost} gets ${QUALITY_NAMES[quality]} of ${this.#media.name}`, {
            lossPercent: Math.round(loss * 100),
          }),
      },
    });
    log.info(`${this.clientHost} plays ${this.#media.name}`, {
      tracks: this.#tracks.length,
      transport: this.#tracks[0]!.isInterleaved ? 'TCP' : 'UDP',
    });
    return this.#rtp;
  }

  #reportArrived(trackId: number, bytes: Uint8Array): void {
    this.refresh();
    const sender = this.#tracks.find((track) => track.trackId === trackId)?.sender;
    if (sender?.reportArrived(bytes, unixNowUs()) === true) this.#rtp?.reportRead(sender);
  }

  #checkPath({ segments }: ControlUrl): void {
    if (segments.join('/') !== this.path.join('/'))
      throw new RtspError(
        'sessionNotFound',
        `the session is of ${this.#media.name}, the URL names something else`,
      );
  }

  #placeOf({ trackId }: ControlUrl): number {
    const { tracks } = this.#presentation;
    if (trackId === undefined && tracks.length > 1)
      throw new RtspError(
        'aggregateNotAllowed',
        'SETUP: expected the URL of one track, ending in /trackID=N',
      );
    const place = trackId === undefined ? 0 : tracks.findIndex(({ track }) => track.id === trackId);
    if (place < 0) throw new RtspError('notFound', `${this.#media.name} has no track ${trackId}`);
    return place;
  }

  #dropTrack(trackId: number): void {
    const at = this.#tracks.findIndex((track) => track.trackId === trackId);
    if (at < 0) return;
    const [track] = this.#tracks.splice(at, 1);
    track!.sender.close();
    track!.release();
  }
}

// What the client proposed and the server has not taken up does not belong into the answer.
function withoutClientWishes({ profile, lowerTransport, delivery, modes, append }: Transport): Transport {
  return { profile, lowerTransport, delivery, modes, append };
}
