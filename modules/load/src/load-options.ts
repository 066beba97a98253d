/** What a run of the load generator does. Made by the command line or by benchmarks, read by everything here. */

/** The ways that packets come to viewers. */
export const TRANSPORTS = ['udp', 'tcp', 'http'] as const;

/**
 * `udp`: sockets of their own for each viewer. `tcp`: interleaved on the RTSP connection (RFC 2326 §10.12). `http`: as `tcp`,
 * in a tunnel of a GET and a POST.
 */
export type Transport = (typeof TRANSPORTS)[number];

/** All options of one run; times in the unit of their suffix. */
export interface LoadOptions {
  /** `%d` is replaced by the viewer's number, counted from 0. */
  readonly url: string;
  /** 1 or more. */
  readonly viewers: number;
  readonly rampPerSecond: number;
  /** Between the end of the ramp and the window. */
  readonly settleMs: number;
  /** Length of the window: what is measured. */
  readonly durationMs: number;
  readonly transport: Transport;
  /** Viewers come from 127.0.0.1 to 127.0.0.K, when the server is on this machine. */
  readonly localAddresses: number;
  /** The server's processes, for CPU and memory; none when it runs elsewhere. */
  readonly serverPids: readonly number[];
  /** Viewers replaced by new ones, a second, in the window. */
  readonly churnPerSecond: number;
  /** Seeks of all viewers together, a second, in the window. */
  readonly seeksPerSecond: number;
  /** The share of viewers, 0..1, that stop reading once they play. */
  readonly slowFraction: number;
  /** Whether the server may send frames ahead of their time, to fill players: what is late is told by gaps alone then. */
  readonly takesAhead: boolean;
  /** UDP: receive runs of datagrams in one piece (UDP_GRO). */
  readonly takesRuns: boolean;
  /** Of an RTP socket; 0 leaves it to the kernel. */
  readonly receiveBufferBytes: number;
  /** Of what a slow reader does not read: its connection, or its RTP sockets. */
  readonly slowBufferBytes: number;
  /** Between two reads when nobody waits for an answer. */
  readonly napMs: number;
  /** For each answer, and for the first packet. */
  readonly answerTimeoutMs: number;
  /** A playing viewer without a packet for so long has ended. */
  readonly silenceMs: number;
  /** Of the choice of viewers for churn, seeks and slowness. */
  readonly seed: number;
}

/** What is not named. */
export const DEFAULT_OPTIONS: Omit<LoadOptions, 'url'> = {
  viewers: 1,
  rampPerSecond: 50,
  settleMs: 3500,
  durationMs: 10_000,
  transport: 'udp',
  localAddresses: 8,
  serverPids: [],
  churnPerSecond: 0,
  seeksPerSecond: 0,
  slowFraction: 0,
  takesAhead: false,
  takesRuns: true,
  receiveBufferBytes: 1 << 20,
  slowBufferBytes: 32_768,
  napMs: 2,
  answerTimeoutMs: 20_000,
  silenceMs: 10_000,
  seed: 1,
};
