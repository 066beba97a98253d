/**
 * How the packets of one track reach their viewer: over UDP, or interleaved on the RTSP connection. Bound at SETUP, called
 * directly per run of packets. Rule: what can't be sent now is kept in order or counted as lost, never waited for.
 */
import {
  type DatagramListener,
  Errno,
  type PacketRun,
  type RefusedRow,
  type SocketAddress,
  type StreamConnection,
  UdpDestination,
  type UdpPair,
} from '@finch/core';

/** Hears what arrives for a track, and that its packets can't be made any more. */
export interface RtpTransportEvents {
  /** An RTCP compound packet (or what claims to be one) came in; valid during the call. */
  reportArrived(bytes: Uint8Array): void;
  /** The file can't be read where the packets lie: it was truncated. */
  sourceFailed(): void;
}

/** The way of one track's packets; see the head of this file. */
export interface RtpTransport {
  /** Whether the way is full: a session with a choice waits for room. */
  readonly isFull: boolean;
  /** Whether packets may be lost on the way: reports tell how many, and they may be asked for again. */
  readonly isLossy: boolean;
  /** For Task.prefetch(): reads what sendRun() reads. Hot path. */
  prefetch(): number;
  /** Sends a run of packets. Hot path. */
  sendRun(run: PacketRun): void;
  /** Sends packets once more in the format of RFC 4588; `originalSequence` is the first one's. A reliable way sends nothing. */
  sendAgain(run: PacketRun, originalSequence: number): void;
  /** Sends an RTCP compound packet; the bytes are copied. */
  sendReport(bytes: Uint8Array): void;
  /** Ends the transport; nothing is heard of it any more. */
  close(): void;
}

/** Takes everything and sends nothing: the transport of a track that its viewer has left. */
export const NOWHERE: RtpTransport = {
  isFull: false,
  isLossy: false,
  prefetch: () => 0,
  sendRun: () => {},
  sendAgain: () => {},
  sendReport: () => {},
  close: () => {},
};

/** RTP to one port of the viewer, RTCP to another, from the thread's shared pair. */
export class UdpTransport extends UdpDestination implements RtpTransport, DatagramListener {
  readonly #pair: UdpPair;
  /** Runs that the network refused (no route, no listener on this machine). */
  lostRuns = 0;
  readonly #rtcpAddress: SocketAddress;
  readonly #events: RtpTransportEvents;

  constructor(pair: UdpPair, address: SocketAddress, rtcpAddress: SocketAddress, events: RtpTransportEvents) {
    super(address);
    this.#pair = pair;
    this.#rtcpAddress = rtcpAddress;
    this.#events = events;
    pair.claim(rtcpAddress, this);
  }

  get isFull(): boolean {
    return false;
  }

  get isLossy(): boolean {
    return true;
  }

  prefetch(): number {
    return this.port + (this.noSegmentation ? 1 : 0);
  }

  sendRun(run: PacketRun): void {
    this.#pair.sendRun(run, this);
  }

  sendAgain(run: PacketRun, originalSequence: number): void {
    this.#pair.sendAgain(run, originalSequence, this);
  }

  sendReport(bytes: Uint8Array): void {
    this.#pair.sendReport(bytes, this.#rtcpAddress);
  }

  /** Part of DatagramListener. */
  datagram(bytes: Uint8Array): void {
    this.#events.reportArrived(bytes);
  }

  /** Part of RowOwner. */
  rowRefused(refused: RefusedRow): void {
    if (refused.code === -Errno.EAGAIN) this.#pair.keep(refused, this);
    else if (refused.code === -Errno.EMSGSIZE) this.noSegmentation = true;
    else if (refused.code === -Errno.EFAULT) this.#events.sourceFailed();
    else this.lostRuns++;
  }

  close(): void {
    this.#pair.forget(this);
    this.#pair.unclaim(this.#rtcpAddress, this);
  }
}

/** RTP and RTCP on two channels of an RTSP connection (RFC 2326 §10.12). */
export class InterleavedTransport implements RtpTransport {
  readonly isLossy = false;
  readonly #connection: StreamConnection;
  readonly #rtpChannel: number;
  readonly #rtcpChannel: number;

  /** What arrives on the RTCP channel is handed over by whoever reads the connection. */
  constructor(connection: StreamConnection, rtpChannel: number, rtcpChannel: number) {
    this.#connection = connection;
    this.#rtpChannel = rtpChannel;
    this.#rtcpChannel = rtcpChannel;
  }

  get isFull(): boolean {
    return this.#connection.isFull;
  }

  prefetch(): number {
    return this.#rtpChannel + (this.isFull ? 1 : 0);
  }

  sendRun(run: PacketRun): void {
    this.#connection.sendRun(run, this.#rtpChannel);
  }

  sendAgain(): void {}

  sendReport(bytes: Uint8Array): void {
    const framed = new Uint8Array(4 + bytes.length);
    framed[0] = 0x24;
    framed[1] = this.#rtcpChannel;
    framed[2] = bytes.length >> 8;
    framed[3] = bytes.length & 0xff;
    framed.set(bytes, 4);
    this.#connection.send(framed);
  }

  close(): void {}
}
