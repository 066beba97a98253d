/**
 * RTSP on one task thread: its connections, its sessions and what they share. Made by the RTSP module, called by the thread
 * for each accepted connection. Rule: a session is found by its id on the thread that made it, and only there.
 */
import { randomBytes } from 'node:crypto';
import {
  AddressCounts,
  type ConnectionService,
  closeDescriptor,
  type Log,
  type LogAllowance,
  LogLimiter,
  type ModuleSettings,
  type Refusal,
  type SocketAddress,
  TaskEvent,
  type TaskThreadHost,
  UdpPair,
} from '@finch/core';
import { type Pacing, PlanCaches } from '@finch/rtp';
import type { RtspError } from './errors';
import { CONNECTION_BYTES, SESSION_BYTES } from './memory-costs';
import { refusalError } from './refusals';
import { RtspConnection } from './rtsp-connection';
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
/** Lines about requests that failed. */
const FAILURE_LINES: LogAllowance = { burst: 100, perMinute: 10 };
/** Told once a minute at most: the memory budget is spent again and again. */
const MEMORY_LINES: LogAllowance = { burst: 1, perMinute: 1 };
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
  readonly maxSessionsPerConnection: number;
  /** Of one client address on each task thread; of one /64 where that is IPv6. */
  readonly maxSessionsPerAddress: number;
  readonly maxHeaderBytes: number;
  readonly maxBodyBytes: number;
  /** Of one connection. */
  readonly maxRequestsPerSecond: number;
  /** For a connection without a session. */
  readonly idleTimeoutSeconds: number;
  /** For a request to end that has begun, and for a tunnel to get its other half. */
  readonly requestTimeoutSeconds: number;
  /** Over how long the packets of one frame are spread on a real network; 0: they leave at once. */
  readonly udpSpreadMs: number;
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
  /** Lines that a client can cause as often as he likes. */
  readonly failures: LogLimiter;
  readonly #memoryLines: LogLimiter;
  readonly #sessionsOf = new AddressCounts();
  readonly #udpPairs = new Map<string, UdpPair>();

  constructor(readonly host: TaskThreadHost) {
    this.settings = checkedSettings(host.settings);
    this.plans = new PlanCaches(host.batch, host.blocking, host.memory);
    this.failures = new LogLimiter(host.log, FAILURE_LINES);
    this.#memoryLines = new LogLimiter(host.log, MEMORY_LINES);
    this.pacing = { windowUs: this.settings.sendWindowMs * 1000, aheadUs: this.settings.sendAheadMs * 1000 };
    host.count('RTSP connections', () => this.connections.size);
    host.count('RTSP sessions', () => this.sessions.size);
    host.count('half-open tunnels', () => this.halfOpenTunnels.size);
    host.count('packet plans', () => this.plans.size);
    host.count('claimed UDP addresses', () => this.#claims());
  }

  get log(): Log {
    return this.host.log;
  }

  get maxPayloadBytes(): number {
    return this.settings.maxPacketBytes - RTP_HEADER_BYTES;
  }

  accept(fd: number, peer: SocketAddress, refusal: Refusal | undefined): void {
    const hasMemory = this.host.memory.tryTake('connections', CONNECTION_BYTES);
    const takenBytes = hasMemory ? CONNECTION_BYTES : 0;
    if (!hasMemory) this.memorySpent();
    try {
      new RtspConnection(
        this,
        fd,
        peer.unmapped(),
        refusal ?? (hasMemory ? undefined : 'memory-spent'),
        takenBytes,
      );
    } catch (error) {
      closeDescriptor(fd);
      this.host.memory.give('connections', takenBytes);
      this.host.connectionClosed(peer);
      this.failures.write('error', `connection from ${peer} refused: ${(error as Error).message}`);
    }
  }

  /** Tells the log that the memory budget is spent, and makes the error that the client hears. */
  memorySpent(): RtspError {
    this.#memoryLines.write(
      'error',
      'the memory budget is spent: newcomers are refused; raise --memory-budget',
    );
    return refusalError('memory-spent');
  }

  /** Refuses a session more on `connection` when the connection, its address or the server has all it may have. */
  checkSessionRoom({ sessions, peer }: RtspConnection): void {
    const { maxSessionsPerConnection, maxSessionsPerAddress } = this.settings;
    if (sessions.size >= maxSessionsPerConnection)
      throw refusalError(
        'address-full',
        `this connection has ${sessions.size} sessions, as many as it may have`,
      );
    if (this.#sessionsOf.of(peer) >= maxSessionsPerAddress)
      throw refusalError('address-full', 'this address has as many sessions as it may have');
    if (!this.host.memory.hasRoom('sessions', SESSION_BYTES)) throw this.memorySpent();
  }

  /** Takes the memory of a session, which must then be made at once; refuses as checkSessionRoom() does. */
  admitSession(connection: RtspConnection): void {
    this.checkSessionRoom(connection);
    if (!this.host.memory.tryTake('sessions', SESSION_BYTES)) throw this.memorySpent();
  }

  /** Takes note of a session of `peer` that was admitted. */
  sessionBegins(session: RtspSession, peer: SocketAddress): void {
    this.#sessionsOf.add(peer);
    this.sessions.set(session.id, session);
  }

  /** Ends what admitSession() and sessionBegins() began. */
  sessionEnded(session: RtspSession, peer: SocketAddress): void {
    if (!this.sessions.delete(session.id)) return;
    this.#sessionsOf.remove(peer);
    this.host.memory.give('sessions', SESSION_BYTES);
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
    for (const session of this.sessions.values()) session.signal(TaskEvent.kill);
    while (this.sessions.size > 0) await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
    for (const connection of this.connections) connection.signal(TaskEvent.kill);
    while (this.connections.size > 0) await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
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
    maxSessionsPerConnection: number('maxSessionsPerConnection'),
    maxSessionsPerAddress: number('maxSessionsPerAddress'),
    maxHeaderBytes: number('maxHeaderBytes'),
    maxBodyBytes: number('maxBodyBytes'),
    maxRequestsPerSecond: number('maxRequestsPerSecond'),
    idleTimeoutSeconds: number('idleTimeoutSeconds'),
    requestTimeoutSeconds: number('requestTimeoutSeconds'),
    udpSpreadMs: number('udpSpreadMs'),
  };
}
