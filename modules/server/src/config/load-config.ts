/**
 * Puts the configuration together: flag > environment > file > default. Called once by main, on the main thread.
 * Rule: no output, no exit, and only the source that wins is validated, so that a flag can mend a bad variable.
 */

import { parseCommandLine } from './command-line';
import { readConfigFile } from './config-file';
import type { OptionSpec, OptionValue } from './option-spec';
import { type FinchConfig, OPTIONS } from './option-table';
import { envNameOf } from './option-text';
import { readOptionValue, type SourcedText } from './option-value';

/** Is what main does next: serve with `config`, or print `text` (help, version) on stdout and exit with 0. */
export type LoadResult =
  | { readonly kind: 'config'; readonly config: FinchConfig }
  | { readonly kind: 'answer'; readonly text: string };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Loads the configuration from `argv` (the arguments after the program's name), the environment and the file they name.
 * Relative paths start at `workingFolder`, in the file at the file's folder. An empty variable counts as absent, and an
 * unknown FINCH_ variable is left alone: container platforms invent some (FINCH_SERVICE_HOST) for a service of that name.
 * Errors: ConfigError, one line, for whatever is wrong.
 */
export function loadConfig(
  argv: readonly string[],
  env: Environment,
  workingFolder: string = process.cwd(),
): LoadResult {
  const commandLine = parseCommandLine(argv, workingFolder);
  if (commandLine.kind === 'answer') return commandLine;
  const given = new Map([...readEnvironment(env, workingFolder), ...commandLine.texts]);
  const fromFile = given.get('config');
  const all = fromFile ? new Map([...readFileNamedBy(fromFile), ...given]) : given;
  const entries = OPTIONS.map((option) => [option.field, effectiveValue(option, all.get(option.key))]);
  return { kind: 'config', config: Object.freeze(Object.fromEntries(entries)) as FinchConfig };
}

function readEnvironment(env: Environment, baseFolder: string): Map<string, SourcedText> {
  const texts = new Map<string, SourcedText>();
  for (const option of OPTIONS) {
    const name = envNameOf(option);
    const text = env[name];
    if (text) texts.set(option.key, { text, source: `environment variable ${name}`, baseFolder });
  }
  return texts;
}

const CONFIG_OPTION = OPTIONS.find((option) => option.key === 'config')!;

function readFileNamedBy(from: SourcedText): Map<string, SourcedText> {
  return readConfigFile(String(readOptionValue(CONFIG_OPTION, from)), from);
}

function effectiveValue(option: OptionSpec, given: SourcedText | undefined): OptionValue {
  if (given) return readOptionValue(option, given);
  return option.kind === 'file' || option.kind === 'config-file' ? undefined : option.defaultValue;
}
