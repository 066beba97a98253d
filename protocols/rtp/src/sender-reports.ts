/**
 * When the senders of a session report: each right before its first packet, then together about every five
 * seconds; and BYE, once.
 * Used by the RTP session. Rule: a report speaks of now, in stream time. Spec: RFC 3550 §6.2, §6.3, §6.4.1, §6.6.
 */
import { unixUsAt } from './ntp-time';
import type { RtpSender } from './rtp-sender';

/**
 * Between two reports on the average. RFC 3550 §6.2: the bandwidth for reports (5 %) would allow more between two members, so
 * the minimum counts.
 */
const REPORT_INTERVAL_US = 5_000_000;
/** Undoes what the rule of §6.3.1 takes off the average: e - 3/2. */
const COMPENSATION = Math.E - 1.5;

/** The reports of one session; see the head of this file. */
export class SenderReports {
  readonly #senders: readonly RtpSender[];
  readonly #cname: Uint8Array;
  readonly #random: () => number;
  #saidBye = false;

  /** `cname` is the canonical name of the sender (RFC 3550 §6.5.1), UTF-8; `random` gives numbers in 0..1. */
  constructor(senders: readonly RtpSender[], cname: Uint8Array, random = Math.random) {
    this.#senders = senders;
    this.#cname = cname;
    this.#random = random;
  }

  /** Begins anew: playing has started. */
  restart(): void {
    this.#saidBye = false;
  }

  /**
   * Sends a round, of the senders that have sent their first; `streamUs` is the stream time now. Returns when the next is due,
   * in microseconds.
   */
  sendRound(nowUs: number, streamUs: number): number {
    const unixUs = unixUsAt(nowUs);
    for (const sender of this.#senders)
      if (sender.hasReported) sender.sendReport(streamUs, unixUs, this.#cname);
    return nowUs + this.#intervalUs();
  }

  // VLC that hears of the common clock after its first frame starts that track anew and drops all up to the next key frame.
  /** Sends the report that goes before the first packet of a track. */
  sendFirst(sender: RtpSender, nowUs: number, streamUs: number): void {
    sender.sendReport(streamUs, unixUsAt(nowUs), this.#cname);
  }

  /**
   * Says BYE on every track, unless it was said since playing started. Also on one that has sent nothing, because its time
   * was over before: players wait for the BYE of each.
   */
  sayBye(nowUs: number, streamUs: number): void {
    if (this.#saidBye) return;
    this.#saidBye = true;
    const unixUs = unixUsAt(nowUs);
    for (const sender of this.#senders) sender.sendBye(streamUs, unixUs, this.#cname);
  }

  /** Says BYE on one track, now. */
  sayByeOf(sender: RtpSender, nowUs: number, streamUs: number): void {
    if (!this.#saidBye) sender.sendBye(streamUs, unixUsAt(nowUs), this.#cname);
  }

  // RFC 3550 §6.3.1: from half to one and a half, so that the reports of many senders do not come together.
  #intervalUs(): number {
    return (REPORT_INTERVAL_US * (0.5 + this.#random())) / COMPENSATION;
  }
}
