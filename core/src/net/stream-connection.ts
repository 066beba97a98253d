/**
 * What a protocol sees of a connection, be it plain TCP (tcp-connection.ts), TLS (tls-connection.ts) or what a protocol puts on
 * top of these. Used by connection tasks and interleaved transports. Rule: nothing here waits; what can't be done now is heard of
 * by way of the task's events. Thread: the owner's.
 */
import type { Armable } from '../reactor/events';
import type { PacketRun } from './packet-row';
import type { SocketAddress } from './socket-address';

/** Who hears what becomes of a connection. All calls come on the connection's thread, none after close(). */
export interface StreamConnectionEvents {
  /** All that waited has been taken: there is room again. */
  drained(): void;
  /** The stream is broken (-errno): nothing more can be sent. Read what is left or close. */
  broken(code: number): void;
  /**
   * Accounts for `sizeBytes` of memory that wait for room, in place of the last time's; false when there is no memory for them: the
   * stream is broken then (-ENOBUFS). Who has no budget leaves it out.
   */
  holdQueued?(sizeBytes: number): boolean;
}

/** An accepted connection; see the head of this file. */
export interface StreamConnection {
  /** Signals the owner's task `read` when there may be something to receive. */
  readonly context: Armable;
  /** The address on this side. */
  readonly localAddress: SocketAddress;
  readonly isOpen: boolean;
  /** Whether bytes wait for room: a sender with a choice waits for drained(). */
  readonly isFull: boolean;
  /** Reads what is there: bytes, 0 at the end of the stream, -EAGAIN when there is nothing now, another -errno when broken. */
  receive(into: Uint8Array): number;
  /** As receive(), of what nobody will read before close(): whatever stands on top of the connection does not look at it. */
  drain(into: Uint8Array): number;
  /** Sends bytes with what else leaves in this turn; they are copied. Bytes for a broken connection are dropped. */
  send(bytes: Uint8Array): void;
  /** Sends bytes like send(), and does not wait for the end of the turn where that can be: for answers. */
  sendNow(bytes: Uint8Array): void;
  /** Sends a run of packets on an interleaved channel. */
  sendRun(run: PacketRun, channel: number): void;
  /** Takes note of the events its task was given; the owner calls it first in its run. */
  delivered(events: number): void;
  /** Ends the connection; a second call does nothing. */
  close(): void;
}
