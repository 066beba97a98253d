/**
 * How a track is named in SDP: encoding name, clock rate and format parameters. Called by SDP writers. Rule:
 * the parameters are those of the track itself, never a guess, as players configure their decoders from them.
 * Specs: RFC 6184 §8.1, RFC 3640 §3.3.6 and §4.1, RFC 3551 §3 (dynamic payload types).
 */
import { MediaError } from '@finch/core/stream/media-error';
import type { AacConfig, H264Config, Track } from '@finch/core/stream/track';
import type { ConfigByCodec } from './packetizers/packetizer';

/** The first dynamic payload type (RFC 3551 §6). */
export const FIRST_DYNAMIC_PAYLOAD_TYPE = 96;
/** The last dynamic payload type. */
export const LAST_DYNAMIC_PAYLOAD_TYPE = 127;

/** What goes into `a=rtpmap` and `a=fmtp` behind the payload type. */
export interface PayloadFormat {
  readonly encodingName: string;
  readonly clockRateHz: number;
  /** Audio only. */
  readonly channels?: number;
  /** The value of `a=fmtp`, without the payload type. */
  readonly fmtp: string;
}

const SPS_PROFILE_START = 1;
const SPS_PROFILE_END = 4;

type FormatTable = {
  readonly [Codec in keyof ConfigByCodec]: (
    config: ConfigByCodec[Codec],
    clockRateHz: number,
  ) => PayloadFormat;
};

const FORMATS: FormatTable = { h264: h264Format, aac: aacFormat };

/** Describes a track for SDP. MediaError `unsupported` when its configuration holds too little to do so. */
export function payloadFormatOf(track: Track): PayloadFormat {
  return formatOf(track.config.codec, track.config, track.clockRateHz);
}

/** Generic over the codec, so that the table's function is known to take this very configuration. */
function formatOf<Codec extends keyof ConfigByCodec>(
  codec: Codec,
  config: ConfigByCodec[Codec],
  clockRateHz: number,
): PayloadFormat {
  return FORMATS[codec](config, clockRateHz);
}

/** The payload type of the track at `trackIndex`, 0..31, in its presentation: 96..127. RangeError beyond. */
export function payloadTypeOf(trackIndex: number): number {
  const most = LAST_DYNAMIC_PAYLOAD_TYPE - FIRST_DYNAMIC_PAYLOAD_TYPE;
  if (!Number.isInteger(trackIndex) || trackIndex < 0 || trackIndex > most)
    throw new RangeError(`trackIndex must be 0..${most}: ${trackIndex}`);
  return FIRST_DYNAMIC_PAYLOAD_TYPE + trackIndex;
}

/**
 * The payload type of the retransmissions of the track at `trackIndex` (RFC 4588 §8.1): counted down from 127. 0 for the
 * tracks that have none, because the types are used up.
 */
export function retransmissionTypeOf(trackIndex: number): number {
  const type = LAST_DYNAMIC_PAYLOAD_TYPE - trackIndex;
  return type > payloadTypeOf(trackIndex) ? type : 0;
}

/** profile-level-id is the three bytes behind the header of the SPS (RFC 6184 §8.1). */
function h264Format(config: H264Config, clockRateHz: number): PayloadFormat {
  const sps = config.sps[0];
  if (sps === undefined || sps.length < SPS_PROFILE_END || config.pps.length === 0)
    throw new MediaError(
      'unsupported',
      'H.264 track without usable parameter sets, expected an SPS and a PPS',
    );
  const profileLevelId = Buffer.from(sps.subarray(SPS_PROFILE_START, SPS_PROFILE_END))
    .toString('hex')
    .toUpperCase();
  const sets = [...config.sps, ...config.pps].map((set) => Buffer.from(set).toString('base64')).join(',');
  return {
    encodingName: 'H264',
    clockRateHz,
    fmtp: `packetization-mode=1;profile-level-id=${profileLevelId};sprop-parameter-sets=${sets}`,
  };
}

function aacFormat(config: AacConfig, clockRateHz: number): PayloadFormat {
  if (config.audioSpecificConfig.length === 0)
    throw new MediaError('unsupported', 'AAC track without AudioSpecificConfig');
  const configHex = Buffer.from(config.audioSpecificConfig).toString('hex').toUpperCase();
  const mode = 'streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3';
  return {
    encodingName: 'mpeg4-generic',
    clockRateHz,
    channels: config.channels,
    fmtp: `${mode};config=${configHex}`,
  };
}
