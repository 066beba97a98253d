/**
 * Options of the process: its threads, its log, its configuration file.
 * Rule: rows of the one table (option-table.ts), in the order of `--help`.
 */

import { LOG_LEVELS } from '@finch/core';
import type { OptionSpec } from './option-spec';

/** Lists what says how the process runs and what it tells. */
export const PROCESS_OPTIONS = [
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
  {
    kind: 'config-file',
    key: 'config',
    field: 'config',
    short: 'c',
    valueName: 'file',
    help: 'YAML file with these options as keys',
  },
] as const satisfies readonly OptionSpec[];
