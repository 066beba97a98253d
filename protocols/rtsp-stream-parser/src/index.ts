/** The public API of the package: parser, writer, headers, limits and errors of RTSP 1.0 connections (RFC 2326). */
export {
  INTERLEAVED_HEADER_BYTES,
  type RtspRequestInit,
  type RtspResponseInit,
  writeInterleavedHeader,
  writeRequest,
  writeResponse,
} from './message-writer';
export { DEFAULT_LIMITS, MAX_FRAME_BYTES, type ParserLimits } from './parser-limits';
export { REASON_PHRASES, reasonPhraseOf } from './reason-phrase';
export { RtspHeaders, type RtspHeadersInit } from './rtsp-headers';
export type { InterleavedFrame, RtspMessage, RtspRequest, RtspResponse } from './rtsp-message';
export { PARSE_ERRORS, type ParseErrorCode, type ParseErrorRow, RtspParseError } from './rtsp-parse-error';
export { RtspStreamParser } from './rtsp-stream-parser';
export { TunnelDecoder } from './tunnel-decoder';
