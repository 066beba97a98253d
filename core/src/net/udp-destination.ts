/**
 * Where a viewer's packets go over UDP, and who hears when they can't. Extended by transports, sent to by UDP pairs. Rule: it is the
 * address, and has none: what a run waits for in memory is one object instead of two. Thread: its pair's.
 */
import type { RefusedRow, RowOwner } from './row-owner';
import { SocketAddress } from './socket-address';

/** An address that packets are sent to; see the head of this file. */
export abstract class UdpDestination extends SocketAddress implements RowOwner {
  /** Whether the way there takes no segmentation by the kernel. */
  noSegmentation = false;

  constructor(to: SocketAddress) {
    const { words } = to;
    super(to.family, to.port, words[2]!, words[3]!, words[4]!, words[5]!);
  }

  abstract rowRefused(refused: RefusedRow): void;
}
