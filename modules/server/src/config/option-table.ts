/**
 * The one table of Finch's options. Flags, environment names, YAML keys, validation, `--help` and the README's table are
 * all derived from it by the files beside this one.
 * Rule: an option is added, renamed or re-ranged here and nowhere else.
 */

import { join } from 'node:path';
import { LOG_LEVELS } from '@finch/core';

/** Points at the folder of the bundled sample movie, served when no folder is named. Relative to dist/config/. */
export const SAMPLE_FOLDER = join(__dirname, '..', '..', 'sample');

interface OptionBase {
  /** Kebab-case: the flag without its dashes and the YAML key. */
  readonly key: string;
  /** The field of FinchConfig: camelCase, with the unit as suffix when there is one. */
  readonly field: string;
  /** What stands in angle brackets after the flag in `--help`. */
  readonly valueName: string;
  /** One line for people; starts with a noun or a verb, no full stop. */
  readonly help: string;
  /** One-letter flag. */
  readonly short?: string;
}

/** Describes a number: `integer` takes decimal digits only, `number` a decimal fraction too; both bounds are included. */
export interface NumberOption extends OptionBase {
  readonly kind: 'integer' | 'number';
  readonly unit: '' | 's' | 'ms' | 'bytes' | 'MiB';
  readonly min: number;
  readonly max: number;
  readonly defaultValue: number;
}

/** Describes an option that takes one word of a list. */
export interface ChoiceOption extends OptionBase {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  readonly defaultValue: string;
}

/**
 * Describes the addresses to listen on: IPv4 or IPv6 literals, or `localhost`, which becomes 127.0.0.1. Separated by commas; the flag
 * may be repeated, the YAML value may be a list.
 */
export interface AddressesOption extends OptionBase {
  readonly kind: 'addresses';
  readonly defaultValue: readonly string[];
}

/** Describes the movie folder: the positional argument of the command line, an ordinary key elsewhere. */
export interface FolderOption extends OptionBase {
  readonly kind: 'folder';
  readonly defaultValue: string;
  /** Stands for the default in texts, where this machine's path would mean nothing. */
  readonly defaultText: string;
}

/** Describes a file that is named or not; that it can be read is found out by whoever reads it. */
export interface FileOption extends OptionBase {
  readonly kind: 'file';
}

/** Describes the configuration file: a flag and an environment name, never a key of the file itself. */
export interface ConfigFileOption extends OptionBase {
  readonly kind: 'config-file';
}

/** Is any row of the table; `kind` tells which. */
export type OptionSpec =
  | NumberOption
  | ChoiceOption
  | AddressesOption
  | FolderOption
  | FileOption
  | ConfigFileOption;

