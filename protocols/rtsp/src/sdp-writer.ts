/**
 * Writes the session description of a presentation, for DESCRIBE. Called by the RTSP module with what a media
 * index knows. Rule: no text from a file reaches the description without passing `oneLine`, so a title cannot
 * add lines.
 * Spec: RFC 4566 §5, §6; RFC 2326 C.1; RFC 3551 §3; RFC 6184 §8.2 and RFC 3640 §4.1 (fmtp, made by the
 * packetizers).
 */

import { isIP } from 'node:net';
import { formatNptTime } from './headers/npt-time';

/** Names the server in `a=tool`. */
export const SDP_TOOL = 'Finch';
/** Bounds the characters of a title that are written; the rest is cut. */
export const MAX_SDP_TITLE_CHARS = 256;

/** Describes one media section. */
export interface SdpTrack {
  /** Number in the control URL, 1..2^31-1. */
  readonly id: number;
  readonly kind: 'video' | 'audio';
  /** RTP payload type, 0..127; 96..127 are dynamic. */
  readonly payloadType: number;
  /** Encoding name of `a=rtpmap`, such as H264 or mpeg4-generic. */
  readonly encodingName: string;
  /** RTP clock rate in Hz, 1..2^32-1. */
  readonly clockRate: number;
  /** Audio only: channels, 1..255. */
  readonly channels?: number;
  /** Format parameters after the payload type in `a=fmtp`; empty: no such line. */
  readonly fmtp: string;
  /** Retransmissions that are offered (RFC 4588 §8.1): their payload type, and for how long a packet is sent again. */
  readonly retransmission?: { readonly payloadType: number; readonly timeMs: number };
  /** Whether the profile is RTP/AVPF, of which feedback at once is a part (RFC 4585 §4); RTP/AVP otherwise. */
  readonly hasFeedbackProfile?: boolean;
  /** Mean bit rate in bits per second, written in kbit/s rounded up (RFC 4566 §5.8); 0 when unknown. */
  readonly bitRateBps: number;
  /** Language tag, such as `eng`; `und`, or what is no tag, is not written. */
  readonly language: string;
  /**
   * Video only: picture size in pixels (`a=framesize`, 3GPP TS 26.234 §5.3.3.2); written when both are there.
   */
  readonly width?: number;
  readonly height?: number;
}

/** Holds what a description is written from. */
export interface SdpSession {
  /** Any text: control characters become spaces, an empty title becomes `-`. */
  readonly title: string;
  /**
   * The server's own address, IPv4 or IPv6, as a socket gives it (scope and IPv4-mapped forms are
   * simplified).
   */
  readonly originAddress: string;
  /** Decimal digits; the same for the same presentation. */
  readonly sessionId: string;
  /** Grows when the description changes, 0..2^53-1. */
  readonly sessionVersion: number;
  /** Length in microseconds; undefined when it has no known end. */
  readonly durationUs: number | undefined;
  /**
   * URL ending in `/` that makes all control URLs absolute, for descriptions that travel without a
   * Content-Base header (files, HTTP). Left out, they are `*` and `trackID=N` (RFC 2326 C.1.1).
   */
  readonly contentBase?: string;
  readonly tracks: readonly SdpTrack[];
}

/**
 * The part of sdp-transform's session object that is written here; `invalid` holds attributes it has no name
 * for.
 */
interface SdpSection {
  control: string;
  invalid: { value: string }[];
}
interface SdpMedia extends SdpSection {
  type: string;
  port: number;
  protocol: string;
  payloads: string;
  bandwidth?: { type: string; limit: number }[];
  rtp: { payload: number; codec: string; rate: number; encoding?: number }[];
  fmtp: { payload: number; config: string }[];
  rtcpFb?: { payload: number; type: string }[];
}
interface SdpDocument extends SdpSection {
  version: 0;
  origin: {
    username: string;
    sessionId: string;
    sessionVersion: number;
    netType: string;
    ipVer: 4 | 6;
    address: string;
  };
  name: string;
  connection: { version: 4 | 6; ip: string };
  timing: { start: 0; stop: 0 };
  media: SdpMedia[];
}

// The package has no types of its own: this is the one function used.
const sdpTransform: { write(session: SdpDocument): string } = require('sdp-transform');

const LANGUAGE_TAG = /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}$/;
const ENCODING_NAME = /^[\w\-.]+$/;
const CONTENT_BASE = /^[\x21-\x7e]*\/$/;

/**
 * Writes a session description: CRLF lines, the last one ended too; all ports 0, since SETUP agrees on them.
 * TypeError or RangeError naming the argument when a number, address or name is out of its range.
 */
