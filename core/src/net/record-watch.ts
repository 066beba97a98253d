/**
 * Looks again and again at what encrypted connections have received, and ends those whose records hold next to nothing: a TLS
 * record without content costs the server what it costs a client, node:tls tells of none, and key updates (RFC 8446 §4.6.3) may come
 * without end. Used by the TLS connections of a task thread. Rule: what records add to their content has an allowance that grows
 * with time and content; who has spent it is told, once. A look at an idle connection is one comparison. Thread: one.
 */

/** Between two looks at a connection, in milliseconds; a quarter of a percent of a thread with a thousand connections. */
export const RECORD_LOOK_MS = 50;
/** What a connection may have received beyond its content at any time, in bytes: a handshake, or a record that has come but for its end. */
export const RECORD_ALLOWANCE_BYTES = 20_480;
/** What of it is given back with every look, in bytes: 4 KB a second, or some 150 key updates. */
const GIVEN_BACK_BYTES = 200;
/** A byte of content may be so many on the wire, whatever the allowance: small requests have records of twice their size. */
const WIRE_BYTES_PER_BYTE = 2;

/** A connection that is watched. */
export interface WatchedRecords {
  /** Bytes received so far, those of records. */
  readonly rawBytes: number;
  /** Those of their content. */
  readonly contentBytes: number;
  /** It has spent its allowance; it is watched no more. */
  allowanceSpent(): void;
}

interface Seen {
  rawBytes: number;
  contentBytes: number;
  spentBytes: number;
}

/** The watched connections of a thread; see the head of this file. */
export class RecordWatch {
  readonly #seen = new Map<WatchedRecords, Seen>();
  #timer: NodeJS.Timeout | undefined;

  /** Watches a new connection, until it is removed. */
  add(watched: WatchedRecords): void {
    this.#seen.set(watched, { rawBytes: 0, contentBytes: 0, spentBytes: 0 });
    this.#timer ??= setInterval(() => this.#look(), RECORD_LOOK_MS);
  }

  /** Watches it no more; nothing when it isn't. */
  remove(watched: WatchedRecords): void {
    this.#seen.delete(watched);
    if (this.#seen.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const [watched, seen] of this.#seen) {
      if (!hasSpentAllowance(watched, seen)) continue;
      this.remove(watched);
      watched.allowanceSpent();
    }
  }
}

/** Brings `seen` up to date. */
function hasSpentAllowance(watched: WatchedRecords, seen: Seen): boolean {
  const { rawBytes } = watched;
  let spentBytes = seen.spentBytes - GIVEN_BACK_BYTES;
  if (rawBytes > seen.rawBytes) {
    const { contentBytes } = watched;
    spentBytes += rawBytes - seen.rawBytes - (contentBytes - seen.contentBytes) * WIRE_BYTES_PER_BYTE;
    seen.rawBytes = rawBytes;
    seen.contentBytes = contentBytes;
  }
  seen.spentBytes = Math.max(0, spentBytes);
  return seen.spentBytes > RECORD_ALLOWANCE_BYTES;
}
