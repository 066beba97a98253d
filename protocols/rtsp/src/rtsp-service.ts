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
import { type Pacing, PlanCaches, type SlowViewer } from '@finch/rtp';
import { threadKey } from './foreign-session';
import { type Arrival, RtspConnection } from './rtsp-connection';
import type { RtspSession } from './rtsp-session';

const RTP_HEADER_BYTES = 12;
/** A retransmission is longer than the packet was by its number (RFC 4588 §4), and must not be cut on the way for that. */
const ORIGINAL_SEQUENCE_BYTES = 2;
const US_PER_MS = 1000;
const US_PER_S = 1_000_000;
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
  /** Where the player's buffer is filled ahead of time. */
  readonly overbuffer: 'tcp' | 'all' | 'off';
  /** How many times as fast as it is shown a movie is sent while the over-buffer fills, 1 or more. */
  readonly overbufferRate: number;
  readonly overbufferSeconds: number;
  readonly isThinning: boolean;
  /** Loss that thins, in percent. */
  readonly thinLossPercent: number;
  /** Whether lost packets are sent again, and whether RTP/AVPF is named to clients that need it for asking. */
  readonly retransmission: 'avp' | 'avpf' | 'off';
  /** Most that waits in memory for a viewer who can't keep up. */
  readonly queueBytes: number;
  /** How long a viewer may not keep up. */
  readonly queueSeconds: number;
  /** Over how long the packets of one frame are spread on a real network; 0: they leave at once. */
  readonly udpSpreadMs: number;
  /** Who the server is on RTSPS connections; without it there are none. */
  readonly tls?: TlsIdentity;
}

/** The RTSP service of one task thread; see the head of this file. */
export class RtspService implements ConnectionService {
  readonly settings: RtspSettings;
  readonly plans: PlanCaches;
  /** Over ways that lose packets, and over those that do not. */
  readonly pacing: { readonly lossy: Pacing; readonly reliable: Pacing };
  readonly slowViewer: SlowViewer;
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
    const { tls, overbuffer } = this.settings;
    this.#tls = tls && new TlsContext(tls, host.batch, host.log);
    this.pacing = {
      lossy: pacingOf(this.settings, overbuffer === 'all'),
      reliable: pacingOf(this.settings, overbuffer !== 'off'),
    };
    this.slowViewer = slowViewerOf(this.settings);
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
    const { maxPacketBytes, retransmission } = this.settings;
    return maxPacketBytes - RTP_HEADER_BYTES - (retransmission === 'off' ? 0 : ORIGINAL_SEQUENCE_BYTES);
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

function pacingOf(settings: RtspSettings, isOverbuffering: boolean): Pacing {
  return {
    windowUs: settings.sendWindowMs * US_PER_MS,
    aheadUs: settings.sendAheadMs * US_PER_MS,
    overbufferRate: isOverbuffering ? settings.overbufferRate : 1,
    overbufferUs: isOverbuffering ? settings.overbufferSeconds * US_PER_S : 0,
  };
}

function slowViewerOf(settings: RtspSettings): SlowViewer {
  return {
    isThinning: settings.isThinning,
    thinFromLoss: settings.thinLossPercent / 100,
    maxQueueBytes: settings.queueBytes,
    maxQueueUs: settings.queueSeconds * US_PER_S,
  };
}

function checkedSettings(settings: ModuleSettings): RtspSettings {
  const number = (name: keyof RtspSettings): number => {
    const value = settings[name];
    if (typeof value !== 'number')
      throw new TypeError(`the RTSP module needs the setting "${name}", a number`);
    return value;
  };
  const flag = (name: keyof RtspSettings): boolean => {
    const value = settings[name];
    if (typeof value !== 'boolean')
      throw new TypeError(`the RTSP module needs the setting "${name}", true or false`);
    return value;
  };
  return {
    sessionTimeoutSeconds: number('sessionTimeoutSeconds'),
    maxPacketBytes: number('maxPacketBytes'),
    sendWindowMs: number('sendWindowMs'),
    sendAheadMs: number('sendAheadMs'),
    overbuffer: overbufferOf(settings.overbuffer),
    overbufferRate: number('overbufferRate'),
    overbufferSeconds: number('overbufferSeconds'),
    isThinning: flag('isThinning'),
    thinLossPercent: number('thinLossPercent'),
    retransmission: retransmissionOf(settings.retransmission),
    queueBytes: number('queueBytes'),
    queueSeconds: number('queueSeconds'),
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

function overbufferOf(value: unknown): RtspSettings['overbuffer'] {
  if (value === 'tcp' || value === 'all' || value === 'off') return value;
  throw new TypeError('the RTSP module needs the setting "overbuffer": tcp, all or off');
}

function retransmissionOf(value: unknown): RtspSettings['retransmission'] {
  if (value === 'avp' || value === 'avpf' || value === 'off') return value;
  throw new TypeError('the RTSP module needs the setting "retransmission": avp, avpf or off');
}
