/**
 * When the senders of a session report: together, every five seconds, each once its first packet has gone; and BYE, once.
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
    for (const sender of this.#senders) sender.nextReportUs = 0;
  }

  /** Whether it is time to look for reports that are due. Hot path. */
  isDue(nowUs: number): boolean {
    return nowUs >= this.#nextUs;
  }

  // A track whose first packet is still to come, or was sent before its time, is asked again in the next run: without its
  // report it can't be synchronised with the others, and the next round is 5 s away.
  /** Sends the reports that are due; `streamUs` is the stream time now. */
  sendDue(nowUs: number, streamUs: number): void {
    this.#nextUs = nowUs + REPORT_INTERVAL_US;
    const unixUs = unixNowUs();
    for (const sender of this.#senders) {
      if (!sender.hasBegunBy(streamUs)) this.#nextUs = nowUs;
      else if (nowUs >= sender.nextReportUs) {
        sender.nextReportUs = nowUs + REPORT_INTERVAL_US;
        sender.sendReport(streamUs, unixUs, this.#cname);
      }
    }
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
