/**
 * Reads the command line of `finch load` with commander. Called by main.
 * Rule: it never prints and never exits; what is wrong is a UsageError of one line.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type CapacitySearch, DEFAULT_LIMITS } from './capacity';
import { DEFAULT_OPTIONS, type LoadOptions, TRANSPORTS, type Transport } from './load-options';

const HELP_WIDTH_COLUMNS = 100;
const DEFAULT_MOST_VIEWERS = 10_000;
const DEFAULT_FIRST_VIEWERS = 50;
const DEFAULT_PRECISION = 0.1;
/** What else a machine does spoils one run, but hardly two. */
const DEFAULT_ATTEMPTS = 2;

/** What was wrong with the command line, in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What the command line asked for. */
export type LoadCommand =
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'load'; readonly options: LoadOptions; readonly jsonFile: string }
  | {
      readonly kind: 'capacity';
      readonly options: LoadOptions;
      readonly jsonFile: string;
      readonly svgFile: string;
      readonly search: CapacitySearch;
    };

interface Flags {
  readonly viewers: number;
  readonly ramp: number;
  readonly settle: number;
  readonly duration: number;
  readonly transport: Transport;
  readonly localAddresses: number;
  readonly serverPid: number[];
  readonly churn: number;
  readonly seeks: number;
  readonly slow: number;
  readonly ahead: boolean;
  readonly gro: boolean;
  readonly receiveBuffer: number;
  readonly nap: number;
  readonly seed: number;
  readonly json: string;
  readonly capacity: boolean;
  readonly svg: string;
  readonly most: number;
  readonly precision: number;
  readonly attempts: number;
  readonly maxLateness: number;
}

/** Parses the arguments after the program's name. Throws UsageError. */
export function parseCommandLine(argv: readonly string[]): LoadCommand {
  let printed = '';
  const command = buildCommand((text) => {
    printed += text;
  });
  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'answer', text: printed };
    throw new UsageError(error.message.replace(/^error: /, '').replace(/\s+/g, ' '));
  }
  return commandOf(command.args[0]!, command.opts<Flags>());
}

function buildCommand(print: (text: string) => void): Command {
  const number = numberFrom(0);
  const count = integerFrom(1);
  return new Command('finch load')
    .description(
      'Plays an RTSP URL to many viewers at once and tells what they saw. Any RTSP server will do.',
    )
    .argument('<url>', 'what to play: rtsp://host:port/movie.mp4; %d becomes the number of the viewer')
    .option(
      '-n, --viewers <count>',
      'viewers; where to begin with --capacity',
      count,
      DEFAULT_OPTIONS.viewers,
    )
    .option('--ramp <rate>', 'new viewers a second', numberFrom(0.1), DEFAULT_OPTIONS.rampPerSecond)
    .option('--settle <s>', 'wait between the ramp and the window', number, DEFAULT_OPTIONS.settleMs / 1000)
    .option(
      '--duration <s>',
      'length of the window, which is measured',
      number,
      DEFAULT_OPTIONS.durationMs / 1000,
    )
    .addOption(
      new Option('-t, --transport <way>', 'how packets come')
        .choices(TRANSPORTS)
        .default(DEFAULT_OPTIONS.transport),
    )
    .option(
      '--local-addresses <count>',
      'viewers come from 127.0.0.1 up',
      count,
      DEFAULT_OPTIONS.localAddresses,
    )
    .option('--server-pid <pid>', "a server's process, for CPU and memory; may be repeated", collectPid, [])
    .option('--churn <rate>', 'viewers a second that leave and are replaced', number, 0)
    .option('--seeks <rate>', 'seeks a second, of all viewers together', number, 0)
    .option('--slow <share>', 'share of the viewers that stop reading, 0..1', numberFrom(0, 1), 0)
    .option('--ahead', 'let the server send ahead of time, as players do: over TCP, Finch fills them', false)
    .option('--no-gro', 'receive datagrams one by one, not in runs')
    .option(
      '--receive-buffer <bytes>',
      'of an RTP socket',
      integerFrom(0),
      DEFAULT_OPTIONS.receiveBufferBytes,
    )
    .option('--nap <ms>', 'between two reads', numberFrom(0.01), DEFAULT_OPTIONS.napMs)
    .option('--seed <number>', 'of the choice of viewers', integerFrom(0), DEFAULT_OPTIONS.seed)
    .option('--json <file>', 'write the report; - is stdout', '')
    .option('--capacity', 'look for the number of viewers that the server carries', false)
    .option('--svg <file>', 'with --capacity: draw the curve', '')
    .option('--most <count>', 'with --capacity: no more viewers than this', count, DEFAULT_MOST_VIEWERS)
    .option('--precision <share>', 'with --capacity: how exact', numberFrom(0.01, 1), DEFAULT_PRECISION)
    .option(
      '--attempts <count>',
      'with --capacity: runs before a number of viewers is too many',
      count,
      DEFAULT_ATTEMPTS,
    )
    .option('--max-lateness <ms>', 'with --capacity: p99', number, DEFAULT_LIMITS.maxP99Ms)
    .helpOption('-h, --help', 'Print this help')
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => {}, getOutHelpWidth: () => HELP_WIDTH_COLUMNS });
}

function commandOf(url: string, flags: Flags): LoadCommand {
  const options: LoadOptions = {
    ...DEFAULT_OPTIONS,
    url,
    viewers: flags.viewers,
    rampPerSecond: flags.ramp,
    settleMs: flags.settle * 1000,
    durationMs: flags.duration * 1000,
    transport: flags.transport,
    localAddresses: flags.localAddresses,
    serverPids: flags.serverPid,
    churnPerSecond: flags.churn,
    seeksPerSecond: flags.seeks,
    slowFraction: flags.slow,
    takesAhead: flags.ahead,
    takesRuns: flags.gro,
    receiveBufferBytes: flags.receiveBuffer,
    napMs: flags.nap,
    seed: flags.seed,
  };
  if (flags.capacity && flags.ahead)
    throw new UsageError('--capacity judges lateness, and with --ahead nothing is late: use one of them');
  if (!flags.capacity) return { kind: 'load', options, jsonFile: flags.json };
  const search = {
    first: flags.viewers > 1 ? flags.viewers : DEFAULT_FIRST_VIEWERS,
    most: flags.most,
    precision: flags.precision,
    attempts: flags.attempts,
    limits: { ...DEFAULT_LIMITS, maxP99Ms: flags.maxLateness },
  };
  return { kind: 'capacity', options, jsonFile: flags.json, svgFile: flags.svg, search };
}

function numberFrom(min: number, max = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= min && value <= max) return value;
    throw new InvalidArgumentError(
      `Expected a number of ${min}${max === Infinity ? ' or more' : `..${max}`}.`,
    );
  };
}

function integerFrom(min: number): (text: string) => number {
  const read = numberFrom(min);
  return (text) => {
    const value = read(text);
    if (Number.isSafeInteger(value)) return value;
    throw new InvalidArgumentError('Expected a whole number.');
  };
}

function collectPid(text: string, before: number[]): number[] {
  return [...before, integerFrom(1)(text)];
}
