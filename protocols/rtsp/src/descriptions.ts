/**
 * The descriptions of the movies that are open on a task thread. Asked by DESCRIBE. Rule: one is written once for all viewers
 * whom it tells the same, and forgotten with its presentation. Spec: RFC 2326 §10.2, appendix C.
 */
import type { Presentation } from '@finch/core';
import { payloadFormatOf, payloadTypeOf, RETRANSMISSION_TIME_US, retransmissionTypeOf } from '@finch/rtp';
import { type SdpTrack, writeSdp } from './sdp-writer';

/** Descriptions kept of one presentation: one an address of this machine, kind of feedback and part of the movie. */
const MAX_KEPT = 64;

/** What of RFC 4585 is offered: nothing, a=rtcp-fb alone, or the profile, too. */
export type Feedback = 'none' | 'AVP' | 'AVPF';

/** Descriptions by presentation; see the head of this file. */
export class Descriptions {
  readonly #kept = new WeakMap<Presentation, Map<string, Uint8Array>>();

  /** The SDP of a presentation, or of one track of it, as a client hears it at our `originAddress`; nobody may write into it. */
  of(presentation: Presentation, originAddress: string, feedback: Feedback, trackId?: number): Uint8Array {
    const kept = this.#keptOf(presentation);
    const key = `${feedback} ${trackId ?? 'all'} ${originAddress}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const written = write(presentation, originAddress, feedback, trackId);
    if (kept.size < MAX_KEPT) kept.set(key, written);
    return written;
  }

  #keptOf(presentation: Presentation): Map<string, Uint8Array> {
    let kept = this.#kept.get(presentation);
    if (kept === undefined) {
      kept = new Map();
      this.#kept.set(presentation, kept);
    }
    return kept;
  }
}

function write(
  presentation: Presentation,
  originAddress: string,
  feedback: Feedback,
  trackId: number | undefined,
): Uint8Array {
  const version = Math.floor(presentation.modifiedMs);
  const sdp = writeSdp({
    title: presentation.name,
    originAddress,
    sessionId: String(version),
    sessionVersion: version,
    durationUs: presentation.durationUs,
    tracks: sdpTracks(presentation, feedback).filter(({ id }) => trackId === undefined || id === trackId),
  });
  return Buffer.from(sdp);
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
