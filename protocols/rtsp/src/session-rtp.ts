/**
 * The RTP session of one RTSP session, as its first PLAY makes it: how it is paced, and what the log hears of it. Called by the
 * session's player. Rule: what a client wishes for is heeded as far as his way allows. Spec: RFC 2326 §12.6. Thread: the session's.
 */
import type { Presentation, RoutedMedia } from '@finch/core';
import { type Pacing, Quality, RtpSession, withinRate, withoutAhead, withoutOverbuffer } from '@finch/rtp';
import { QUALITY_NAMES } from './parameters';
import type { SessionService } from './session-service';
import type { SessionTracks } from './session-tracks';

/** What is played, and for whom. */
export interface PlayedMovie {
  readonly service: SessionService;
  readonly media: RoutedMedia;
  readonly presentation: Presentation;
  readonly tracks: SessionTracks;
  readonly clientHost: string;
  /** The viewer can't keep up, for a reason of one line. */
  readonly stalled: (reason: string) => void;
}

/** What the client says of himself; see the session's player. */
export interface PlayerWishes {
  readonly bandwidthBps: number;
  readonly isRateDynamic: boolean | undefined;
  readonly isClockedByArrival: boolean;
}

/** Who is asked what follows an end, and hears of it. */
export interface RtpSessionEnds {
  /** Whether something is played behind the end of the movie. */
  goesOn(): boolean;
  /** A range has been played, or the movie. */
  over(): void;
  /** The movie can't be read any more. */
  failed(): void;
}

/** Makes it, and tells the log who plays what. */
export function makeRtpSession(movie: PlayedMovie, wishes: PlayerWishes, ends: RtpSessionEnds): RtpSession {
  const { service, media, presentation, tracks, clientHost, stalled } = movie;
  const { host, cname, log, slowViewer } = service;
  const rtp = new RtpSession(host.thread, {
    provider: media.send(presentation, tracks.places),
    senders: tracks.senders,
    durationUs: presentation.durationUs,
    pacing: pacingOf(movie, wishes),
    slowViewer,
    cname,
    events: {
      goesOn: () => ends.goesOn(),
      ended: () => ends.over(),
      rangeEnded: () => ends.over(),
      failed: (error) => {
        ends.failed();
        log.warn(`${clientHost} can't go on with ${media.name}: ${error.message}`);
      },
      stalled,
      latenessThins: (quality) => log.info(thinningText(movie, quality), tracks.thinnedCounts()),
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
  return rtp;
}

function thinningText({ clientHost, media }: PlayedMovie, quality: Quality): string {
  if (quality === Quality.full) return `${clientHost} keeps up with ${media.name} again`;
  return `${clientHost} can't keep up with ${media.name}: gets ${QUALITY_NAMES[quality]}`;
}

function pacingOf({ service, tracks }: PlayedMovie, wishes: PlayerWishes): Pacing {
  const { bandwidthBps, isRateDynamic, isClockedByArrival } = wishes;
  const pacing = tracks.areInterleaved ? service.pacings.reliable : service.pacings.lossy;
  if (isRateDynamic === false) return withoutAhead(pacing);
  const isFilled = isRateDynamic ?? !isClockedByArrival;
  return isFilled ? withinRate(pacing, bandwidthBps / tracks.bitRateBps) : withoutOverbuffer(pacing);
}
