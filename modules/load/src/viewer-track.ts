/**
 * One track of one viewer: what SETUP asks for and got, its meter, and its reports to the server. Made by viewers.
 * Rule: a receiver report every few seconds, as players send; nothing of it is on the way of a packet.
 * Spec: RFC 2326 §12.39 (Transport), RFC 3550 §6.4.2 (receiver reports), §6.6 (BYE).
 */
import { randomBytes } from 'node:crypto';
import { type PacketBatch, type RowOwner, SocketAddress } from '@finch/core';
import {
  CompoundCursor,
  emptyReportBlock,
  RTCP_TYPE,
  readUint32,
  writeReceiverReport,
  writeSourceDescription,
} from '@finch/rtp';
import { writeInterleavedHeader } from 'rtsp-stream-parser';
import type { Figures } from './figures';
import { MediaSockets, type MediaSocketsOptions } from './media-sockets';
import type { TrackDescription } from './session-description';
import { type FirstPacketListener, TrackMeter } from './track-meter';
import type { ViewerLink } from './viewer-link';

const REPORT_BYTES = 256;
const CNAME = new TextEncoder().encode('finch-load');
const DELAY_UNITS_PER_US = 65_536 / 1_000_000;

// One of each for all tracks: filled and used up within one call.
const cursor = new CompoundCursor();
const block = emptyReportBlock();
const report = new Uint8Array(4 + REPORT_BYTES);

/** Who is told what the server says of a track. */
export interface TrackListener extends FirstPacketListener {
  /** BYE: the server sends no more. */
  byeArrived(): void;
}

/** A track; see the head of this file. */
export class ViewerTrack implements RowOwner {
  readonly meter: TrackMeter;
  readonly #listener: TrackListener;
  readonly #ssrc = randomBytes(4).readUInt32BE();
  #sockets: MediaSockets | null = null;
  #channel = -1;
  #rtcpAddress: SocketAddress | null = null;
  #lastSr = 0;
  #lastSrUs = 0;
  #expectedBefore = 0;
  #lostBefore = 0;

  constructor(
    readonly description: TrackDescription,
    figures: Figures,
    listener: TrackListener,
  ) {
    this.#listener = listener;
    this.meter = new TrackMeter(description.isVideo, description.clockRateHz, figures, listener);
  }

  /** Binds sockets and returns the Transport header that asks for them. Throws Error when none are left. */
  askForUdp(options: MediaSocketsOptions): string {
    this.#sockets = new MediaSockets(options, this.meter, (bytes, at, length, arrivalUs) =>
      this.rtcp(bytes, at, length, arrivalUs),
    );
    const { port } = this.#sockets;
    return `RTP/AVP;unicast;client_port=${port}-${port + 1}`;
  }

  /** Returns the Transport header that asks for channels `channel` and the next. */
  askForChannels(channel: number): string {
    this.#channel = channel;
    return `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`;
  }

  /** Reads the Transport header of the response to SETUP; `host` is the server's. */
  granted(transport: string, host: string): void {
    const channels = /interleaved=(\d+)/.exec(transport);
    if (channels !== null) this.#channel = Number(channels[1]);
    const ports = /server_port=(\d+)(?:-(\d+))?/.exec(transport);
    if (ports === null || this.#sockets === null) return;
    const rtcpPort = Number(ports[2] ?? Number(ports[1]) + 1);
    if (rtcpPort > 0 && rtcpPort < 65_536) this.#rtcpAddress = SocketAddress.of(host, rtcpPort);
  }

  /** The channel that RTP comes on; -1 over UDP. */
  get channel(): number {
    return this.#channel;
  }

  /** Takes an RTCP compound packet. */
  rtcp(bytes: Uint8Array, at: number, length: number, arrivalUs: number): void {
    if (!cursor.start(bytes, at, length)) return;
    while (cursor.next(bytes)) {
      if (cursor.type === RTCP_TYPE.goodbye) this.#listener.byeArrived();
      if (cursor.type !== RTCP_TYPE.senderReport) continue;
      // The middle 32 bits of its NTP time (RFC 3550 §6.4.1).
      this.#lastSr =
        ((readUint32(bytes, cursor.offset + 8) << 16) | (readUint32(bytes, cursor.offset + 12) >>> 16)) >>> 0;
      this.#lastSrUs = arrivalUs;
    }
  }

  /** Sends a receiver report at `nowUs`, by the batch over UDP or on `link`; none before the first packet. */
  sendReport(batch: PacketBatch, link: ViewerLink, nowUs: number): void {
    if (this.meter.packets === 0) return;
    const length = this.#writeReport(nowUs);
    if (this.#sockets !== null && this.#rtcpAddress !== null) {
      batch.makeRoom(length);
      batch.addDatagram(report.subarray(4, 4 + length), this.#sockets.rtcpFd, this.#rtcpAddress, this);
    } else if (this.#sockets === null) {
      writeInterleavedHeader(report, 0, this.#channel + 1, length);
      link.send(report.subarray(0, 4 + length), 'receiver report');
    }
  }

  /** Reads no more of what comes over UDP. */
  stopReading(): void {
    this.#sockets?.stopReading();
  }

  /** Part of RowOwner: a report that the socket refused is lost, as reports may be. */
  rowRefused(): void {}

  /** Closes its sockets. */
  close(): void {
    this.#sockets?.close();
  }

  #writeReport(nowUs: number): number {
    const { sequences, packets, ssrc } = this.meter;
    const lost = Math.max(sequences.lost, 0);
    const expected = packets + lost;
    const interval = expected - this.#expectedBefore;
    const intervalLost = Math.max(lost - this.#lostBefore, 0);
    this.#expectedBefore = expected;
    this.#lostBefore = lost;
    block.ssrc = ssrc;
    block.fractionLost = interval > 0 ? Math.min(255, Math.floor((256 * intervalLost) / interval)) : 0;
    block.cumulativeLost = lost;
    block.highestSequence = Math.max(sequences.highest, 0) >>> 0;
    block.lastSr = this.#lastSr;
    block.delaySinceLastSr =
      this.#lastSr === 0 ? 0 : Math.max(0, (nowUs - this.#lastSrUs) * DELAY_UNITS_PER_US) >>> 0;
    const reportBytes = writeReceiverReport(report, 4, this.#ssrc, [block]);
    return reportBytes + writeSourceDescription(report, 4 + reportBytes, this.#ssrc, CNAME);
  }
}
