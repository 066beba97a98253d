/**
 * The connections of one task thread, from accept to the end: makes them of accepted descriptors, plain and encrypted, and of
 * those that other threads hand over. Made by the RTSP module, called by the thread. Rule: a descriptor becomes a connection
 * or is closed here, and its memory is given back once.
 */
import {
  type ConnectionService,
  closeDescriptor,
  HandshakePace,
  MAX_WAITING_HANDSHAKES,
  MAX_WAITING_SURPLUS,
  type Refusal,
  type SocketAddress,
  TaskEvent,
  TlsContext,
} from '@finch/core';
import { ConnectionMemory } from './connection-memory';
import { threadKey } from './foreign-session';
import { CONNECTION_BYTES, ENCRYPTED_CONNECTION_BYTES } from './memory-costs';
import { type Arrival, RtspConnection } from './rtsp-connection';
import type { RtspService } from './rtsp-service';

/** How long stop() waits for sessions and connections to go, in milliseconds. */
const STOP_POLL_MS = 5;

/** Accepts for the RTSP service of one task thread; see the head of this file. */
export class RtspAcceptor implements ConnectionService {
  readonly #service: RtspService;
  readonly #tls: TlsContext | undefined;
  readonly #endClaim: () => void;

  constructor(service: RtspService) {
    this.#service = service;
    const { host, settings } = service;
    const { tls } = settings;
    this.#tls = tls && new TlsContext(tls, host.batch, service.runs, host.log);
    host.count('TLS handshakes', () => this.#tls?.handshakes ?? 0);
    this.#endClaim = host.claim(threadKey(host.threadIndex), ({ fd, peer, bytes, notes }) =>
      this.#open(fd, peer, { ...this.#admit(CONNECTION_BYTES), first: bytes, rateLevels: notes }),
    );
  }

  accept(fd: number, peer: SocketAddress, refusal: Refusal | undefined): void {
    this.#open(fd, peer, this.#admit(CONNECTION_BYTES, refusal));
  }

  /** Makes the service of the port where everything is encrypted; undefined without a certificate. Called once. */
  makeEncrypted(): ConnectionService | undefined {
    const tls = this.#tls;
    if (tls === undefined) return undefined;
    const pace = new HandshakePace(this.#service.host.thread, 'rtsp');
    return {
      accept: (fd, peer, refusal) => {
        const arrival = { ...this.#admit(ENCRYPTED_CONNECTION_BYTES, refusal), tls };
        const handshake = {
          begin: () => this.#open(fd, peer, arrival),
          drop: () => this.#drop(fd, peer, arrival),
        };
        pace.add(handshake, arrival.refusal === undefined ? MAX_WAITING_HANDSHAKES : MAX_WAITING_SURPLUS);
      },
      stop: () => {
        pace.signal(TaskEvent.kill);
        return this.stop();
      },
    };
  }

  /** Ends all sessions, each with BYE, then all connections. */
  async stop(): Promise<void> {
    const { sessions, connections } = this.#service;
    this.#service.isStopping = true;
    this.#endClaim();
    for (const session of sessions.values()) session.signal(TaskEvent.kill);
    while (sessions.size > 0) await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
    for (const connection of connections) connection.signal(TaskEvent.kill);
    while (connections.size > 0) await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
  }

  // Without memory for him a client is served as one that is over a limit.
  #admit(costBytes: number, refusal?: Refusal): Arrival {
    const memory = new ConnectionMemory(this.#service.host.memory, costBytes);
    if (!memory.isGranted) this.#service.memorySpent();
    return { memory, refusal: refusal ?? (memory.isGranted ? undefined : 'memory-spent') };
  }

  #open(fd: number, peer: SocketAddress, arrival: Arrival): void {
    try {
      new RtspConnection(this.#service, fd, peer.unmapped(), arrival);
    } catch (error) {
      this.#drop(fd, peer, arrival);
      this.#service.failures.write('error', `connection from ${peer} refused: ${(error as Error).message}`);
    }
  }

  #drop(fd: number, peer: SocketAddress, { memory }: Arrival): void {
    closeDescriptor(fd);
    memory.giveBack();
    this.#service.host.connectionClosed(peer);
  }
}
