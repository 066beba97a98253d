/**
 * What an option may be: a row of the option table, by its kind. Used by the lists of options and by all that is derived from
 * them. Rule: the kind tells how a value is read, checked and described.
 */

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

/**
 * Describes the web pages that are let in, by their origin as browsers send it (RFC 6454 §6.2), or `*` for all. A list as the
 * addresses are.
 */
export interface OriginsOption extends OptionBase {
  readonly kind: 'origins';
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
  | OriginsOption
  | FolderOption
  | FileOption
  | ConfigFileOption;

/** Tells whether an option's value is a list: separated by commas, its flag repeated, or a list in YAML. */
export function isList({ kind }: OptionSpec): boolean {
  return kind === 'addresses' || kind === 'origins';
}

/** Is the value of some option. */
export type OptionValue = string | number | readonly string[] | undefined;
