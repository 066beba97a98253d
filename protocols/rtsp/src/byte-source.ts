/** Where a connection reads from: its own socket, or a tunnel. Rule: bytes come in order, and none is given twice. */
import type { Armable } from '@finch/core';

/** What a connection needs of where it reads from; TcpConnection is one. */
export interface ByteSource {
  /** Signals the connection's task `read` when there may be something. */
  readonly context: Armable;
  /** Reads what is there: bytes, 0 at the end, -EAGAIN when there is nothing now, another -errno when broken. */
  receive(into: Uint8Array): number;
}
