/**
 * One RTSP session: the movie that is held open, the tracks that were set up, the player that plays them. Made by the
 * first SETUP, found by its id. Rule: it ends once, whatever ends it, and takes with it all that it opened. It may outlive
 * its connection when all of its tracks go over UDP. Spec: RFC 2326 §3.4, §10.4-§10.7, §12.37. Thread: one task thread.
 */
import {
  after,
  DELETE,
  type Presentation,
  type RoutedMedia,
  type SocketAddress,
  Task,
  TaskEvent,
  TimeoutTask,
} from '@finch/core';
import { Quality, unixNowUs } from '@finch/rtp';
import type { ControlUrl } from './control-url';
import { RtspError } from './errors';
import type { RtpInfo } from './headers/rtp-info';
import { formatSession } from './headers/session';
import type { Transport } from './headers/transport';
import type { ParameterSource } from './parameters';
import type { ConnectedSession, SessionConnection } from './session-connection';
import { makeSessionId } from './session-id';
import { SessionPlayer } from './session-player';
import type { SessionService } from './session-service';
import { SessionTracks, type TrackWish } from './session-tracks';
import type { DestinationOwner } from './udp-destinations';

const US_PER_MS = 1000;
/** A client that keeps alive just in time must not be cut off: the timeout that is kept is longer than the one told. */
const TIMEOUT_GRACE_FACTOR = 1.5;
/**
 * How long a session that has lost a port keeps its BYEs back, in microseconds: players set up their tracks one behind the other, and
 * the next port may be the next track's.
 */
const DISPLACED_US = 1_000_000;

/** A task for one session; kill ends it. */
export class RtspSession extends Task implements ConnectedSession, DestinationOwner {
  readonly id: string;
  readonly player: SessionPlayer;
  readonly #service: SessionService;
  readonly #media: RoutedMedia;
  readonly #presentation: Presentation;
  readonly #tracks: SessionTracks;
  readonly #timeout: TimeoutTask;
  /** Where its tracks were set up, as long as they last. */
  readonly #connections = new Set<SessionConnection>();
  /** Where it was named last, which may be elsewhere. */
  #namedOn: SessionConnection | undefined;
  /** When it ends that has lost a port, by the thread's clock. */
  #displacedUntilUs: number | undefined;
  #reason = 'the server stops';
  #hasEnded = false;