/** Lists every option, in the order of `--help` and of the README. Values from several sources: flag > env > file > default. */
export const OPTIONS = [
  {
    kind: 'folder',
    key: 'media',
    field: 'media',
    valueName: 'folder',
    defaultValue: SAMPLE_FOLDER,
    defaultText: 'the bundled sample',
    help: 'Folder whose movies are served',
  },
  {
    kind: 'integer',
    key: 'port',
    field: 'port',
    short: 'p',
    valueName: 'number',
    unit: '',
    min: 0,
    max: 65535,
    defaultValue: 8554,
    help: 'TCP port of RTSP; 0 takes any free port',
  },
  {
    kind: 'addresses',
    key: 'host',
    field: 'hosts',
    valueName: 'address',
    defaultValue: ['::'],
    help: 'Addresses to listen on, several with commas; 0.0.0.0 is every IPv4 address, :: every address',
  },
  {
    kind: 'file',
    key: 'tls-certificate',
    field: 'tlsCertificate',
    valueName: 'file',
    help: 'Certificate (PEM, with its chain) for RTSPS, which is served when this and --tls-key are given',
  },
  {
    kind: 'file',
    key: 'tls-key',
    field: 'tlsKey',
    valueName: 'file',
    help: 'Private key of the certificate (PEM, without passphrase)',
  },
  {
    kind: 'integer',
    key: 'tls-port',
    field: 'tlsPort',
    valueName: 'number',
    unit: '',
    min: 0,
    max: 65535,
    defaultValue: 8322,
    help: 'TCP port of RTSPS; 0 takes any free port',
  },
  {
    kind: 'integer',
    key: 'threads',
    field: 'threads',
    valueName: 'count',
    unit: '',
    min: 1,
    max: 32,
    defaultValue: 1,
    help: 'Task threads, which send; one carries about a thousand sessions, and fewer make fuller batches',
  },
  {
    kind: 'integer',
    key: 'blocking-threads',
    field: 'blockingThreads',
    valueName: 'count',
    unit: '',
    min: 1,
    max: 32,
    defaultValue: 1,
    help: 'Threads for what waits on the disk: opening and indexing movies',
  },
  {
    kind: 'choice',
    key: 'pin-threads',
    field: 'pinThreads',
    valueName: 'when',
    choices: ['off', 'on'],
    defaultValue: 'off',
    help: 'Each task thread stays on a core of its own, of those that the process may use',
  },
  {
    kind: 'choice',
    key: 'log-level',
    field: 'logLevel',
    valueName: 'level',
    choices: LOG_LEVELS,
    defaultValue: 'info',
    help: 'How talkative the log is',
  },
  {
    kind: 'config-file',
    key: 'config',
    field: 'config',
    short: 'c',
    valueName: 'file',
    help: 'YAML file with these options as keys',
  },
  {
    kind: 'integer',
    key: 'session-timeout',
    field: 'sessionTimeoutSeconds',
    valueName: 'seconds',
    unit: 's',
    min: 10,
    max: 3600,
    defaultValue: 60,
    help: 'Silence after which a session is closed',
  },
  {
    kind: 'integer',
    key: 'max-connections',
    field: 'maxConnections',
    valueName: 'count',
    unit: '',
    min: 1,
    max: 1_000_000,
    defaultValue: 10_000,
    help: 'Connections at a time; a surplus client is answered 453',
  },
  {
    kind: 'integer',
    key: 'max-connections-per-address',
    field: 'maxConnectionsPerAddress',
    valueName: 'count',
    unit: '',
    min: 1,
    max: 1_000_000,
    defaultValue: 5_000,
    help: 'Connections of one client address (IPv6: of one /64) at a time, and sessions; a surplus one is answered 453',
  },
  {
    kind: 'integer',
    key: 'max-sessions-per-connection',
    field: 'maxSessionsPerConnection',
    valueName: 'count',
    unit: '',
    min: 1,
    max: 1_000_000,
    defaultValue: 32,
    help: 'Sessions that one connection may have at a time; one more is answered 453',
  },
  {
    kind: 'integer',
    key: 'max-header-bytes',
    field: 'maxHeaderBytes',
    valueName: 'bytes',
    unit: 'bytes',
    min: 1024,
    max: 1_048_576,
    defaultValue: 16_384,
    help: 'Request line and headers of a request; more is answered 413 or 414',
  },
  {
    kind: 'integer',
    key: 'max-body-bytes',
    field: 'maxBodyBytes',
    valueName: 'bytes',
    unit: 'bytes',
    min: 0,
    max: 16_777_216,
    defaultValue: 65_536,
    help: 'Body of a request; more is answered 413',
  },
  {
    kind: 'integer',
    key: 'max-requests-per-second',
    field: 'maxRequestsPerSecond',
    valueName: 'count',
    unit: '',
    min: 1,
    max: 1_000_000,
    defaultValue: 200,
    help: 'Requests of one connection in the long run, five times as many at once; more are answered 503 and slowed down',
  },
  {
    kind: 'number',
    key: 'idle-timeout',
    field: 'idleTimeoutSeconds',
    valueName: 'seconds',
    unit: 's',
    min: 1,
    max: 3600,
    defaultValue: 60,
    help: 'Silence after which a connection without a session is closed',
  },
  {
    kind: 'number',
    key: 'request-timeout',
    field: 'requestTimeoutSeconds',
    valueName: 'seconds',
    unit: 's',
    min: 1,
    max: 600,
    defaultValue: 10,
    help: 'Time to finish a request that was begun, or to bring the other half of an HTTP tunnel',
  },
  {
    kind: 'integer',
    key: 'memory-budget',
    field: 'memoryBudgetMiB',
    valueName: 'MiB',
    unit: 'MiB',
    min: 0,
    max: 1_048_576,
    defaultValue: 0,
    help: 'Memory that clients may cost: connections, sessions, file indexes, packet plans; 0 is half of what the machine has',
  },
  {
    kind: 'integer',
    key: 'max-packet-bytes',
    field: 'maxPacketBytes',
    valueName: 'bytes',
    unit: 'bytes',
    min: 576,
    max: 65507,
    defaultValue: 1472,
    help: 'Largest RTP packet, its header included (the payload of a UDP datagram)',
  },
  {
    kind: 'number',
    key: 'send-window',
    field: 'sendWindowMs',
    valueName: 'ms',
    unit: 'ms',
    min: 0.25,
    max: 20,
    defaultValue: 5,
    help: 'Packets due within this time leave together: longer costs less CPU, shorter is smoother',
  },
  {
    kind: 'number',
    key: 'send-ahead',
    field: 'sendAheadMs',
    valueName: 'ms',
    unit: 'ms',
    min: 0,
    max: 10_000,
    defaultValue: 0,
    help: 'How far ahead of its time a packet may be sent, to fill the player',
  },
  {
    kind: 'choice',
    key: 'overbuffer',
    field: 'overbuffer',
    valueName: 'carrier',
    choices: ['tcp', 'all', 'off'],
    defaultValue: 'tcp',
    help: 'Whose players are filled faster than they show: viewers over TCP, or all',
  },
  {
    kind: 'number',
    key: 'overbuffer-rate',
    field: 'overbufferRate',
    valueName: 'factor',
    unit: '',
    min: 1,
    max: 10,
    defaultValue: 2,
    help: 'How many times as fast as it is shown a movie is sent while the player is filled',
  },
  {
    kind: 'number',
    key: 'overbuffer-time',
    field: 'overbufferSeconds',
    valueName: 'seconds',
    unit: 's',
    min: 0,
    max: 120,
    defaultValue: 25,
    help: 'How far ahead of its time filling the player goes',
  },
  {
    kind: 'choice',
    key: 'thinning',
    field: 'thinning',
    valueName: 'switch',
    choices: ['on', 'off'],
    defaultValue: 'on',
    help: 'Whether a viewer whose network is too narrow goes without some pictures',
  },
  {
    kind: 'number',
    key: 'thin-loss',
    field: 'thinLossPercent',
    valueName: 'percent',
    unit: '',
    min: 5,
    max: 100,
    defaultValue: 30,
    help: 'Loss of packets, in percent, that thins what a UDP viewer gets when three reports in a row tell it',
  },
  {
    kind: 'choice',
    key: 'retransmission',
    field: 'retransmission',
    valueName: 'profile',
    choices: ['avp', 'avpf', 'off'],
    defaultValue: 'avp',
    help: 'Whether UDP viewers may ask for lost packets again; avpf also names RTP/AVPF to GStreamer, which asks in that alone',
  },
  {
    kind: 'integer',
    key: 'queue-bytes',
    field: 'queueBytes',
    valueName: 'bytes',
    unit: 'bytes',
    min: 65_536,
    max: 1_000_000_000,
    defaultValue: 8_000_000,
    help: 'Most that waits in memory for a viewer who does not keep up',
  },
  {
    kind: 'number',
    key: 'queue-time',
    field: 'queueSeconds',
    valueName: 'seconds',
    unit: 's',
    min: 1,
    max: 600,
    defaultValue: 10,
    help: 'How long a viewer may not keep up before his connection is closed',
  },
  {
    kind: 'number',
    key: 'udp-spread',
    field: 'udpSpreadMs',
    valueName: 'ms',
    unit: 'ms',
    min: 0,
    max: 1000,
    defaultValue: 20,
    help: 'The packets of a large frame leave over UDP within this time, ten at once; 0: all at once, as on loopback',
  },
  {
    kind: 'number',
    key: 'watchdog-limit',
    field: 'watchdogLimitMs',
    valueName: 'ms',
    unit: 'ms',
    min: 10,
    max: 60_000,
    defaultValue: 100,
    help: 'A task that holds its thread longer than this is named in the log',
  },
  {
    kind: 'integer',
    key: 'stats-interval',
    field: 'statsIntervalSeconds',
    valueName: 'seconds',
    unit: 's',
    min: 0,
    max: 86400,
    defaultValue: 0,
    help: 'How often the log tells what each task thread does: load, lateness, packets; 0 is never',
  },
] as const satisfies readonly OptionSpec[];

type Row = (typeof OPTIONS)[number];
type ValueOf<R> = R extends { kind: 'integer' | 'number' }
  ? number
  : R extends { kind: 'choice'; choices: readonly (infer Choice)[] }
    ? Choice
    : R extends { kind: 'file' | 'config-file' }
      ? string | undefined
      : R extends { kind: 'addresses' }
        ? readonly string[]
        : string;

/** Is the value of some option. */
export type OptionValue = string | number | readonly string[] | undefined;

/**
 * Holds the effective configuration, one field per row of the table; frozen.
 * Units: in the field's suffix (`sendWindowMs`, `sessionTimeoutSeconds`, `maxPacketBytes`). Paths are absolute.
 */
export type FinchConfig = { readonly [R in Row as R['field']]: ValueOf<R> };
