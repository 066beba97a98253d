/**
 * RTSP on one task thread: its connections, its sessions and what they share. Made by the RTSP module, called by the thread
 * for each accepted connection. Rule: a session is found by its id on the thread that made it, and only there.
 */
import { randomBytes } from 'node:crypto';
import {
  type ConnectionService,
  closeDescriptor,
  HandshakePace,
  type Log,
  type ModuleSettings,
  type SocketAddress,
  TaskEvent,
  type TaskThreadHost,
  TlsContext,
  type TlsIdentity,
  UdpPair,
} from '@finch/core';
import { type Pacing, PlanCaches } from '@finch/rtp';
import { threadKey } from './foreign-session';
import { type Arrival, RtspConnection } from './rtsp-connection';
import type { RtspSession } from './rtsp-session';

const RTP_HEADER_BYTES = 12;
/**
 * What one read of a connection takes at most, in bytes: clients send little, and what a flood puts into it is parsed in
 * one go. One buffer serves all connections of the thread.
 */
const RECEIVE_BUFFER_BYTES = 16_384;
/** Local addresses with a UDP pair of their own on one thread; a machine has a handful. */
const MAX_UDP_PAIRS = 64;
/** Tunnels without their POST half on one thread; of more, the oldest is closed. */
const MAX_HALF_OPEN_TUNNELS = 1024;
/** How long stop() waits for sessions to go, in milliseconds. */
const STOP_POLL_MS = 5;

/** The module's settings, checked by whoever configures it. */
export interface RtspSettings {
  /** What the Session header advertises, in seconds. */
  readonly sessionTimeoutSeconds: number;
  /** UDP payload of the largest packet, RTP header included. */
  readonly maxPacketBytes: number;
  readonly sendWindowMs: number;
  readonly sendAheadMs: number;
  /** Over how long the packets of one frame are spread on a real network; 0: they leave at once. */
  readonly udpSpreadMs: number;
  /** Who the server is on RTSPS connections; without it there are none. */
  readonly tls?: TlsIdentity;
}

/** The RTSP service of one task thread; see the head of this file. */
export class RtspService implements ConnectionService {
  readonly settings: RtspSettings;
  readonly plans: PlanCaches;
  readonly pacing: Pacing;
  /** The canonical name of this sender in RTCP (RFC 3550 §6.5.1): the same for all tracks, no address in it. */
  readonly cname = Buffer.from(`finch-${randomBytes(6).toString('hex')}`);
  readonly receiveBuffer = new Uint8Array(RECEIVE_BUFFER_BYTES);
  readonly sessions = new Map<string, RtspSession>();
  readonly connections = new Set<RtspConnection>();
  /** GET halves of HTTP tunnels that have had no POST half so far, the oldest first. */
  readonly halfOpenTunnels = new Set<RtspConnection>();
  /** No new sessions from now on. */
  isStopping = false;
  readonly #udpPairs = new Map<string, UdpPair>();
  readonly #tls: TlsContext | undefined;
  readonly #endClaim: () => void;

