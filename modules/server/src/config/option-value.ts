/**
 * Turns the text of an option into its value. Called by load-config once per option, for the source that won.
 * Rule: flags, variables and the file give the same texts and so have the same syntax; every schema comes from the table.
 */

import { accessSync, constants, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { types } from 'node:util';
import { z } from 'zod';
import { ConfigError, quoteFound } from './config-error';
import type { NumberOption, OptionSpec } from './option-spec';
import { describeExpected } from './option-text';

/** Is one option's text with where it stood; relative paths in it start at `baseFolder`. */
export interface SourcedText {
  readonly text: string;
  /** `flag --port`, `environment variable FINCH_PORT`, `finch.yaml:3 port`. */
  readonly source: string;
  readonly baseFolder: string;
}

/** Between the items of one text; a list in YAML and repeated flags are joined with it. */
export const LIST_SEPARATOR = ',';
/** Addresses to listen on: each is a listener and a descriptor. */
const MAX_ADDRESSES = 64;
/** Each is compared with that of a handshake. */
const MAX_ORIGINS = 64;
/** Scheme, host and port where it is not the scheme's own, as browsers write them, or all. */
const ORIGIN = /^(\*|[a-z][a-z0-9+.-]*:\/\/[^\s/A-Z]+)$/;

const INTEGER_TEXT = /^-?\d{1,15}$/;
const NUMBER_TEXT = /^-?\d{1,15}(\.\d{1,15})?$/;

function numberSchema(option: NumberOption): z.ZodType<number, string> {
  return z
    .string()
    .regex(option.kind === 'integer' ? INTEGER_TEXT : NUMBER_TEXT)
    .transform(Number)
    .pipe(z.number().min(option.min).max(option.max));
}

const addressesSchema = z
  .string()
  .transform((text) => text.split(LIST_SEPARATOR).map((address) => address.trim()))
  .transform((addresses) => addresses.map((text) => (text === 'localhost' ? '127.0.0.1' : text)))
  .refine((addresses) => addresses.length <= MAX_ADDRESSES && addresses.every((text) => isIP(text) !== 0));

const originsSchema = z
  .string()
  .transform((text) => text.split(LIST_SEPARATOR).map((origin) => origin.trim()))
  .refine((origins) => origins.length <= MAX_ORIGINS && origins.every((text) => ORIGIN.test(text)));

/** Gives the zod schema of a row: from the option's text to its value. Paths are only checked to be there by readOptionValue. */
export function schemaOf(option: OptionSpec): z.ZodType<string | number | readonly string[], string> {
  switch (option.kind) {
    case 'integer':
    case 'number':
      return numberSchema(option);
    case 'choice':
      return z.string().pipe(z.enum(option.choices));
    case 'addresses':
      return addressesSchema;
    case 'origins':
      return originsSchema;
    case 'folder':
    case 'file':
    case 'config-file':
      return z
        .string()
        .min(1)
        .refine((text) => !text.includes('\0'));
  }
}

/**
 * Reads one option's value; a folder or file comes back as an absolute path, a folder's existence is checked.
 * Errors: ConfigError naming the source.
 */
export function readOptionValue(option: OptionSpec, from: SourcedText): string | number | readonly string[] {
  const result = schemaOf(option).safeParse(from.text);
  if (!result.success) throw new ConfigError(from.source, quoteFound(from.text), describeExpected(option));
  if (option.kind === 'folder') return openableFolder(from);
  const isFile = option.kind === 'file' || option.kind === 'config-file';
  return isFile ? resolve(from.baseFolder, from.text) : result.data;
}

function openableFolder(from: SourcedText): string {
  const path = resolve(from.baseFolder, from.text);
  const reject = (problem: string) =>
    new ConfigError(from.source, `${quoteFound(from.text)} ${problem}`, 'a folder that Finch may read');
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    throw reject(`(${describeSystemError(error)})`);
  }
  if (!isFolder) throw reject('(not a folder)');
  try {
    accessSync(path, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw reject(`(${describeSystemError(error)})`);
  }
  return path;
}

/** Says why a system call failed without repeating its path: `ENOENT: no such file or directory`. */
export function describeSystemError(error: unknown): string {
  const text = types.isNativeError(error) ? error.message : String(error);
  return text.split(', ', 1)[0] ?? text;
}