export function writeSdp(session: SdpSession): string {
  const { sessionId, sessionVersion, contentBase = '', tracks } = session;
  if (!/^\d{1,20}$/.test(sessionId)) throw new TypeError(`sessionId must be 1..20 digits: ${sessionId}`);
  checkInteger('sessionVersion', sessionVersion, 0, Number.MAX_SAFE_INTEGER);
  if (contentBase !== '' && !CONTENT_BASE.test(contentBase))
    throw new TypeError(`contentBase must be visible ASCII and end in a slash: ${contentBase}`);
  const { ipVer, address } = originOf(session.originAddress);
  const range = rangeAttribute(session.durationUs);
  return sdpTransform.write({
    version: 0,
    origin: { username: '-', sessionId, sessionVersion, netType: 'IN', ipVer, address },
    name: titleOf(session.title),
    connection: { version: ipVer, ip: ipVer === 4 ? '0.0.0.0' : '::' },
    timing: { start: 0, stop: 0 },
    control: contentBase === '' ? '*' : contentBase,
    invalid: [{ value: `tool:${SDP_TOOL}` }, { value: range }],
    media: tracks.map((track) => mediaOf(track, contentBase, range)),
  });
}

function mediaOf(track: SdpTrack, contentBase: string, range: string): SdpMedia {
  const payload = checkInteger('payloadType', track.payloadType, 0, 127);
  const { encodingName, channels } = track;
  if (!ENCODING_NAME.test(encodingName)) throw new TypeError(`encodingName must be a name: ${encodingName}`);
  const rate = checkInteger('clockRate', track.clockRate, 1, 0xffff_ffff);
  const encoding = channels === undefined ? {} : { encoding: checkInteger('channels', channels, 1, 255) };
  const kbps = Math.ceil(
    checkInteger('bitRateBps', Math.ceil(track.bitRateBps), 0, Number.MAX_SAFE_INTEGER) / 1000,
  );
  const config = oneLine(track.fmtp);
  const again = retransmissionOf(track, payload, rate);
  return {
    type: track.kind,
    port: 0,
    protocol: track.hasFeedbackProfile === true ? 'RTP/AVPF' : 'RTP/AVP',
    payloads: [payload, ...again.rtp.map((rtp) => rtp.payload)].join(' '),
    ...(kbps > 0 && { bandwidth: [{ type: 'AS', limit: kbps }] }),
    rtp: [{ payload, codec: encodingName, rate, ...encoding }, ...again.rtp],
    fmtp: [...(config === '' ? [] : [{ payload, config }]), ...again.fmtp],
    ...(again.rtp.length > 0 && { rtcpFb: [{ payload, type: 'nack' }] }),
    control: `${contentBase}trackID=${checkInteger('id', track.id, 1, 0x7fff_ffff)}`,
    invalid: [...trackAttributes(track, payload), range].map((value) => ({ value })),
  };
}

function retransmissionOf(
  { retransmission }: SdpTrack,
  payload: number,
  rate: number,
): Pick<SdpMedia, 'rtp' | 'fmtp'> {
  if (retransmission === undefined) return { rtp: [], fmtp: [] };
  const again = checkInteger('retransmission.payloadType', retransmission.payloadType, 0, 127);
  const timeMs = checkInteger('retransmission.timeMs', retransmission.timeMs, 1, 0xffff);
  const config = `apt=${payload};rtx-time=${timeMs}`;
  return { rtp: [{ payload: again, codec: 'rtx', rate }], fmtp: [{ payload: again, config }] };
}

function trackAttributes({ language, width, height }: SdpTrack, payload: number): string[] {
  const attributes: string[] = [];
  if (language !== 'und' && LANGUAGE_TAG.test(language)) attributes.push(`lang:${language}`);
  if (width === undefined || height === undefined) return attributes;
  const size = `${checkInteger('width', width, 1, 0xffff)}-${checkInteger('height', height, 1, 0xffff)}`;
  return [...attributes, `framesize:${payload} ${size}`];
}

function rangeAttribute(durationUs: number | undefined): string {
  return `range:npt=0-${durationUs === undefined ? '' : formatNptTime(durationUs / 1e6)}`;
}

function originOf(originAddress: string): { ipVer: 4 | 6; address: string } {
  // A link-local address ends in %interface, which means nothing to another host.
  const address = originAddress.replace(/^::ffff:(?=[\d.]+$)/i, '').replace(/%.*$/s, '');
  const version = isIP(address);
  if (version !== 4 && version !== 6)
    throw new TypeError(`originAddress must be an IP address: ${originAddress}`);
  return { ipVer: version, address };
}

function titleOf(title: string): string {
  const line = oneLine(title.slice(0, MAX_SDP_TITLE_CHARS * 2));
  return [...line].slice(0, MAX_SDP_TITLE_CHARS).join('').trim() || '-';
}

/** Makes one line of any text: control characters and the line separators of Unicode become spaces. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function checkInteger(argument: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${argument} must be ${min}..${max}: ${value}`);
  return value;
}