  constructor(readonly host: TaskThreadHost) {
    this.settings = checkedSettings(host.settings);
    this.plans = new PlanCaches(host.batch, host.blocking);
    this.pacing = { windowUs: this.settings.sendWindowMs * 1000, aheadUs: this.settings.sendAheadMs * 1000 };
    const { tls } = this.settings;
    this.#tls = tls && new TlsContext(tls, host.batch, host.log);
    host.count('RTSP connections', () => this.connections.size);
    host.count('RTSP sessions', () => this.sessions.size);
    host.count('half-open tunnels', () => this.halfOpenTunnels.size);
    host.count('TLS handshakes', () => this.#tls?.handshakes ?? 0);
    host.count('packet plans', () => this.plans.size);
    host.count('claimed UDP addresses', () => this.#claims());
    this.#endClaim = host.claim(threadKey(host.threadIndex), ({ fd, peer, bytes }) =>
      this.#open(fd, peer, { isSurplus: false, first: bytes }),
    );
  }

  get log(): Log {
    return this.host.log;
  }

  get maxPayloadBytes(): number {
    return this.settings.maxPacketBytes - RTP_HEADER_BYTES;
  }

  accept(fd: number, peer: SocketAddress, isSurplus: boolean): void {
    this.#open(fd, peer, { isSurplus });
  }

  /** Makes the service of the port where everything is encrypted; undefined without a certificate. Called once. */
  makeEncrypted(): ConnectionService | undefined {
    const tls = this.#tls;
    if (tls === undefined) return undefined;
    const pace = new HandshakePace(this.host.thread, 'rtsp');
    return {
      accept: (fd, peer, isSurplus) =>
        pace.add({
          begin: () => this.#open(fd, peer, { isSurplus, tls }),
          drop: () => this.#drop(fd),
        }),
      stop: () => {
        pace.signal(TaskEvent.kill);
        return this.stop();
      },
    };
  }

  /** Keeps the number of tunnels that wait for their POST half within its limit. */
  tunnelOpened(connection: RtspConnection): void {
    if (this.halfOpenTunnels.size >= MAX_HALF_OPEN_TUNNELS) {
      const [oldest] = this.halfOpenTunnels;
      this.halfOpenTunnels.delete(oldest!);
      oldest!.signal(TaskEvent.kill);
    }
    this.halfOpenTunnels.add(connection);
  }

  /** The UDP sockets that viewers of this local address are served from. Throws Error when no port is free. */
  udpPairAt(local: SocketAddress): UdpPair {
    let pair = this.#udpPairs.get(local.host);
    if (pair === undefined) {
      if (this.#udpPairs.size >= MAX_UDP_PAIRS)
        throw new Error(`${MAX_UDP_PAIRS} local addresses have UDP sockets already`);
      pair = new UdpPair(this.host.thread, this.host.batch, local, this.settings.udpSpreadMs);
      this.#udpPairs.set(local.host, pair);
    }
    return pair;
  }

  /** Ends all sessions, each with BYE, then all connections. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.#endClaim();
    for (const session of this.sessions.values()) session.signal(TaskEvent.kill);
    while (this.sessions.size > 0) await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
    for (const connection of this.connections) connection.signal(TaskEvent.kill);
    while (this.connections.size > 0) await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
  }

  #open(fd: number, peer: SocketAddress, arrival: Arrival): void {
    try {
      new RtspConnection(this, fd, peer.unmapped(), arrival);
    } catch (error) {
      this.#drop(fd);
      this.log.error(`connection from ${peer} refused: ${(error as Error).message}`);
    }
  }

  #drop(fd: number): void {
    closeDescriptor(fd);
    this.host.connectionClosed();
  }

  #claims(): number {
    let claims = 0;
    for (const pair of this.#udpPairs.values()) claims += pair.claims;
    return claims;
  }
}

function checkedSettings(settings: ModuleSettings): RtspSettings {
  const number = (name: keyof RtspSettings): number => {
    const value = settings[name];
    if (typeof value !== 'number')
      throw new TypeError(`the RTSP module needs the setting "${name}", a number`);
    return value;
  };
  return {
    sessionTimeoutSeconds: number('sessionTimeoutSeconds'),
    maxPacketBytes: number('maxPacketBytes'),
    sendWindowMs: number('sendWindowMs'),
    sendAheadMs: number('sendAheadMs'),
    udpSpreadMs: number('udpSpreadMs'),
    ...(settings.tls === undefined ? {} : { tls: checkedIdentity(settings.tls) }),
  };
}

function checkedIdentity(value: unknown): TlsIdentity {
  const { certificate, key } = value as Partial<Record<keyof TlsIdentity, unknown>>;
  if (typeof certificate !== 'string' || typeof key !== 'string')
    throw new TypeError('the RTSP module needs "tls" with certificate and key, texts in PEM');
  return { certificate, key };
}
