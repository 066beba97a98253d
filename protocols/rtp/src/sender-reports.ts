/**
 * When the senders of a session report: each right before its first packet, then together every five seconds; and BYE, once.
 * Used by the RTP session. Rule: a report speaks of now, in stream time. Spec: RFC 3550 §6.2, §6.4.1, §6.6.
 */
import { unixNowUs } from './ntp-time';
import type { RtpSender } from './rtp-sender';

/** Between two reports (RFC 3550 §6.2 recommends 5 s at least). */
const REPORT_INTERVAL_US = 5_000_000;

/** The reports of one session; see the head of this file. */
export class SenderReports {
  readonly #senders: readonly RtpSender[];
  readonly #cname: Uint8Array;
  #nextUs = 0;
  #saidBye = false;

  /** `cname` is the canonical name of the sender (RFC 3550 §6.5.1), UTF-8. */
  constructor(senders: readonly RtpSender[], cname: Uint8Array) {
    this.#senders = senders;
    this.#cname = cname;
  }

  /** Begins anew: playing has started. */
  restart(): void {
    this.#saidBye = false;
    this.#nextUs = 0;
  }

  /** Whether it is time for a round. Hot path. */
  isDue(nowUs: number): boolean {
    return nowUs >= this.#nextUs;
  }

  /** Sends the round that is due, of the senders that have begun; `streamUs` is the stream time now. */
  sendDue(nowUs: number, streamUs: number): void {
    this.#nextUs = nowUs + REPORT_INTERVAL_US;
    const unixUs = unixNowUs();
    for (const sender of this.#senders)
      if (!sender.isStarting) sender.sendReport(streamUs, unixUs, this.#cname);
  }

  // VLC that hears of the common clock after its first frame starts that track anew and drops all up to the next key frame.
  /** Sends the report that goes before the first packet of a track. */
  sendFirst(sender: RtpSender, streamUs: number): void {
    sender.sendReport(streamUs, unixNowUs(), this.#cname);
  }

  /**
   * Says BYE on every track, unless it was said since playing started. Also on one that has sent nothing, because its time
   * was over before: players wait for the BYE of each.
   */
  sayBye(streamUs: number): void {
    if (this.#saidBye) return;
    this.#saidBye = true;
    const unixUs = unixNowUs();
    for (const sender of this.#senders) sender.sendBye(streamUs, unixUs, this.#cname);
  }
}
