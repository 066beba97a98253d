/** DESCRIBE: the movie's tracks as SDP, or the one that the URL names (RFC 2326 §10.2, §12.23, appendix C). */
import { type CoroutineBody, isPending, type Presentation, settled } from '@finch/core';
import type { Feedback } from '../descriptions';
import { RtspError } from '../errors';
import { acceptsType } from '../headers/accept';
import { formatDate, isUnmodifiedSince } from '../headers/date';
import type { RtspExchange } from '../rtsp-exchange';
import type { Answer, RtspReply } from '../rtsp-reply';
import { checkTrack } from '../session-tracks';
import { CACHE_CONTROL, notModified } from './freshness';

const SDP_TYPE = 'application/sdp';
/**
 * Deviates: a description names one profile, and RFC 4585 §4 wants RTP/AVPF with a=rtcp-fb. VLC (live555) skips a section of
 * any profile but RTP/AVP; GStreamer asks for retransmission in RTP/AVPF alone, and is told so if the operator wants it. All
 * others get RTP/AVP with a=rtcp-fb, which who doesn't know it passes over.
 */
const FEEDBACK_PROFILE_CLIENTS = /^GStreamer\//;

/**
 * Opens the movie for as long as it takes to describe it. 304 when the client has its latest description already, 406 when he takes
 * no SDP, 404 for a track that the movie does not have, 404 and 415 by the module.
 */
export function describe(exchange: RtspExchange): Answer {
  if (!acceptsType(exchange.header('Accept'), SDP_TYPE))
    throw new RtspError('notAcceptable', `Accept: expected ${SDP_TYPE}`);
  const opening = exchange.service.host.roles.route(exchange.mediaRequest).describe();
  return isPending(opening) ? describeInTime(exchange, opening) : describeOpen(exchange, opening);
}

function* describeInTime(
  exchange: RtspExchange,
  opening: PromiseLike<Presentation>,
): CoroutineBody<RtspReply> {
  return describeOpen(exchange, yield* settled(opening, (late) => late.close()));
}

function describeOpen(exchange: RtspExchange, presentation: Presentation): RtspReply {
  const { connection, service, url } = exchange;
  try {
    const { modifiedMs } = presentation;
    if (url.trackId !== undefined) checkTrack(presentation, url.trackId);
    if (isUnmodifiedSince(exchange.header('If-Modified-Since'), modifiedMs)) return notModified(modifiedMs);
    const { host } = connection.tcp.localAddress;
    const body = service.descriptions.of(presentation, host, feedbackOf(exchange), url.trackId);
    const headers = {
      'Content-Base': `${url.aggregateUrl}/`,
      'Content-Type': SDP_TYPE,
      'Cache-Control': CACHE_CONTROL,
      'Last-Modified': formatDate(modifiedMs),
    };
    return { headers, body };
  } finally {
    presentation.close();
  }
}

function feedbackOf(exchange: RtspExchange): Feedback {
  const { retransmission } = exchange.service.settings;
  if (retransmission === 'off') return 'none';
  const isAsking = FEEDBACK_PROFILE_CLIENTS.test(exchange.header('User-Agent') ?? '');
  return retransmission === 'avpf' && isAsking ? 'AVPF' : 'AVP';
}
