/** What main thread and workers tell each other. Plain data only; descriptors travel as numbers of the one process. */
import type { MessagePort } from 'node:worker_threads';
import type { ModuleSettings } from '../module/module';
import type { TaskRef } from '../reactor/task-ref';
import type { LogFields, LogLevel } from './log';

/** A module to load: a path or package name that `require` finds, and its settings. */
export interface ModuleSpec {
  readonly path: string;
  readonly settings: ModuleSettings;
}

/** What a task thread starts with. */
export interface TaskThreadStart {
  readonly threadIndex: number;
  /** Task threads of the server; they are numbered from 1. */
  readonly threadCount: number;
  readonly statsMemory: SharedArrayBuffer;
  /** The packet batch's counters, a Float64Array. */
  readonly countersMemory: SharedArrayBuffer;
  readonly modules: readonly ModuleSpec[];
  /** The services that connections are accepted for; rows of the connection queue name them by their place. */
  readonly services: readonly string[];
  readonly blockingPorts: readonly MessagePort[];
  readonly longRunLimitUs: number;
  readonly memory: SharedMemoryBudget;
  readonly logLevel: LogLevel;
  /** Which of the processors that the process may use the thread stays on (modulo their number); null: any. */
  readonly processor: number | null;
}

/** The memory budget on its way to a thread. */
export interface SharedMemoryBudget {
  readonly limitBytes: number;
  readonly page: SharedArrayBuffer;
}

/** What a blocking thread starts with: a port to each task thread, by its index. */
export interface BlockingThreadStart {
  readonly modules: readonly ModuleSpec[];
  readonly callers: readonly { readonly threadIndex: number; readonly port: MessagePort }[];
  readonly memory: SharedMemoryBudget;
  readonly logLevel: LogLevel;
}

/** A connection that came for a claim. */
export interface DeliveredMessage {
  readonly kind: 'delivered';
  readonly claim: number;
  readonly fd: number;
  readonly peer: Uint32Array;
  readonly bytes: Uint8Array;
  readonly notes: readonly number[];
}

/** A connection that its task thread gives away to who claims `key`. */
export interface HandedOverMessage {
  readonly kind: 'handed-over';
  readonly key: string;
  readonly fd: number;
  readonly peer: Uint32Array;
  /** What had been read of it already. */
  readonly bytes: Uint8Array;
  /** What its module has counted of it. */
  readonly notes: readonly number[];
}

/** Main thread to task thread. */
export type ToTaskThread =
  | DeliveredMessage
  | { readonly kind: 'inspect'; readonly id: number }
  | { readonly kind: 'stop' };

/** What lives on a task thread, counted. */
export interface ThreadSnapshot {
  readonly threadIndex: number;
  /** Live tasks by class. */
  readonly tasks: Readonly<Record<string, number>>;
  /** What modules count: connections, sessions, plans … */
  readonly counts: Readonly<Record<string, number>>;
}

/** A line of a worker's log. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Worker to main thread. */
export type FromWorker =
  | {
      readonly kind: 'ready';
      /** The task that takes connections in, on a task thread. */
      readonly arrivals?: TaskRef;
    }
  | { readonly kind: 'log'; readonly lines: readonly LogLine[] }
  | {
      readonly kind: 'task-class';
      readonly classId: number;
      readonly className: string;
      readonly moduleName: string;
    }
  | { readonly kind: 'claim' | 'claim-ended'; readonly key: string; readonly id: number }
  | HandedOverMessage
  | { readonly kind: 'snapshot'; readonly id: number; readonly snapshot: ThreadSnapshot }
  | { readonly kind: 'stopped'; readonly snapshot: ThreadSnapshot };
