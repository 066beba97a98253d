/**
 * Runs of packets as bytes, for streams that the packet batch can't write because something stands between: TLS, a WebSocket. One
 * for each task thread, used by all its connections of that kind. Rule: a piece holds whole packets. Thread: its own.
 */
import type { PacketBatch } from './packet-batch';
import { type PacketRun, ROW_WORDS, runPackets, writeInterleavedRun } from './packet-row';

/** Room for the frames of some packets; one frame has at most 65539 bytes (RFC 2326 §10.12). */
const FRAMES_BYTES = 256 * 1024;
/** No descriptor: the row is not flushed. */
const NO_DESCRIPTOR = 0;

/** Copies runs out of their files; see the head of this file. */
export class RunCopier {
  readonly #batch: PacketBatch;
  readonly #frames = new Uint8Array(FRAMES_BYTES);
  readonly #row = new Uint32Array(ROW_WORDS);

  constructor(batch: PacketBatch) {
    this.#batch = batch;
  }

  /** Hands the frames of an interleaved run to `take`, in pieces that are valid during the call. Returns 0 or -errno. */
  eachPiece(run: PacketRun, channel: number, take: (piece: Uint8Array) => void): number {
    const row = this.#row;
    writeInterleavedRun(row, 0, run, NO_DESCRIPTOR, channel);
    while (runPackets(row) > 0) {
      const length = this.#batch.copyRun(row, this.#frames);
      if (length < 0) return length;
      take(this.#frames.subarray(0, length));
    }
    return 0;
  }
}
