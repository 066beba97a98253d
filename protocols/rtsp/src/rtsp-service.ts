/**
 * RTSP on one task thread: its sessions, and what they and its connections share. Made by the RTSP module, used by whatever
 * serves a client. Rule: a session is found by its id on the thread that made it, and only there.
 */
import { randomBytes } from 'node:crypto';
import {
  AddressCounts,
  type Log,
  type LogAllowance,
  LogLimiter,
  RunCopier,
  type SocketAddress,
  type Task,
  TaskEvent,
  type TaskThreadHost,
  UdpPair,
} from '@finch/core';
import { PlanCaches, type SlowViewer } from '@finch/rtp';
import { Descriptions } from './descriptions';
import { RtspError } from './errors';
import { SESSION_BYTES } from './memory-costs';
import { refusalError } from './refusals';
import type { RtspSession } from './rtsp-session';
import { checkedSettings, type Pacings, pacingsOf, type RtspSettings, slowViewerOf } from './rtsp-settings';
import type { SessionConnection } from './session-connection';
import type { SessionService } from './session-service';
import { UdpDestinations } from './udp-destinations';

const RTP_HEADER_BYTES = 12;
/** A retransmission is longer than the packet was by its number (RFC 4588 §4), and must not be cut on the way for that. */
const ORIGINAL_SEQUENCE_BYTES = 2;
/**
 * What one read of a connection takes at most, in bytes: clients send little, and what a flood puts into it is parsed in
 * one go. One buffer serves all connections of the thread.
 */
const RECEIVE_BUFFER_BYTES = 4096;
/** Local addresses with a UDP pair of their own on one thread; a machine has a handful. */
const MAX_UDP_PAIRS = 64;
/** Tunnels without their POST half on one thread; of more, the oldest is closed. */
const MAX_HALF_OPEN_TUNNELS = 1024;
/** Lines about requests that failed. */
const FAILURE_LINES: LogAllowance = { burst: 100, perMinute: 10 };
/** Told once a minute at most: the memory budget is spent again and again. */
const MEMORY_LINES: LogAllowance = { burst: 1, perMinute: 1 };

/** The RTSP service of one task thread; see the head of this file. */
export class RtspService implements SessionService {
  readonly settings: RtspSettings;
  readonly plans: PlanCaches;
  /** For connections that the batch can't write to: RTSPS, WebSockets. */
  readonly runs: RunCopier;
  readonly descriptions = new Descriptions();
  /** Over ways that lose packets, and over those that do not. */
  readonly pacings: Pacings;
  readonly slowViewer: SlowViewer;
  /** The canonical name of this sender in RTCP (RFC 3550 §6.5.1): the same for all tracks, no address in it. */
  readonly cname = Buffer.from(`finch-${randomBytes(6).toString('hex')}`);
  readonly receiveBuffer = new Uint8Array(RECEIVE_BUFFER_BYTES);
  readonly sessions = new Map<string, RtspSession>();
  readonly udpDestinations = new UdpDestinations();
  /** They enter and leave by themselves. */
  readonly connections = new Set<Task>();
  /** GET halves of HTTP tunnels that have had no POST half so far, the oldest first. */
  readonly halfOpenTunnels = new Set<Task>();
  /** Lines that a client can cause as often as he likes. */
  readonly failures: LogLimiter;
  /** No new sessions from now on. */
  isStopping = false;
  readonly #memoryLines: LogLimiter;
  readonly #sessionsOf = new AddressCounts();
  readonly #udpPairs = new Map<string, UdpPair>();

  constructor(readonly host: TaskThreadHost) {
    this.settings = checkedSettings(host.settings);
    this.runs = new RunCopier(host.batch);
    this.plans = new PlanCaches(host.batch, host.blocking, host.memory);
    this.failures = new LogLimiter(host.log, FAILURE_LINES);
    this.#memoryLines = new LogLimiter(host.log, MEMORY_LINES);
    this.pacings = pacingsOf(this.settings);
    this.slowViewer = slowViewerOf(this.settings);
    host.count('RTSP connections', () => this.connections.size);
    host.count('RTSP sessions', () => this.sessions.size);
    host.count('half-open tunnels', () => this.halfOpenTunnels.size);
    host.count('packet plans', () => this.plans.size);
    host.count('claimed UDP addresses', () => this.#claims());
    host.count('UDP destinations', () => this.udpDestinations.size);
  }

  get log(): Log {
    return this.host.log;
  }

  get maxPayloadBytes(): number {
    const { maxPacketBytes, retransmission } = this.settings;
    return maxPacketBytes - RTP_HEADER_BYTES - (retransmission === 'off' ? 0 : ORIGINAL_SEQUENCE_BYTES);
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
  checkSessionRoom({ sessions, peer }: SessionConnection): void {
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
  admitSession(connection: SessionConnection): void {
    this.checkSessionRoom(connection);
    if (!this.host.memory.tryTake('sessions', SESSION_BYTES)) throw this.memorySpent();
  }

  /** Takes note of a session that was admitted. */
  sessionBegins(session: RtspSession): void {
    this.#sessionsOf.add(session.client);
    this.sessions.set(session.id, session);
  }

  /** Ends what admitSession() and sessionBegins() began. */
  sessionEnded(id: string, client: SocketAddress): void {
    if (!this.sessions.delete(id)) return;
    this.#sessionsOf.remove(client);
    this.host.memory.give('sessions', SESSION_BYTES);
  }

  /** Keeps the number of tunnels that wait for their POST half within its limit. */
  tunnelOpened(connection: Task): void {
    if (this.halfOpenTunnels.size >= MAX_HALF_OPEN_TUNNELS) {
      const [oldest] = this.halfOpenTunnels;
      this.halfOpenTunnels.delete(oldest!);
      oldest!.signal(TaskEvent.kill);
    }
    this.halfOpenTunnels.add(connection);
  }

  /** The UDP sockets that viewers of this local address are served from. RtspError 503 when there are none to be had. */
  udpPairAt(local: SocketAddress): UdpPair {
    const known = this.#udpPairs.get(local.host);
    if (known !== undefined) return known;
    try {
      const pair = this.#bindUdpPair(local);
      this.#udpPairs.set(local.host, pair);
      return pair;
    } catch (error) {
      this.failures.write('error', `no UDP from ${local.host}: ${(error as Error).message}`);
      throw new RtspError('serviceUnavailable', 'Transport: no UDP ports are free, expected RTP/AVP/TCP');
    }
  }

  #bindUdpPair(local: SocketAddress): UdpPair {
    if (this.#udpPairs.size >= MAX_UDP_PAIRS)
      throw new Error(`${MAX_UDP_PAIRS} local addresses have UDP sockets already`);
    return new UdpPair(this.host.thread, this.host.batch, local, this.settings.udpSpreadMs);
  }

  #claims(): number {
    let claims = 0;
    for (const pair of this.#udpPairs.values()) claims += pair.claims;
    return claims;
  }
}
