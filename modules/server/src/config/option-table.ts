/**
 * The one table of Finch's options. Flags, environment names, YAML keys, validation, `--help` and the README's table are
 * all derived from it by the files beside this one.
 * Rule: an option is added, renamed or re-ranged in the list of its group, which is a part of this table, and nowhere else.
 */

import { LIMIT_OPTIONS } from './limit-options';
import type { OptionSpec } from './option-spec';
import { PROCESS_OPTIONS } from './process-options';
import { SENDING_OPTIONS } from './sending-options';
import { SERVING_OPTIONS } from './serving-options';

/** Lists every option, in the order of `--help` and of the README. Values from several sources: flag > env > file > default. */
export const OPTIONS = [
  ...SERVING_OPTIONS,
  ...PROCESS_OPTIONS,
  ...LIMIT_OPTIONS,
  ...SENDING_OPTIONS,
] as const satisfies readonly OptionSpec[];

type Row = (typeof OPTIONS)[number];
type ValueOf<R> = R extends { kind: 'integer' | 'number' }
  ? number
  : R extends { kind: 'choice'; choices: readonly (infer Choice)[] }
    ? Choice
    : R extends { kind: 'file' | 'config-file' }
      ? string | undefined
      : R extends { kind: 'addresses' | 'origins' }
        ? readonly string[]
        : string;

/**
 * Holds the effective configuration, one field per row of the table; frozen.
 * Units: in the field's suffix (`sendWindowMs`, `sessionTimeoutSeconds`, `maxPacketBytes`). Paths are absolute.
 */
export type FinchConfig = { readonly [R in Row as R['field']]: ValueOf<R> };
