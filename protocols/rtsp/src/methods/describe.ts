/** DESCRIBE: the movie's tracks as SDP (RFC 2326 §10.2, appendix C). */
import { type CoroutineBody, type Presentation, settled } from '@finch/core';
import { payloadFormatOf, payloadTypeOf } from '@finch/rtp';
import { RtspError } from '../errors';
import { acceptsType } from '../headers/accept';
import { formatDate } from '../headers/date';
import type { RtspExchange, RtspReply } from '../rtsp-exchange';
import { type SdpTrack, writeSdp } from '../sdp-writer';

const SDP_TYPE = 'application/sdp';

/** Opens the movie for as long as it takes to describe it. 406 when the client takes no SDP, 404 and 415 by the module. */
export function* describe(exchange: RtspExchange): CoroutineBody<RtspReply> {
  const { connection, service, url } = exchange;
  if (!acceptsType(exchange.header('Accept'), SDP_TYPE))
    throw new RtspError('notAcceptable', `Accept: expected ${SDP_TYPE}`);
  const media = service.host.roles.route({ path: url.segments, clientHost: connection.peer.host });
  const presentation = yield* settled(media.describe(), (late) => late.close());
  try {
    const sdp = writeSdp({
      title: presentation.name,
      originAddress: connection.tcp.localAddress.host,
      sessionId: String(Math.floor(presentation.modifiedMs)),
      sessionVersion: Math.floor(presentation.modifiedMs),
      durationUs: presentation.durationUs,
      tracks: sdpTracks(presentation),
    });
    const headers = {
      'Content-Base': `${url.aggregateUrl}/`,
      'Content-Type': SDP_TYPE,
      'Cache-Control': 'must-revalidate',
      'Last-Modified': formatDate(presentation.modifiedMs),
    };
    return { headers, body: Buffer.from(sdp) };
  } finally {
    presentation.close();
  }
}

function sdpTracks(presentation: Presentation): SdpTrack[] {
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
      bitRateBps: track.bitRateBps,
      language: track.language,
      ...(track.width === undefined || track.height === undefined
        ? {}
        : { width: track.width, height: track.height }),
    };
  });
}
