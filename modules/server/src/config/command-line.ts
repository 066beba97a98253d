/**
 * Reads the command line with commander. Called by load-config.
 * Rule: it only collects texts; it never exits, never prints and never validates a value.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { ConfigError } from './config-error';
import { isList, type OptionSpec } from './option-spec';
import { OPTIONS } from './option-table';
import { describeForHelp, flagOf } from './option-text';
import { LIST_SEPARATOR, type SourcedText } from './option-value';

/** The help text's width; fixed, so that it reads the same in a pipe, in a log and in the README. */
const HELP_WIDTH_COLUMNS = 100;

/** Is what the command line asked for: options by key, or a text to print on stdout before exiting with 0. */
export type CommandLine =
  | { readonly kind: 'options'; readonly texts: ReadonlyMap<string, SourcedText> }
  | { readonly kind: 'answer'; readonly text: string };

/**
 * Parses the arguments after the program's name.
 * Errors: ConfigError on an unknown flag, a missing value or a second folder.
 */
export function parseCommandLine(argv: readonly string[], workingFolder: string): CommandLine {
  let printed = '';
  const command = buildCommand((text) => {
    printed += text;
  });
  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'answer', text: printed };
    throw new ConfigError('command line', oneLine(error.message), 'the flags that --help lists');
  }
  return { kind: 'options', texts: collectTexts(command, workingFolder) };
}

function buildCommand(print: (text: string) => void): Command {
  const command = new Command('finch')
    .description('Serves a folder of ordinary movies over RTSP.')
    .version(readVersion(), '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Print this help')
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: () => {},
      getOutHelpWidth: () => HELP_WIDTH_COLUMNS,
      getOutHasColors: () => false,
    })
    .addHelpText('after', '\nA flag wins over the environment, the environment over the file.');
  for (const option of OPTIONS as readonly OptionSpec[]) {
    if (option.kind === 'folder') command.argument(`[${option.key}]`, describeForHelp(option));
    else if (isList(option)) command.option(flagOf(option), describeForHelp(option), joinRepeated);
    else command.option(flagOf(option), describeForHelp(option));
  }
  return command;
}

function joinRepeated(text: string, before: string | undefined): string {
  return before === undefined ? text : `${before}${LIST_SEPARATOR}${text}`;
}

function collectTexts(command: Command, baseFolder: string): Map<string, SourcedText> {
  const texts = new Map<string, SourcedText>();
  const flags = z.record(z.string(), z.string()).parse(command.opts());
  for (const option of OPTIONS as readonly OptionSpec[]) {
    const isArgument = option.kind === 'folder';
    const text = isArgument ? command.args[0] : flags[attributeOf(option.key)];
    if (text === undefined) continue;
    const source = isArgument ? `argument <${option.valueName}>` : `flag --${option.key}`;
    texts.set(option.key, { text, source, baseFolder });
  }
  return texts;
}

/** Commander keeps the value of --blocking-threads as blockingThreads. */
function attributeOf(key: string): string {
  return key.replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function oneLine(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ')
    .replace(/\.$/, '');
}

function readVersion(): string {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
