/**
 * The RTP and RTCP sockets of one track of one UDP viewer: an even port and the next one. Made by viewers at SETUP.
 * Rule: every viewer has sockets of its own, as a player would; the ports come from below the kernel's own range.
 * Spec: RFC 3550 §11, RFC 2326 §12.39.
 */
import { errnoName, SocketAddress } from '@finch/core';
import { native } from '@finch/native';
import type { ReceiveSet, ReceiveSink } from './receive-set';
import { ReceiveKind, ReceiveRow } from './receive-set';
import type { TrackMeter } from './track-meter';

const FIRST_PORT = 10_000;
const END_PORT = 32_000;
/** Reports are few and small. */
const RTCP_BUFFER_BYTES = 65_536;
const SEND_BUFFER_BYTES = 65_536;

/** Hears the RTCP packets of one track. */
export type RtcpListener = (bytes: Uint8Array, at: number, length: number, arrivalUs: number) => void;

/** Hands out pairs of ports, from where the last one was found. One for all viewers of a run. */
export class PortPairs {
  readonly #nextPorts = new Map<string, number>();

  /** Binds a pair of `host`; throws Error when none is free. */
  bind(host: string): { rtpFd: number; rtcpFd: number; port: number } {
    let port = this.#nextPorts.get(host) ?? FIRST_PORT;
    let result = 0;
    for (let tries = (END_PORT - FIRST_PORT) / 2; tries > 0; tries--) {
      const rtpPort = port;
      port = port + 2 < END_PORT ? port + 2 : FIRST_PORT;
      const rtpFd = bindPort(host, rtpPort);
      const rtcpFd = rtpFd < 0 ? rtpFd : bindPort(host, rtpPort + 1);
      this.#nextPorts.set(host, port);
      if (rtcpFd >= 0) return { rtpFd, rtcpFd, port: rtpPort };
      if (rtpFd >= 0) native.socketClose(rtpFd);
      result = rtcpFd;
      if (!['EADDRINUSE', 'EACCES'].includes(errnoName(result))) break;
    }
    throw new Error(`no pair of UDP ports on ${host}: ${errnoName(result)}`);
  }
}

/** What media sockets are made of. */
export interface MediaSocketsOptions {
  readonly set: ReceiveSet;
  readonly ports: PortPairs;
  readonly host: string;
  /** Of the RTP socket. */
  readonly receiveBufferBytes: number;
  /** Datagrams come in runs (UDP_GRO). */
  readonly takesRuns: boolean;
}

/** A pair of sockets; see the head of this file. */
export class MediaSockets {
  /** The even one. */
  readonly port: number;
  readonly rtcpFd: number;
  readonly #set: ReceiveSet;
  readonly #rtpFd: number;
  readonly #rtpTag: number;
  readonly #rtcpTag: number;
  #isReading = true;
  #isOpen = true;

  /** Binds the pair and has the set read it. Throws Error when no ports or descriptors are left. */
  constructor(options: MediaSocketsOptions, meter: TrackMeter, rtcp: RtcpListener) {
    const { set, ports, host, receiveBufferBytes, takesRuns } = options;
    const { rtpFd, rtcpFd, port } = ports.bind(host);
    this.#set = set;
    this.port = port;
    this.#rtpFd = rtpFd;
    this.rtcpFd = rtcpFd;
    native.receiveOptions(rtpFd, receiveBufferBytes, takesRuns);
    native.receiveOptions(rtcpFd, 0, false);
    this.#rtpTag = set.add(rtpFd, ReceiveKind.datagrams, new RtpSink(set.buffer, meter));
    this.#rtcpTag = set.add(rtcpFd, ReceiveKind.datagrams, new RtcpSink(set.buffer, rtcp));
  }

  /** Reads no more, as a player that hangs: what comes is dropped once the sockets are full. */
  stopReading(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.#set.remove(this.#rtpTag, this.#rtpFd);
    this.#set.remove(this.#rtcpTag, this.rtcpFd);
  }

  /** Closes both; a second call does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.stopReading();
    this.#isOpen = false;
    native.socketClose(this.#rtpFd);
    native.socketClose(this.rtcpFd);
  }
}

class RtpSink implements ReceiveSink {
  constructor(
    readonly buffer: Uint8Array,
    readonly meter: TrackMeter,
  ) {}

  // Hot path.
  received(rows: Float64Array, at: number): void {
    const result = rows[at + ReceiveRow.result]!;
    if (result <= 0) return;
    this.meter.dropped(rows[at + ReceiveRow.dropped]!);
    this.meter.datagrams(
      this.buffer,
      rows[at + ReceiveRow.offset]!,
      result,
      rows[at + ReceiveRow.segmentBytes]!,
      rows[at + ReceiveRow.arrivalUs]!,
    );
  }
}

class RtcpSink implements ReceiveSink {
  constructor(
    readonly buffer: Uint8Array,
    readonly listener: RtcpListener,
  ) {}

  received(rows: Float64Array, at: number): void {
    const result = rows[at + ReceiveRow.result]!;
    if (result > 0)
      this.listener(this.buffer, rows[at + ReceiveRow.offset]!, result, rows[at + ReceiveRow.arrivalUs]!);
  }
}

function bindPort(host: string, port: number): number {
  return native.udpBind(SocketAddress.of(host, port).words, SEND_BUFFER_BYTES, RTCP_BUFFER_BYTES);
}
