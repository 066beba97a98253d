/**
 * What those who answer requests use of the connection that a request came on: methods, error answers, HTTP. The RTSP
 * connection implements it and calls them. Rule: they know this and not the connection.
 */
import type { Refusal } from '@finch/core';
import type { RtspService } from './rtsp-service';
import type { SessionConnection } from './session-connection';

/** A connection, as the answers to its requests see it. */
export interface ClientConnection extends SessionConnection {
  /** The service of its thread. */
  readonly service: RtspService;
  /** Whether it is RTSPS: nothing of it may travel in clear. */
  readonly isEncrypted: boolean;
  /** Whether it is a WebSocket, whose client may be a web page: it gets nothing but what goes through it. */
  readonly isWebSocket: boolean;
  /** Why it is one too many: it hears so and no more. */
  readonly refusal: Refusal | undefined;
}
