/**
 * What a module is: an object with a name and a face for each kind of thread. Protocols and media modules alike export one
 * as `finchModule`. Rule: a face runs once on each thread of its kind, before the first client; what it binds stays bound.
 */
import type { PacketBatch } from '../net/packet-batch';
import type { SocketAddress } from '../net/socket-address';
import type { TaskThread } from '../reactor/task-thread';
import type { BlockingCalls } from '../server/blocking-calls';
import type { Log } from '../server/log';
import type { MemoryBudget } from '../server/memory-budget';
import type { RoleChain } from './roles';

/** Plain data out of the configuration; it crosses threads. */
export type ModuleSettings = Readonly<Record<string, unknown>>;

/** The names of Refusal. */
export const REFUSALS = ['server-full', 'address-full', 'memory-spent'] as const;
/** Why a connection is surplus: the server or the client's address has all it may have, or the memory budget is spent. */
export type Refusal = (typeof REFUSALS)[number];

/** Takes the connections of one service on one task thread. */
export interface ConnectionService {
  /** Takes over an accepted descriptor; with a `refusal` it is over a limit and shall only hear so. */
  accept(fd: number, peer: SocketAddress, refusal: Refusal | undefined): void;
  /** Ends all sessions in good order (farewells sent); resolves when they are gone. */
  stop(): Promise<void>;
}

/** A connection that one task gives away to another, of any task thread. */
export interface HandedConnection {
  /** Open, and watched by nobody. */
  readonly fd: number;
  readonly peer: SocketAddress;
  /** What has been read of it already; a copy. */
  readonly bytes: Uint8Array;
  /** What the module has counted of it, for whoever takes it. */
  readonly notes: readonly number[];
}

/** What a module gets on a task thread. */
export interface TaskThreadHost {
  readonly thread: TaskThread;
  /** Which of the task threads it is, 1..threadCount. */
  readonly threadIndex: number;
  readonly threadCount: number;
  readonly batch: PacketBatch;
  readonly roles: RoleChain;
  /** Jobs for the blocking threads. */
  readonly blocking: BlockingCalls;
  readonly settings: ModuleSettings;
  readonly log: Log;
  /** Serves the listeners of this name. */
  serve(name: string, service: ConnectionService): void;
  /** What the process may spend on clients. */
  readonly memory: MemoryBudget;
  /** Says that a connection has ended; exactly once for each one that was accepted or taken and not handed over. */
  connectionClosed(peer: SocketAddress): void;
  /**
   * Claims the connections that this module hands over under `key`, on any task thread, until the returned function is
   * called. A newer claim of a key takes its place. `take` takes over the descriptor.
   */
  claim(key: string, take: (connection: HandedConnection) => void): () => void;
  /** Gives a connection to who claims `key`; one that nobody claims within 10 s is closed. */
  handOver(key: string, connection: HandedConnection): void;
  /** Names what is counted in the thread's snapshot, for people and for leak tests. */
  count(name: string, read: () => number): void;
}

/** What a module gets on a blocking thread. */
export interface BlockingThreadHost {
  readonly settings: ModuleSettings;
  /** What the process may spend on clients. */
  readonly memory: MemoryBudget;
  readonly log: Log;
  /** Answers a job. It may block. `caller` is the task thread that asked. Arguments and results are structured clones. */
  handle<Argument, Result>(job: string, answer: (argument: Argument, caller: number) => Result): void;
  /** Calls `stopping` when the thread is about to end: give back what it holds. */
  onStop(stopping: () => void): void;
}

/** What a package exports as `finchModule`. */
export interface Module {
  /** Short and unique: it is in log lines and in the watchdog's reports. */
  readonly name: string;
  onTaskThread?(host: TaskThreadHost): void;
  onBlockingThread?(host: BlockingThreadHost): void;
}
