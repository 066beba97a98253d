/**
 * The limits that bound the memory and the work one connection can ask for. Used by the parser's constructor.
 * Rule: nothing a peer sends is kept beyond these numbers.
 */

/** States how much of one message a parser accepts. */
export interface ParserLimits {
  /** Bytes of start line and headers with their line ends, 1 or more; also bounds a run of blank lines. 16 KiB. */
  readonly maxHeaderBytes: number;
  /** Header fields of one message, 0 or more; a folded field counts once. 100. */
  readonly maxHeaderCount: number;
  /** Bytes of one body, 0 or more. 1 MiB. */
  readonly maxBodyBytes: number;
  /** Payload bytes of one interleaved frame, 0..65535. 65535. */
  readonly maxFrameBytes: number;
}

/** Largest payload the 16-bit length of an interleaved frame can state, in bytes (RFC 2326 §10.12). */
export const MAX_FRAME_BYTES = 0xffff;

/** Names the limits in force where an option is left out. */
export const DEFAULT_LIMITS: ParserLimits = {
  maxHeaderBytes: 16 * 1024,
  maxHeaderCount: 100,
  maxBodyBytes: 1024 * 1024,
  maxFrameBytes: MAX_FRAME_BYTES,
};

/**
 * Completes the given limits with the defaults.
 * Errors: RangeError naming the limit that is no integer of its range.
 */
export function resolveLimits(limits: Partial<ParserLimits>): ParserLimits {
  const resolved = { ...DEFAULT_LIMITS, ...limits };
  requireInteger('maxHeaderBytes', resolved.maxHeaderBytes, 1, Number.MAX_SAFE_INTEGER);
  requireInteger('maxHeaderCount', resolved.maxHeaderCount, 0, Number.MAX_SAFE_INTEGER);
  requireInteger('maxBodyBytes', resolved.maxBodyBytes, 0, Number.MAX_SAFE_INTEGER);
  requireInteger('maxFrameBytes', resolved.maxFrameBytes, 0, MAX_FRAME_BYTES);
  return resolved;
}

/** Throws a RangeError naming `argument` unless `value` is an integer of `lowest..highest`. */
export function requireInteger(argument: string, value: number, lowest: number, highest: number): void {
  if (!Number.isInteger(value) || value < lowest || value > highest) {
    throw new RangeError(`${argument}: expected an integer of ${lowest}..${highest}, found ${value}`);
  }
}
