/**
 * What a player needs to know of one elementary stream before its first byte arrives.
 * Made by containers and live sources, read by protocols. Rule: immutable, plain data, so that it crosses threads.
 */

/** H.264 configuration out of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1). */
export interface H264Config {
  readonly codec: 'h264';
  /** Sequence parameter sets as NAL units without start code or length; at least one. */
  readonly sps: readonly Uint8Array[];
  /** Picture parameter sets, likewise; at least one. */
  readonly pps: readonly Uint8Array[];
  /** Bytes of the length in front of each NAL unit of a frame: 1, 2 or 4. */
  readonly nalLengthSizeBytes: 1 | 2 | 4;
}

/** AAC configuration out of an MPEG-4 elementary stream descriptor (ISO/IEC 14496-3 §1.6.2.1). */
export interface AacConfig {
  readonly codec: 'aac';
  /** The AudioSpecificConfig, as it goes into SDP. */
  readonly audioSpecificConfig: Uint8Array;
  /** 7350..96000, in Hz; also the RTP clock rate. */
  readonly sampleRateHz: number;
  /** 1..8. */
  readonly channels: number;
  /** PCM samples in an access unit: 1024 or 960. */
  readonly samplesPerFrame: number;
}

/** What a decoder must be told before the first frame, by codec. */
export type CodecConfig = H264Config | AacConfig;

/** One elementary stream of a presentation. */
export interface Track {
  /** Unique in its presentation; it is also the number in the control URL. 1..2^31-1. */
  readonly id: number;
  readonly kind: 'video' | 'audio';
  readonly config: CodecConfig;
  /** RTP clock rate in Hz: 90000 for video, the sampling rate for audio. */
  readonly clockRateHz: number;
  /** ISO 639-2 code, or "und". */
  readonly language: string;
  /** Mean bit rate of the elementary stream in bits per second; 0 when unknown. */
  readonly bitRateBps: number;
  /** Video only: picture size in pixels. */
  readonly width?: number;
  readonly height?: number;
}
