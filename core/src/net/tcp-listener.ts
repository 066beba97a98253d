/**
 * A listening socket: accepts until there is nothing more to accept, and hands each connection on. Called by the server.
 * Rule: the port is never deaf. At the connection limit it takes one connection a second, so that the surplus client
 * hears why; when descriptors run out it sheds load and tries again. Thread: the main one.
 */
import { native } from '@finch/native';
import { EventContext } from '../reactor/event-context';
import { kReadable, TaskEvent } from '../reactor/events';
import { IdleTask } from '../reactor/idle-task';
import { DELETE, PARK } from '../reactor/run-result';
import type { TaskThread } from '../reactor/task-thread';
import type { Log } from '../server/log';
import { Errno, errnoName } from './errno';
import { ADDRESS_WORDS, SocketAddress } from './socket-address';

/** How long the listener rests after an accept at the limit, and after running out of descriptors. */
const SLOW_DOWN_MS = 1000;
/** Connections accepted in one run; more of them are taken in the next turn, after other tasks. */
const MAX_ACCEPTS_PER_RUN = 64;

/** Takes accepted connections. */
export interface ConnectionSink {
  /** Takes over the descriptor of a new connection; `isSurplus` when it is over the limit and shall only hear so. */
  accepted(fd: number, peer: SocketAddress, isSurplus: boolean): void;
  /** Whether the server has as many connections as it may have. */
  isFull(): boolean;
}

/** A task that accepts the connections of one address; kill ends it. */
export class TcpListener extends IdleTask {
  readonly address: SocketAddress;
  readonly #context: EventContext;
  readonly #peer = new Uint32Array(ADDRESS_WORDS);
  #shedding = false;

  /**
   * Binds and listens; throws ListenError when the address can't be had. Port 0 takes any free port. An IPv6 wildcard with
   * `bothFamilies` takes IPv4 clients, too.
   */
  constructor(
    thread: TaskThread,
    address: SocketAddress,
    readonly sink: ConnectionSink,
    readonly log: Log,
    bothFamilies = false,
  ) {
    const fd = native.tcpListen(address.words, bothFamilies);
    if (fd < 0) throw new ListenError(address, fd);
    super(thread);
    const words = new Uint32Array(ADDRESS_WORDS);
    native.socketName(fd, words);
    this.address = SocketAddress.fromWords(words);
    this.#context = new EventContext(fd, this.ref);
    this.#context.arm(kReadable);
  }

  run(events: number): number {
    if (events & TaskEvent.kill) return DELETE;
    this.#context.delivered(events);
    for (let accepts = 0; accepts < MAX_ACCEPTS_PER_RUN; accepts++) {
      const fd = native.tcpAccept(this.#context.fd, this.#peer);
      if (fd < 0) {
        this.#refused(fd);
        return PARK;
      }
      this.#shedding = false;
      const isSurplus = this.sink.isFull();
      this.sink.accepted(fd, SocketAddress.fromWords(this.#peer), isSurplus);
      if (isSurplus) {
        this.setIdleTimer(SLOW_DOWN_MS);
        return PARK;
      }
    }
    this.#context.arm(kReadable);
    return PARK;
  }

  protected override onDeleted(): void {
    super.onDeleted();
    this.#context.close();
  }

  // Whatever accept() says, the listener listens on.
  #refused(code: number): void {
    const out =
      code === -Errno.EMFILE || code === -Errno.ENFILE || code === -Errno.ENOBUFS || code === -Errno.ENOMEM;
    if (!out) {
      this.#context.arm(kReadable);
      return;
    }
    if (!this.#shedding)
      this.log.error(
        `out of descriptors or memory: new connections wait (${errnoName(code)}); raise "ulimit -n"`,
      );
    this.#shedding = true;
    this.setIdleTimer(SLOW_DOWN_MS);
  }
}

/** The address can't be listened on: it is taken, not ours, or needs more rights. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  constructor(
    address: SocketAddress,
    readonly code: number,
  ) {
    const why =
      code === -Errno.EADDRINUSE
        ? 'the port is taken by another program; choose one with --port'
        : code === -Errno.EADDRNOTAVAIL
          ? 'this machine has no such address; choose one with --host'
          : code === -Errno.EACCES
            ? 'ports below 1024 need more rights; choose another with --port'
            : code === -Errno.EAFNOSUPPORT
              ? `this machine has no IPv${address.family}; choose another address with --host`
              : errnoName(code);
    super(`can't listen on ${address}: ${why}`);
  }
}
