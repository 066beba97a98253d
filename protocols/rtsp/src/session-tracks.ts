/**
 * The tracks of one session: set up, asked about, torn down. Used by the session. Rule: a track is one of the presentation's,
 * is there once, and gives back its ports or channels when it goes. Spec: RFC 2326 §10.4, §10.7, §12.33.
 */
import type { Presentation, SocketAddress } from '@finch/core';
import { type RtpSender, type RtpTransportEvents, THINNING_CAUSES } from '@finch/rtp';
import type { ControlUrl } from './control-url';
import { RtspError } from './errors';
import type { RtpInfo } from './headers/rtp-info';
import type { Transport } from './headers/transport';
import type { SessionConnection } from './session-connection';
import type { SessionService } from './session-service';
import { type BoundAnswer, bindFirst, makeSender, type SessionTrack } from './session-track';
import type { DestinationOwner } from './udp-destinations';

/** How one track is to be sent. */
export interface TrackWish {
  /** What the client offers and the server serves, best first; at least one. */
  readonly transports: readonly Transport[];
  /** The largest payload of a packet. */
  readonly maxPayloadBytes: number;
}

/** RtspError 404 for a track that a movie does not have. */
export function checkTrack({ tracks, name }: Presentation, trackId: number): void {
  if (!tracks.some(({ track }) => track.id === trackId))
    throw new RtspError('notFound', `${name} has no track ${trackId}`);
}

/** Tracks in the order in which they were set up; see the head of this file. */
export class SessionTracks {
  readonly #service: SessionService;
  readonly #presentation: Presentation;
  readonly #owner: DestinationOwner;
  readonly #tracks: SessionTrack[] = [];

  /** `owner` is the session: it is told when ports of theirs have become another's. */
  constructor(service: SessionService, presentation: Presentation, owner: DestinationOwner) {
    this.#service = service;
    this.#presentation = presentation;
    this.#owner = owner;
  }

  get count(): number {
    return this.#tracks.length;
  }

  get senders(): RtpSender[] {
    return this.#tracks.map(({ sender }) => sender);
  }

  /** Their places in the presentation. */
  get places(): number[] {
    return this.#tracks.map(({ place }) => place);
  }

  get areInterleaved(): boolean {
    return this.#tracks.every(({ interleavedOn }) => interleavedOn !== undefined);
  }

