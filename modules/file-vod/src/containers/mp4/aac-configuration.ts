/**
 * The configuration of an AAC track, out of its elementary stream descriptor. Called by sample-description.
 * Rule: the AudioSpecificConfig decides; what the sample entry says of rate and channels is hearsay.
 * Spec: ISO/IEC 14496-1 §7.2.6 (descriptors), ISO/IEC 14496-3 §1.6.2.1 (AudioSpecificConfig), §4.4.1 (GASpecificConfig).
 * ```
 *   descriptor:           | tag 8 | length: 1..4 bytes of 1 + 7 bits | body |       ES (3) > DecoderConfig (4) > Info (5)
 *   AudioSpecificConfig:  | objectType 5 | rateIndex 4 [15: rate 24] | channels 4 |
 *                         [objectType 5 or 29: extension rate 4 [24], objectType 5] | frameLengthFlag 1 | ...
 * ```
 */

import { MediaError } from '@finch/core/stream/media-error';
import type { AacConfig } from '@finch/core/stream/track';
import type { Box } from './box-reader';

const ES_TAG = 3;
const DECODER_CONFIG_TAG = 4;
const DECODER_SPECIFIC_INFO_TAG = 5;
const MAX_LENGTH_BYTES = 4;
/** objectTypeIndication: MPEG-4 audio, and MPEG-2 AAC Main, LC and SSR, which carry the same configuration. */
const AAC_INDICATIONS: readonly number[] = [0x40, 0x66, 0x67, 0x68];
const AAC_LC = 2;
const SBR = 5;
const PARAMETRIC_STEREO = 29;
const ESCAPED_TYPE = 31;
const ESCAPED_RATE = 15;
const RATES_HZ: readonly number[] = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];
/** Channels by channelConfiguration; 0 = told by a program config element. */
const CHANNELS: readonly (number | undefined)[] = [0, 1, 2, 3, 4, 5, 6, 8, undefined];
const MIN_RATE_HZ = 7350;
const MAX_RATE_HZ = 96000;
const MAX_CHANNELS = 8;
/** An AudioSpecificConfig with a program config element is under 300 bytes. */
const MAX_CONFIG_BYTES = 1024;

/** Reads an esds box. `entryChannels` counts only where the configuration leaves it open. MediaError. */
export function readAacConfiguration(esds: Box, entryChannels: number): AacConfig {
  return parseAudioSpecificConfig(readDecoderSpecificInfo(esds), entryChannels);
}

/** Reads what RTP and SDP need of an AudioSpecificConfig: AAC-LC, and HE-AAC by its LC core. MediaError. */
export function parseAudioSpecificConfig(config: Uint8Array, entryChannels: number): AacConfig {
  const bits = new ConfigBits(config);
  let type = objectType(bits);
  const sampleRateHz = sampleRate(bits);
  const channelConfiguration = bits.take(4);
  const isStereoOfMono = type === PARAMETRIC_STEREO;
  if (type === SBR || type === PARAMETRIC_STEREO) {
    sampleRate(bits);
    type = objectType(bits);
  }
  if (type !== AAC_LC)
    throw new MediaError('unsupported', `AAC of object type ${type} is not supported yet, only LC and HE`);
  const channels = isStereoOfMono ? 2 : CHANNELS[channelConfiguration] || entryChannels;
  if (CHANNELS[channelConfiguration] === undefined || channels < 1 || channels > MAX_CHANNELS)
    throw new MediaError('broken', `AAC channel configuration ${channelConfiguration}, expected 0..7`);
  const samplesPerFrame = bits.take(1) === 1 ? 960 : 1024;
  return { codec: 'aac', audioSpecificConfig: config, sampleRateHz, channels, samplesPerFrame };
}

function objectType(bits: ConfigBits): number {
  const type = bits.take(5);
  return type === ESCAPED_TYPE ? 32 + bits.take(6) : type;
}

/** The rate of the LC core: an access unit is 1024 samples of it, whatever SBR makes of them. */
function sampleRate(bits: ConfigBits): number {
  const index = bits.take(4);
  const rateHz = index === ESCAPED_RATE ? bits.take(24) : RATES_HZ[index];
  if (rateHz === undefined || rateHz < MIN_RATE_HZ || rateHz > MAX_RATE_HZ)
    throw new MediaError(
      'broken',
      `AAC sampling rate ${rateHz ?? `index ${index}`}, expected 7350..96000 Hz`,
    );
  return rateHz;
}

/** Walks ES > DecoderConfig > Info; gives a copy, because the track outlives the moov. */
function readDecoderSpecificInfo(esds: Box): Uint8Array {
  const stream = descriptor(esds, 4, esds.sizeBytes, ES_TAG);
  const flags = esds.u8(stream.at + 2);
  let at = stream.at + 3;
  if (flags & 0x80) at += 2;
  if (flags & 0x40) at += 1 + esds.u8(at);
  if (flags & 0x20) at += 2;
  const decoder = descriptor(esds, at, stream.end, DECODER_CONFIG_TAG);
  const indication = esds.u8(decoder.at);
  if (!AAC_INDICATIONS.includes(indication))
    throw new MediaError(
      'unsupported',
      `codec mp4a with object type 0x${indication.toString(16)} is not supported yet`,
    );
  const info = descriptor(esds, decoder.at + 13, decoder.end, DECODER_SPECIFIC_INFO_TAG);
  if (info.end - info.at > MAX_CONFIG_BYTES)
    throw new MediaError(
      'broken',
      `AAC configuration of ${info.end - info.at} bytes, at most ${MAX_CONFIG_BYTES}`,
    );
  return esds.bytes(info.at, info.end - info.at).slice();
}

/** The body of the first descriptor of that tag between `from` and `end`. */
function descriptor(esds: Box, from: number, end: number, tag: number): { at: number; end: number } {
  let at = from;
  while (at < end) {
    const found = esds.u8(at++);
    let length = 0;
    for (let i = 0; i < MAX_LENGTH_BYTES; i++) {
      const byte = esds.u8(at++);
      length = (length << 7) | (byte & 0x7f);
      if ((byte & 0x80) === 0) break;
    }
    if (length > end - at)
      throw new MediaError(
        'broken',
        `esds descriptor ${found} is ${length} bytes, expected ${end - at} at most`,
      );
    if (found === tag) return { at, end: at + length };
    at += length;
  }
  throw new MediaError('broken', `esds has no descriptor ${tag}`);
}

/** Takes bits from the front of a configuration. */
class ConfigBits {
  #at = 0;
  readonly #config: Uint8Array;

  constructor(config: Uint8Array) {
    this.#config = config;
  }

  take(count: number): number {
    if (this.#at + count > this.#config.length * 8)
      throw new MediaError('broken', `AAC configuration ends after ${this.#config.length} bytes`);
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++)
      value = value * 2 + ((this.#config[this.#at >> 3]! >> (7 - (this.#at & 7))) & 1);
    return value;
  }
}
