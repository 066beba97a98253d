/** DESCRIBE: the movie's tracks as SDP (RFC 2326 §10.2, §12.23, appendix C). */
import { type CoroutineBody, type Presentation, settled } from '@finch/core';
import { payloadFormatOf, payloadTypeOf, RETRANSMISSION_TIME_US, retransmissionTypeOf } from '@finch/rtp';
import { RtspError } from '../errors';
import { acceptsType } from '../headers/accept';
import { formatDate, isUnmodifiedSince } from '../headers/date';
import type { RtspExchange } from '../rtsp-exchange';
import type { RtspReply } from '../rtsp-reply';
import { type SdpTrack, writeSdp } from '../sdp-writer';

const SDP_TYPE = 'application/sdp';
const NOT_MODIFIED = 304;
/**
 * Deviates: a description names one profile, and RFC 4585 §4 wants RTP/AVPF with a=rtcp-fb. VLC (live555) skips a section of
 * any profile but RTP/AVP; GStreamer asks for retransmission in RTP/AVPF alone, and is told so if the operator wants it. All
 * others get RTP/AVP with a=rtcp-fb, which who doesn't know it passes over.
 */
const FEEDBACK_PROFILE_CLIENTS = /^GStreamer\//;

/** What of RFC 4585 is offered: nothing, a=rtcp-fb alone, or the profile, too. */
type Feedback = 'none' | 'AVP' | 'AVPF';

/** Opens the movie for as long as it takes to describe it. 304 when the client has its latest description already, 406 when the client takes no SDP, 404 and 415 by the module. */
export function* describe(exchange: RtspExchange): CoroutineBody<RtspReply> {
  const { connection, service, url } = exchange;
  if (!acceptsType(exchange.header('Accept'), SDP_TYPE))
    throw new RtspError('notAcceptable', `Accept: expected ${SDP_TYPE}`);
  const media = service.host.roles.route(exchange.mediaRequest);
  const presentation = yield* settled(media.describe(), (late) => late.close());
  try {
    const dates = {
      'Cache-Control': 'must-revalidate',
      'Last-Modified': formatDate(presentation.modifiedMs),
    };
    if (isUnmodifiedSince(exchange.header('If-Modified-Since'), presentation.modifiedMs))
      return { status: NOT_MODIFIED, headers: dates };
    const sdp = writeSdp({
      title: presentation.name,
      originAddress: connection.tcp.localAddress.host,
      sessionId: String(Math.floor(presentation.modifiedMs)),
      sessionVersion: Math.floor(presentation.modifiedMs),
      durationUs: presentation.durationUs,
      tracks: sdpTracks(presentation, feedbackOf(exchange)),
    });
    const headers = {
      'Content-Base': `${url.aggregateUrl}/`,
      'Content-Type': SDP_TYPE,
      ...dates,
    };
    return { headers, body: Buffer.from(sdp) };
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

function sdpTracks(presentation: Presentation, feedback: Feedback): SdpTrack[] {
  return presentation.tracks.map(({ track }, place) => {
    const { encodingName, clockRateHz, channels, fmtp } = payloadFormatOf(track);
    return {
      id: track.id,
      kind: track.kind,
      payloadType: payloadTypeOf(place),
      encodingName,
      clockRate: clockRateHz,
      ...(channels === undefined ? {} : { channels }),
      fmtp,
      ...(feedback === 'none' ? {} : retransmissionOf(place)),
      hasFeedbackProfile: feedback === 'AVPF',
      bitRateBps: track.bitRateBps,
      language: track.language,
      ...(track.width === undefined || track.height === undefined
        ? {}
        : { width: track.width, height: track.height }),
    };
  });
}

function retransmissionOf(place: number): Pick<SdpTrack, 'retransmission'> {
  const payloadType = retransmissionTypeOf(place);
  return payloadType === 0 ? {} : { retransmission: { payloadType, timeMs: RETRANSMISSION_TIME_US / 1000 } };
}
