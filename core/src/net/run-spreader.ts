/**
 * Long runs over UDP, cut into bursts: a key frame that leaves in one piece overflows the first small queue on its way. Used by
 * the UDP pairs of real networks; on the loopback there is no such queue. Rule: the packets of a destination leave in order, and
 * none waits longer than the spread. Thread: its pair's.
 */
import type { PacketRun } from './packet-row';

/** Packets that leave at once: as many as a TCP connection may begin with, which every network bears (RFC 6928 §2). */
export const BURST_PACKETS = 10;
/** Between two bursts to one destination, at least. */
export const BURST_INTERVAL_MS = 2;
const US_PER_MS = 1000;

/** Hands a run to the network, now. */
export type SendRun<Destination> = (run: PacketRun, to: Destination) => void;

/** What still has to leave for one destination. */
class WaitingRuns {
  readonly #runs: PacketRun[] = [];
  #packets = 0;
  #burst = BURST_PACKETS;
  #intervalUs = 0;
  /** When the next burst is due. */
  nextUs = Infinity;

  get isEmpty(): boolean {
    return this.#packets === 0;
  }

  // What came last decides how large the bursts are and how far apart: all that waits is gone when its time is over.
  /** Keeps a copy of a run, and its plan. */
  add(run: PacketRun, spreadMs: number, nowUs: number): void {
    run.plan.holders++;
    this.#runs.push({ ...run });
    this.#packets += run.packetCount;
    const mostBursts = Math.max(1, Math.floor(spreadMs / BURST_INTERVAL_MS));
    this.#burst = Math.max(this.#burst, Math.ceil(this.#packets / mostBursts));
    const bursts = Math.ceil(this.#packets / this.#burst);
    this.#intervalUs = Math.max(Math.floor((spreadMs * US_PER_MS) / bursts), BURST_INTERVAL_MS * US_PER_MS);
    this.nextUs = Math.min(this.nextUs, nowUs + this.#intervalUs);
  }

  /** Sends one burst; fewer packets when there are no more. */
  send<Destination>(send: SendRun<Destination>, to: Destination, nowUs: number): void {
    this.nextUs = nowUs + this.#intervalUs;
    for (let left = this.#burst; left > 0 && this.#packets > 0; ) {
      const run = this.#runs[0]!;
      const waiting = run.packetCount;
      const sent = Math.min(left, waiting);
      run.packetCount = sent;
      send(run, to);
      left -= sent;
      this.#packets -= sent;
      run.firstPacket += sent;
      run.sequence = (run.sequence + sent) & 0xffff;
      run.packetCount = waiting - sent;
      if (run.packetCount === 0) this.#runs.shift()!.plan.holders--;
    }
  }

  clear(): void {
    for (const { plan } of this.#runs) plan.holders--;
  }
}

/** The long runs of one UDP pair; see the head of this file. */
export class RunSpreader<Destination> {
  readonly #waiting = new Map<Destination, WaitingRuns>();
  readonly #spreadMs: number;
  readonly #send: SendRun<Destination>;

  /** Spreads a run over `spreadMs` at most, above 0. */
  constructor(spreadMs: number, send: SendRun<Destination>) {
    this.#spreadMs = spreadMs;
    this.#send = send;
  }

  /**
   * Sends a run, or its first burst; the run is copied where it has to wait. Returns whether sendDue() is to be asked anew
   * when the next burst is due. Hot path.
   */
  send(run: PacketRun, to: Destination, nowUs: number): boolean {
    const waiting = this.#waiting.get(to);
    if (waiting === undefined && run.packetCount <= BURST_PACKETS) {
      this.#send(run, to);
      return false;
    }
    const waits = waiting ?? new WaitingRuns();
    waits.add(run, this.#spreadMs, nowUs);
    if (waiting === undefined) {
      this.#waiting.set(to, waits);
      this.#sendBurst(waits, to, nowUs);
    }
    return true;
  }

  /** Sends the bursts that are due at `nowUs`; returns when the next one is: Infinity when nothing waits. */
  sendDue(nowUs: number): number {
    let nextUs = Infinity;
    for (const [to, waiting] of this.#waiting) {
      if (nowUs >= waiting.nextUs) this.#sendBurst(waiting, to, nowUs);
      if (!waiting.isEmpty) nextUs = Math.min(nextUs, waiting.nextUs);
    }
    return nextUs;
  }

  /** Drops what waits for a destination. */
  forget(to: Destination): void {
    this.#waiting.get(to)?.clear();
    this.#waiting.delete(to);
  }

  /** Drops all that waits. */
  clear(): void {
    for (const waiting of this.#waiting.values()) waiting.clear();
    this.#waiting.clear();
  }

  #sendBurst(waiting: WaitingRuns, to: Destination, nowUs: number): void {
    waiting.send(this.#send, to, nowUs);
    if (waiting.isEmpty) this.#waiting.delete(to);
  }
}