  /** Connections that carry tracks. */
  get carriers(): ReadonlySet<SessionConnection> {
    const carriers = new Set<SessionConnection>();
    for (const { interleavedOn } of this.#tracks)
      if (interleavedOn !== undefined) carriers.add(interleavedOn);
    return carriers;
  }

  /** Bits per second of all of them together; 0 when unknown. */
  get bitRateBps(): number {
    const { tracks } = this.#presentation;
    return this.#tracks.reduce((sum, { place }) => sum + tracks[place]!.track.bitRateBps, 0);
  }

  /** The id of the track that SETUP names. 459 for the whole movie, 404 for one that it does not have. */
  idOf({ trackId }: ControlUrl): number {
    const { tracks } = this.#presentation;
    if (trackId === undefined && tracks.length > 1)
      throw new RtspError(
        'aggregateNotAllowed',
        'SETUP: expected the URL of one track, ending in /trackID=N',
      );
    const id = trackId ?? tracks[0]!.track.id;
    checkTrack(this.#presentation, id);
    return id;
  }

  /** Sets up track `id`, anew if it was set up before; returns what the answer's Transport says. What fails changes nothing. */
  setUp(
    url: ControlUrl,
    id: number,
    { transports, maxPayloadBytes }: TrackWish,
    connection: SessionConnection,
    events: RtpTransportEvents,
  ): Transport {
    const place = this.#presentation.tracks.findIndex(({ track }) => track.id === id);
    const old = this.#tracks.find(({ trackId }) => trackId === id);
    const bound = bindFirst(this.#service, transports, connection, events, old);
    const sender = makeSender(this.#service, this.#presentation, place, bound.transport, maxPayloadBytes);
    const { chosen, answer } = bound;
    sender.moveTo(0); // most viewers begin at the beginning: its plan is made while they send PLAY
    this.drop(id); // now that nothing can fail any more
    this.#tracks.push({
      trackId: id,
      url: url.trackId === undefined ? url.aggregateUrl : `${url.aggregateUrl}/trackID=${id}`,
      place,
      sender,
      interleavedOn: chosen.lowerTransport === 'TCP' ? connection : undefined,
      channels: 'interleaved' in answer ? answer.interleaved : undefined,
      destinations: bound.destinations,
      isDisplaced: false,
      release: bound.release,
    });
    this.#service.udpDestinations.take(bound.destinations, this.#owner, connection);
    return served(chosen, answer, sender.ssrc);
  }

  /** The sender of a track, if it was set up. */
  senderOf(trackId: number): RtpSender | undefined {
    return this.#tracks.find((track) => track.trackId === trackId)?.sender;
  }

  /** The senders that a URL speaks of: of one track, or of all. 404 when that one was not set up. */
  sendersOf({ trackId }: ControlUrl): RtpSender[] {
    if (trackId === undefined) return this.senders;
    const sender = this.senderOf(trackId);
    if (sender === undefined) throw new RtspError('notFound', `track ${trackId} was not set up`);
    return [sender];
  }

  /** What RTP-Info says of each track when playing starts at `startUs`. */
  rtpInfo(startUs: number): RtpInfo[] {
    return this.#tracks.map(({ url, sender }) => ({
      url,
      sequenceNumber: sender.nextSequence,
      rtpTicks: sender.timestampOf(startUs),
    }));
  }

  /** Whether all have lost their ports. */
  get areDisplaced(): boolean {
    return this.#tracks.every(({ isDisplaced }) => isDisplaced);
  }

  // A BYE for the sources of old ends a new player's movie as well (FFmpeg's does not ask of whom it is).
  /** Ends the ways of those who send to one of these addresses, without BYE. */
  lose(taken: readonly SocketAddress[]): void {
    const keys = new Set(taken.map(({ key }) => key));
    for (const track of this.#tracks) {
      if (!track.destinations.some(({ key }) => keys.has(key))) continue;
      track.isDisplaced = true;
      track.sender.leaveTransport();
    }
  }

  /** Takes a track out, with its ports or channels, and leaves its sender to the RTP session that uses it. */
  takeOut(trackId: number): void {
    const at = this.#tracks.findIndex((track) => track.trackId === trackId);
    const [track] = at < 0 ? [] : this.#tracks.splice(at, 1);
    if (track === undefined) return;
    track.release();
    for (const address of track.destinations)
      if (!this.#sendsTo(address)) this.#service.udpDestinations.leave(address, this.#owner);
  }

  /** Takes a track out that has not been played, with its sender. */
  drop(trackId: number): void {
    this.senderOf(trackId)?.close();
    this.takeOut(trackId);
  }

  /** Ends them all; their senders too, unless an RTP session has them. */
  end(areSendersTaken: boolean): void {
    for (const { trackId } of [...this.#tracks])
      if (areSendersTaken) this.takeOut(trackId);
      else this.drop(trackId);
  }

  #sendsTo({ key }: SocketAddress): boolean {
    return this.#tracks.some(({ destinations }) => destinations.some((address) => address.key === key));
  }

  /** What they sent, for the log. */
  counts(): Record<string, number> {
    let [packets, rejected, lost, nacked, retransmitted] = [0, 0, 0, 0, 0];
    for (const { sender } of this.#tracks) {
      packets += sender.packetCount;
      rejected += sender.rejectedReports;
      lost += sender.cumulativeLost;
      nacked += sender.nackedPackets;
      retransmitted += sender.retransmittedPackets;
    }
    const counts: Record<string, number> = { packets };
    count(counts, 'rejectedReports', rejected);
    count(counts, 'lost', lost);
    count(counts, 'nacked', nacked);
    count(counts, 'retransmitted', retransmitted);
    return this.#countThinned(counts);
  }

  /** What their viewer went without, by cause, for the log. */
  thinnedCounts(): Record<string, number> {
    return this.#countThinned({});
  }

  #countThinned(counts: Record<string, number>): Record<string, number> {
    for (const { sender } of this.#tracks)
      for (const cause of THINNING_CAUSES) count(counts, `thinned.${cause}`, sender.thinned[cause]);
    return counts;
  }
}

/** Adds to a count, where there is something to tell. */
function count(counts: Record<string, number>, name: string, more: number): void {
  if (more > 0) counts[name] = (counts[name] ?? 0) + more;
}

const PLAY_ONLY: readonly string[] = ['PLAY'];

// What the client proposed and the server has not taken up does not belong into the answer; of its modes, PLAY is served.
function served(chosen: Transport, answer: BoundAnswer, ssrc: number): Transport {
  const { profile, lowerTransport, delivery } = chosen;
  const modes = chosen.modes.length === 0 ? chosen.modes : PLAY_ONLY;
  if ('interleaved' in answer) {
    const { interleaved } = answer;
    return { profile, lowerTransport, delivery, modes, interleaved, ssrc, append: false };
  }
  const { clientPort, serverPort, source } = answer;
  return { profile, lowerTransport, delivery, modes, clientPort, serverPort, source, ssrc, append: false };
}
