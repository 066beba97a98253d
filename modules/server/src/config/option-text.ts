/**
 * Everything that is said about an option: its flag, its environment name, what it expects, the README's table.
 * Called by the command line, the error messages and the test that compares the README. Rule: derived from the row alone.
 */

import type { OptionSpec } from './option-spec';
import { OPTIONS } from './option-table';

const ENV_PREFIX = 'FINCH_';

/** Gives the environment name of an option: `blocking-threads` is FINCH_BLOCKING_THREADS. */
export function envNameOf(option: OptionSpec): string {
  return ENV_PREFIX + option.key.toUpperCase().replaceAll('-', '_');
}

/** Gives the flag with its value as commander reads it: `-p, --port <number>`. */
export function flagOf(option: OptionSpec): string {
  const long = `--${option.key} <${option.valueName}>`;
  return option.short === undefined ? long : `-${option.short}, ${long}`;
}

/** Says what values an option takes, as a noun phrase for error messages: `an integer from 1 to 32`. */
export function describeExpected(option: OptionSpec): string {
  switch (option.kind) {
    case 'integer':
    case 'number': {
      const noun = option.kind === 'integer' ? 'an integer' : 'a number';
      return `${noun} from ${option.min} to ${option.max}${withUnit(option.unit)}`;
    }
    case 'choice':
      return `one of ${option.choices.join(', ')}`;
    case 'addresses':
      return 'IPv4 or IPv6 addresses, separated by commas';
    case 'origins':
      return 'origins such as https://example.org, separated by commas, or *';
    case 'folder':
      return 'a folder';
    case 'file':
    case 'config-file':
      return 'a file';
  }
}

/** Says the default with its unit, or `none`. */
export function describeDefault(option: OptionSpec): string {
  switch (option.kind) {
    case 'integer':
    case 'number':
      return `${option.defaultValue}${withUnit(option.unit)}`;
    case 'folder':
      return option.defaultText;
    case 'file':
    case 'config-file':
      return 'none';
    case 'addresses':
    case 'origins':
      return option.defaultValue.join(',') || 'none';
    default:
      return option.defaultValue;
  }
}

/** Says the allowed values briefly, for `--help` and the README: `1..32`, `error|warn`; empty where the help line says it all. */
export function describeRange(option: OptionSpec): string {
  switch (option.kind) {
    case 'integer':
    case 'number':
      return `${option.min}..${option.max}${withUnit(option.unit)}`;
    case 'choice':
      return option.choices.join('|');
    default:
      return '';
  }
}

/** Writes an option's description in `--help`: the help line, then default, range and environment name. */
export function describeForHelp(option: OptionSpec): string {
  const facts = [`default ${describeDefault(option)}`, describeRange(option), envNameOf(option)];
  return `${option.help} (${facts.filter((fact) => fact !== '').join('; ')})`;
}

/** Writes the README's table of options in Markdown, a line feed after every row. */
export function formatOptionTable(): string {
  const rows = OPTIONS.map((option: OptionSpec) => {
    const flag = option.kind === 'folder' ? `<${option.valueName}>` : `--${option.key}`;
    const key = option.kind === 'config-file' ? '' : `\`${option.key}\``;
    const range = describeRange(option).replaceAll('|', ', ');
    return [`\`${flag}\``, key, `\`${envNameOf(option)}\``, describeDefault(option), range, option.help];
  });
  const header = ['Flag', 'YAML key', 'Environment', 'Default', 'Range', 'Meaning'];
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function withUnit(unit: string): string {
  return unit === '' ? '' : ` ${unit}`;
}
