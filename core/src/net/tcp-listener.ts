/**
 * A listening socket: accepts until there is nothing more to accept, and hands each connection on. Called by the server.
 * Rule: the port is never deaf. It takes whoever comes and leaves to the sink who may stay; when descriptors run out it
 * gives up one that it keeps for this, to close with it those who wait. Thread: the main one.
 */
import { closeSync, openSync } from 'node:fs';
import { native } from '@finch/native';
import { EventContext } from '../reactor/event-context';
import { kReadable, TaskEvent } from '../reactor/events';
import { IdleTask } from '../reactor/idle-task';
import { DELETE, PARK } from '../reactor/run-result';
import type { TaskThread } from '../reactor/task-thread';
import type { Log } from '../server/log';
import { type LogAllowance, LogLimiter } from '../server/log-limiter';
import { Errno, errnoName } from './errno';
import { ADDRESS_WORDS, SocketAddress } from './socket-address';

/** How long the listener rests after running out of descriptors or memory, and how many it sheds then. */
const REST_MS = 500;
const MAX_SHED_PER_RUN = 1024;
/** Told once a minute at most: descriptors run out again and again. */
const SHEDDING_LINES: LogAllowance = { burst: 1, perMinute: 1 };
/** Connections accepted in one run; more of them are taken in the next turn, after other tasks. */
const MAX_ACCEPTS_PER_RUN = 64;

/** Takes accepted connections. */
export interface ConnectionSink {
  /** Takes over the descriptor of a new connection. */
  accepted(fd: number, peer: SocketAddress): void;
}

/** What a listener may be told besides its address. */
export interface ListenerOptions {
  /** An IPv6 wildcard takes IPv4 clients, too. */
  readonly bothFamilies?: boolean;
  /** The option that names the port, for the error when it is taken; `--port` unless it is said. */
  readonly portFlag?: string | undefined;
}

/** A task that accepts the connections of one address; kill ends it. */
export class TcpListener extends IdleTask {
  readonly address: SocketAddress;
  readonly #context: EventContext;
  readonly #peer = new Uint32Array(ADDRESS_WORDS);
  readonly #lines: LogLimiter;
  /** Kept for the time when there is no other; -1 while it can't be had. */
  #spare = openSpare();

  /** Binds and listens; throws ListenError when the address can't be had. Port 0 takes any free port. */
  constructor(
    thread: TaskThread,
    address: SocketAddress,
    readonly sink: ConnectionSink,
    log: Log,
    { bothFamilies = false, portFlag }: ListenerOptions = {},
  ) {
    const fd = native.tcpListen(address.words, bothFamilies);
    if (fd < 0) throw new ListenError(address, fd, portFlag);
    super(thread);
    this.#lines = new LogLimiter(log, SHEDDING_LINES);
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
      this.sink.accepted(fd, SocketAddress.fromWords(this.#peer));
    }
    this.#context.arm(kReadable);
    return PARK;
  }

  protected override onDeleted(): void {
    super.onDeleted();
    this.#context.close();
    closeSpare(this.#spare);
  }

  // Whatever accept() says, the listener listens on.
  #refused(code: number): void {
    const out =
      code === -Errno.EMFILE || code === -Errno.ENFILE || code === -Errno.ENOBUFS || code === -Errno.ENOMEM;
    if (!out) {
      this.#context.arm(kReadable);
      return;
    }
    const text = `out of descriptors or memory: new connections are closed (${errnoName(code)}); raise "ulimit -n"`;
    this.#lines.write('error', text);
    this.#shed();
    this.setIdleTimer(REST_MS);
  }

  // Those who wait would wait for nothing: they are closed, each with the descriptor that was kept.
  #shed(): void {
    for (let shed = 0; shed < MAX_SHED_PER_RUN; shed++) {
      closeSpare(this.#spare);
      const fd = native.tcpAccept(this.#context.fd, this.#peer);
      if (fd >= 0) native.socketClose(fd);
      this.#spare = openSpare();
      if (fd < 0) return;
    }
  }
}

function openSpare(): number {
  try {
    return openSync('/dev/null', 'r');
  } catch {
    return -1;
  }
}

function closeSpare(fd: number): void {
  if (fd >= 0) closeSync(fd);
}

/** The address can't be listened on: it is taken, not ours, or needs more rights. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  constructor(
    address: SocketAddress,
    readonly code: number,
    portFlag = '--port',
  ) {
    const why =
      code === -Errno.EADDRINUSE
        ? `the port is taken by another program; choose one with ${portFlag}`
        : code === -Errno.EADDRNOTAVAIL
          ? 'this machine has no such address; choose one with --host'
          : code === -Errno.EACCES
            ? `ports below 1024 need more rights; choose another with ${portFlag}`
            : code === -Errno.EAFNOSUPPORT
              ? `this machine has no IPv${address.family}; choose another address with --host`
              : errnoName(code);
    super(`can't listen on ${address}: ${why}`);
  }
}
