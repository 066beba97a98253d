/**
 * What a session and the connection that its tracks were set up on know of each other. Implemented by the RTSP connection and
 * the RTSP session. Rule: either may end first, and tells the other; neither imports the other.
 */
import type { SocketAddress, StreamConnection } from '@finch/core';
import type { InterleavedChannels } from './interleaved-channels';

/** A connection, as its sessions see it: where their client is, and what carries interleaved tracks. */
export interface SessionConnection {
  /** The address on the client's side. */
  readonly peer: SocketAddress;
  readonly tcp: StreamConnection;
  readonly channels: InterleavedChannels;
  /** Sessions that were set up here and not yet ended; they enter and leave by themselves. */
  readonly sessions: Set<ConnectedSession>;
  /** Raises TaskEvent bits in the connection's task; kill closes it. */
  signal(events: number): void;
}

/** A session, as a connection sees it that tracks of it were set up on. */
export interface ConnectedSession {
  /** Notes a sign of life. Hot path: one store. */
  refresh(): void;
  /** There is room again on a connection. */
  roomAgain(): void;
  /** The movie's file can't be read any more: the viewer gets a clean end. */
  sourceFailed(): void;
  /** A connection has gone. */
  connectionClosed(connection: SessionConnection): void;
}
