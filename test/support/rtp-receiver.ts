/**
 * What a viewer receives of one track: RTP packets with their times of arrival, sender reports and BYE. Fed by UdpReceiver
 * (a pair of UDP ports) or by RtspClient (interleaved channels). Rule: what is no valid RTP or RTCP fails the test.
 * Spec: RFC 3550 §5.1, §6.
 */
import { createSocket, type Socket } from 'node:dgram';
import {
  byeNames,
  CompoundCursor,
  emptyReportBlock,
  emptySenderReport,
  parseRtpPacket,
  RTCP_TYPE,
  readSenderReport,
  unixUsOfNtp,
  writeReceiverReport,
  writeSourceDescription,
} from '@finch/rtp';
import { Changes } from './deadline';

/** One RTP packet as it arrived. */
export interface ReceivedPacket {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payloadType: number;
  readonly ssrc: number;
  readonly payload: Buffer;
  /** Milliseconds of the Unix epoch, with fractions. */
  readonly atMs: number;
}

/** One sender report as it arrived. */
export interface ReceivedReport {
  readonly ssrc: number;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
  /** The NTP time of the report as milliseconds of the Unix epoch. */
  readonly unixMs: number;
}

/** Wall-clock time in milliseconds, finer than Date.now(). */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now();
}

/** The difference of two RTP timestamps or 32-bit counters, wrap-around included: -2^31..2^31-1. */
export function ticksBetween(from: number, to: number): number {
  return (to - from) | 0;
}

/** One track at the receiver. */
export class TrackReceiver extends Changes {
  readonly packets: ReceivedPacket[] = [];
  readonly reports: ReceivedReport[] = [];
  /** Number of BYE packets that named the sender. */
  byes = 0;

  /** Takes an RTP packet. Throws Error when it is none. */
  rtpArrived(bytes: Uint8Array): void {
    const view = parseRtpPacket(bytes);
    if (view === null)
      throw new Error(`no RTP packet: ${Buffer.from(bytes.subarray(0, 16)).toString('hex')}`);
    const { sequenceNumber, timestamp, marker, payloadType, ssrc, payloadOffset, payloadBytes } = view;
    const payload = Buffer.from(bytes.subarray(payloadOffset, payloadOffset + payloadBytes));
    const atMs = wallClockMs();
    this.packets.push({ sequenceNumber, timestamp, marker, payloadType, ssrc, payload, atMs });
    this.changed();
  }

  /** Takes an RTCP compound. Throws Error when it is malformed. */
  rtcpArrived(bytes: Uint8Array): void {
    const cursor = new CompoundCursor();
    if (!cursor.start(bytes, 0, bytes.length))
      throw new Error(`no RTCP compound: ${Buffer.from(bytes).toString('hex')}`);
    const report = emptySenderReport();
    while (cursor.next(bytes)) {
      if (cursor.type === RTCP_TYPE.senderReport) {
        expect(readSenderReport(bytes, cursor.offset, report)).toBe(0);
        const unixMs = unixUsOfNtp(report.ntpSeconds, report.ntpFraction) / 1000;
        const { ssrc, rtpTimestamp, packetCount, octetCount } = report;
        this.reports.push({ ssrc, rtpTimestamp, packetCount, octetCount, unixMs });
      }
      const { ssrc } = this.packets.at(-1) ?? report;
      if (cursor.type === RTCP_TYPE.goodbye && byeNames(bytes, cursor.offset, ssrc)) this.byes++;
    }
    this.changed();
  }

  /** Resolves when so many packets have arrived in all. */
  packetsArrived(count: number, timeoutMs?: number): Promise<true> {
    return this.until(() => this.packets.length >= count, `${count} packets`, timeoutMs);
  }

  /** Resolves when so many packets more have arrived. */
  morePackets(count = 1): Promise<true> {
    return this.packetsArrived(this.packets.length + count);
  }

  /** Resolves when so many BYEs have arrived in all. */
  byeArrived(count = 1, timeoutMs?: number): Promise<true> {
    return this.until(() => this.byes >= count, `BYE ${count}`, timeoutMs);
  }

  /** Fails unless sequence numbers follow each other without gap, repetition or disorder (RFC 3550 §5.1). */
  expectContiguous(packets: readonly ReceivedPacket[] = this.packets): void {
    const breaks: string[] = [];
    for (let i = 1; i < packets.length; i++) {
      const [before, after] = [packets[i - 1]!.sequenceNumber, packets[i]!.sequenceNumber];
      if (((before + 1) & 0xffff) !== after) breaks.push(`${before} -> ${after} at ${i}`);
    }
    expect(breaks).toEqual([]);
  }

  /** The timestamps in order, each once, counted from the first packet's. */
  timestampsFromFirst(): number[] {
    const first = this.packets[0]?.timestamp ?? 0;
    return [...new Set(this.packets.map(({ timestamp }) => ticksBetween(first, timestamp)))];
  }
}

/** Writes a receiver report about one source, with SDES, as RFC 3550 §6.1 wants compounds. */
export function receiverReport(aboutSsrc: number): Uint8Array {
  const bytes = new Uint8Array(128);
  const length = writeReceiverReport(bytes, 0, 0x7e57, [{ ...emptyReportBlock(), ssrc: aboutSsrc }]);
  return bytes.subarray(0, length + writeSourceDescription(bytes, length, 0x7e57, Buffer.from('test')));
}

const MAX_BIND_ATTEMPTS = 50;

/** A viewer's pair of UDP ports for one track: an even one for RTP, the next for RTCP (RFC 3550 §11). */
export class UdpReceiver {
  readonly track = new TrackReceiver();

  private constructor(
    readonly port: number,
    readonly host: string,
    readonly rtp: Socket,
    readonly rtcp: Socket,
  ) {
    rtp.on('message', (bytes) => this.track.rtpArrived(bytes));
    rtcp.on('message', (bytes) => this.track.rtcpArrived(bytes));
  }

  /** Binds a free pair of ports. Rejects when none is found. */
  static async open(host = '127.0.0.1'): Promise<UdpReceiver> {
    for (let attempt = 0; attempt < MAX_BIND_ATTEMPTS; attempt++) {
      const rtp = await bind(0, host);
      const port = rtp?.address().port ?? 1;
      const rtcp = port % 2 === 0 && port < 65535 ? await bind(port + 1, host) : undefined;
      if (rtp !== undefined && rtcp !== undefined) return new UdpReceiver(port, host, rtp, rtcp);
      rtp?.close();
    }
    throw new Error(`no free pair of UDP ports on ${host}`);
  }

  /** The Transport header that asks for these ports (RFC 2326 §12.39). */
  get transport(): string {
    return `RTP/AVP;unicast;client_port=${this.port}-${this.port + 1}`;
  }

  /** Sends an RTCP compound from the RTCP port. */
  sendRtcp(bytes: Uint8Array, serverRtcpPort: number): void {
    this.rtcp.send(bytes, serverRtcpPort, this.host.includes(':') ? '::1' : '127.0.0.1');
  }

  close(): void {
    this.rtp.close();
    this.rtcp.close();
  }
}

function bind(port: number, host: string): Promise<Socket | undefined> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4 << 20 });
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind(port, host, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
