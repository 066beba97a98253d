/**
 * Log lines that clients can cause at will: a few at once, then a few a minute. Used by whoever logs what a request did.
 * Rule: a client can't fill the disk; what was left out is counted and told with the next line. Thread: its maker's.
 */
import type { Log, LogFields, LogLevel } from './log';

const MS_PER_MINUTE = 60_000;

/** How many lines pass. */
export interface LogAllowance {
  /** Lines at once, 1 or more. */
  readonly burst: number;
  /** Lines a minute in the long run, above 0. */
  readonly perMinute: number;
}

/** A limited way into a log; see the head of this file. */
export class LogLimiter {
  readonly #log: Log;
  readonly #allowance: LogAllowance;
  readonly #nowMs: () => number;
  #tokens: number;
  #countedMs: number;
  #leftOut = 0;

  /** `nowMs` tells the time in milliseconds; any clock that does not go back. */
  constructor(log: Log, allowance: LogAllowance, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#allowance = allowance;
    this.#nowMs = nowMs;
    this.#tokens = allowance.burst;
    this.#countedMs = nowMs();
  }

  /** Writes a line, or leaves it out and counts it. */
  write(level: LogLevel, message: string, fields?: LogFields): void {
    this.#refill();
    if (this.#tokens < 1) {
      this.#leftOut++;
      return;
    }
    this.#tokens--;
    if (this.#leftOut > 0) this.#log[level](`${this.#leftOut} lines like the next one were left out`);
    this.#leftOut = 0;
    this.#log[level](message, fields);
  }

  #refill(): void {
    const { burst, perMinute } = this.#allowance;
    const nowMs = this.#nowMs();
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#countedMs) / MS_PER_MINUTE) * perMinute);
    this.#countedMs = nowMs;
  }
}
