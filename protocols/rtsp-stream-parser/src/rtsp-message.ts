/**
 * The three things that travel on an RTSP connection. Made by the parser, read by its owner.
 * Rule: texts and headers belong to the message; bytes may be views into the fed chunk. Spec: RFC 2326 §6, §7, §10.12.
 */
import type { RtspHeaders } from './rtsp-headers';

/**
 * Holds one request. HTTP request lines are requests too, with version `HTTP/d.d` (RTSP tunnelled over HTTP); what follows
 * their head is not read as a body, but left to `takeRest`.
 * Owner: `body` is a view into the fed chunk if it arrived in one piece, valid until that chunk is reused or the
 * next feed; copy it to keep it.
 */
export interface RtspRequest {
  readonly kind: 'request';
  /** Case-sensitive token, such as `DESCRIBE`. */
  readonly method: string;
  /** As sent: an absolute URL, `*`, or a path in HTTP; never empty; may hold inner spaces, is not decoded. */
  readonly url: string;
  /** `RTSP/d.d` or `HTTP/d.d`. */
  readonly version: string;
  readonly headers: RtspHeaders;
  /** Empty without Content-Length, and always with version `HTTP/d.d`. */
  readonly body: Uint8Array;
}

/** Holds one response; the body has the owner that {@link RtspRequest} tells of. */
export interface RtspResponse {
  readonly kind: 'response';
  /** `RTSP/d.d` or `HTTP/d.d`. */
  readonly version: string;
  /** 100..999. */
  readonly statusCode: number;
  /** May be empty. */
  readonly reasonPhrase: string;
  readonly headers: RtspHeaders;
  /** Empty without Content-Length, and always for 1xx, 204 and 304 (RFC 2326 §4.4). */
  readonly body: Uint8Array;
}

/** Holds one interleaved RTP or RTCP packet; the payload has the owner that {@link RtspRequest} tells of for bodies. */
export interface InterleavedFrame {
  readonly kind: 'frame';
  /** 0..255, as agreed in the Transport header. */
  readonly channel: number;
  /** 0..65535 bytes. */
  readonly payload: Uint8Array;
}

/** Is what one read returns. */
export type RtspMessage = RtspRequest | RtspResponse | InterleavedFrame;