  /** Takes over the hold on the presentation. `path` is what SETUP named; other URLs of the session must name it too. */
  constructor(
    service: SessionService,
    media: RoutedMedia,
    presentation: Presentation,
    readonly path: readonly string[],
    readonly client: SocketAddress,
  ) {
    super(service.host.thread, 'rtsp');
    this.id = makeSessionId(service.host.threadIndex);
    this.#service = service;
    this.#media = media;
    this.#presentation = presentation;
    this.#tracks = new SessionTracks(service, presentation, this);
    this.player = new SessionPlayer({
      service,
      media,
      presentation,
      tracks: this.#tracks,
      clientHost: client.host,
      stalled: (reason) => this.#stalled(reason),
      wake: () => this.signal(TaskEvent.update),
    });
    this.#timeout = new TimeoutTask(
      this,
      service.settings.sessionTimeoutSeconds * 1000 * TIMEOUT_GRACE_FACTOR,
    );
  }

  /** Whether end() was called: nobody may use it in the turn that it still is there. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The address that it belongs to. */
  get clientHost(): string {
    return this.client.host;
  }

  /** The Session header of answers. */
  get header(): string {
    return formatSession({ id: this.id, timeoutSeconds: this.#service.settings.sessionTimeoutSeconds });
  }

  get durationUs(): number {
    return this.#presentation.durationUs;
  }

  /** When the movie was changed last, in milliseconds of the Unix epoch. */
  get modifiedMs(): number {
    return this.#presentation.modifiedMs;
  }

  /** Notes a sign of life. Hot path: one store. */
  refresh(): void {
    this.#timeout.refresh();
  }

  /** Notes that a request on `connection` names it. */
  namedOn(connection: SessionConnection): void {
    this.#namedOn = connection;
    this.refresh();
  }

  /** Part of DestinationOwner: it does unless its client is connected elsewhere. */
  yieldsTo(connection: SessionConnection): boolean {
    const isElsewhere = (own: SessionConnection): boolean => own !== connection && own.tcp.isOpen;
    if (this.#hasEnded) return true;
    return ![...this.#connections].some(isElsewhere) && !(this.#namedOn && isElsewhere(this.#namedOn));
  }

  /** Part of DestinationOwner: it ends, and says BYE where nobody else is by then. */
  displaced(taken: readonly SocketAddress[]): void {
    this.#tracks.lose(taken);
    if (this.#hasEnded && this.#displacedUntilUs === undefined) return; // it ends in this turn
    this.#displacedUntilUs ??= this.thread.nowUs + DISPLACED_US;
    this.#stop('its ports were set up anew');
    const saysBye = this.player.rtp !== undefined && !this.#tracks.areDisplaced;
    this.signal(saysBye ? TaskEvent.update : TaskEvent.kill);
  }

  /**
   * Sets up the track that the URL names; returns what the answer's Transport says. 459 for what can't be added, 455 for a
   * track that has played. What fails changes nothing.
   */
  setUpTrack(url: ControlUrl, wish: TrackWish, connection: SessionConnection): Transport {
    if (!this.#isOf(url))
      throw new RtspError('aggregateNotAllowed', `SETUP: expected a track of ${this.#media.name}`);
    const id = this.#tracks.idOf(url);
    // Once it has played, the tracks are those that play: a client that wants others sets up another session.
    if (this.player.rtp !== undefined && this.#tracks.senderOf(id) === undefined)
      throw new RtspError('aggregateNotAllowed', 'SETUP: expected it before the first PLAY of the session');
    this.player.check('SETUP');
    const answer = this.#tracks.setUp(url, id, wish, connection, {
      reportArrived: (bytes) => this.#reportArrived(id, bytes),
      sourceFailed: () => this.sourceFailed(),
    });
    this.#connections.add(connection);
    connection.sessions.add(this);
    this.player.enter('SETUP');
    return answer;
  }

  /** Refuses URLs of another movie (454), of a track that was not set up (404) and of a single track among several (460). */
  checkAggregate(url: ControlUrl): void {
    if (url.isServer) return;
    this.#checkPath(url);
    this.#tracks.sendersOf(url);
    if (url.trackId !== undefined && this.#tracks.count > 1)
      throw new RtspError(
        'onlyAggregateAllowed',
        `expected the URL of the movie, without trackID=${url.trackId}`,
      );
  }

  /** What RTP-Info says of each track when playing starts at `startUs`. */
  rtpInfo(startUs: number): RtpInfo[] {
    return this.#tracks.rtpInfo(startUs);
  }

  /** What clients may ask of the session: of the track that the URL names, or of all. 404 when it was not set up. */
  parameters(url: ControlUrl): ParameterSource {
    if (!url.isServer) this.#checkPath(url);
    const { rtp } = this.player;
    return {
      positionUs: rtp?.shownUs ?? 0,
      durationUs: this.durationUs,
      scale: rtp?.scale ?? 1,
      speed: rtp?.speed ?? 1,
      quality: rtp?.quality ?? Quality.full,
      state: rtp?.isPlaying === true ? 'playing' : 'ready',
      bandwidthBps: this.player.bandwidthBps,
      senders: this.#tracks.sendersOf(url),
    };
  }

  /** There is room again on a connection. */
  roomAgain(): void {
    this.player.roomAgain();
  }

  /** The movie's file can't be read any more: the viewer gets a clean end. */
  sourceFailed(): void {
    this.player.rtp?.fail(new Error(`${this.#presentation.source.path}: was truncated while it played`));
  }

  /** A connection has gone. What was interleaved on it is over; what goes over UDP lives until it times out. */
  connectionClosed(connection: SessionConnection): void {
    this.#connections.delete(connection);
    if (this.#tracks.carriers.has(connection)) this.end('the client disconnected');
  }

  /** Tears down what the URL names: one track, or the session. Says whether the session lives on. 404 for a track it does not have. */
  tearDown(url: ControlUrl): boolean {
    const { trackId } = url;
    if (!url.isServer) this.#checkPath(url);
    const [sender] = this.#tracks.sendersOf(url);
    if (trackId === undefined || this.#tracks.count === 1) {
      this.player.enter('TEARDOWN');
      this.end('teardown');
      return false;
    }
    if (this.player.rtp === undefined) this.#tracks.drop(trackId);
    else {
      this.player.endTrack(sender!);
      this.#tracks.takeOut(trackId);
    }
    return true;
  }

  /** Ends the session in the next turn, for a reason that the log tells; nothing but BYE is sent any more. */
  end(reason: string): void {
    this.#stop(reason);
    this.signal(TaskEvent.kill);
  }

  run(events: number): number {
    if (events & TaskEvent.kill) return DELETE;
    if (this.#displacedUntilUs !== undefined) return this.#waitToEnd(this.#displacedUntilUs);
    if (events & TaskEvent.timeout) {
      if (!this.#isServedByTcp()) {
        this.#reason = 'it timed out';
        return DELETE;
      }
      this.refresh();
    }
    this.player.turn();
    return after((this.player.wakeUs - this.thread.nowUs) / US_PER_MS);
  }

  protected override onDeleted(): void {
    this.#timeout.cancel();
    this.#service.sessionEnded(this.id, this.client);
    for (const connection of this.#connections) connection.sessions.delete(this);
    const { rtp } = this.player;
    const counts = this.#tracks.counts();
    this.#tracks.end(rtp !== undefined);
    if (rtp === undefined) {
      this.#presentation.close();
      return;
    }
    rtp.signal(TaskEvent.kill); // it says BYE, then closes senders and movie
    this.#service.log.info(`${this.clientHost} stops ${this.#media.name}: ${this.#reason}`, counts);
  }

  #waitToEnd(untilUs: number): number {
    const { nowUs } = this.thread;
    return nowUs >= untilUs ? DELETE : after((untilUs - nowUs) / US_PER_MS);
  }

  #stop(reason: string): void {
    this.#reason = reason;
    this.#hasEnded = true;
    this.player.stop();
  }

  // A playing TCP viewer lives as long as his connection takes what is sent; the RTP session ends it when it stalls.
  #isServedByTcp(): boolean {
    return this.player.rtp?.isPlaying === true && this.#tracks.areInterleaved;
  }

  #stalled(reason: string): void {
    this.end(reason);
    for (const connection of this.#tracks.carriers) connection.signal(TaskEvent.kill);
  }

  #reportArrived(trackId: number, bytes: Uint8Array): void {
    const sender = this.#tracks.senderOf(trackId);
    if (sender?.reportArrived(bytes, unixNowUs()) !== true) return; // malformed, or of another session on this port
    this.refresh();
    this.player.rtp?.reportRead(sender);
  }

  #isOf({ segments }: ControlUrl): boolean {
    return segments.join('/') === this.path.join('/');
  }

  #checkPath(url: ControlUrl): void {
    if (!this.#isOf(url))
      throw new RtspError(
        'sessionNotFound',
        `the session is of ${this.#media.name}, the URL names something else`,
      );
  }
}
