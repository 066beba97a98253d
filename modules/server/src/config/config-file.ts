/**
 * Reads the YAML configuration file. Called by load-config when --config or FINCH_CONFIG names one.
 * Rule: a flat map of known keys to single values, or to a list where an option takes several; every error names the file and the line. YAML 1.2.
 */

import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { ConfigError, quoteFound } from './config-error';
import { isList, type OptionSpec } from './option-spec';
import { OPTIONS } from './option-table';
import { describeExpected } from './option-text';
import { describeSystemError, LIST_SEPARATOR, type SourcedText } from './option-value';

/** A configuration is a screenful; what is larger is the wrong file, a movie perhaps. */
const MAX_FILE_BYTES = 65_536;

/**
 * Reads the file's options by key; paths in it start at the file's own folder.
 * `path` is absolute; `from` is the flag or variable that named the file, for the messages.
 * Errors: ConfigError when the file can't be read, is no flat map, or has an unknown key.
 */
export function readConfigFile(path: string, from: SourcedText): Map<string, SourcedText> {
  const lineCounter = new LineCounter();
  const document = parseDocument(readText(path, from), { lineCounter, prettyErrors: false });
  const at = (offset: number) => `${from.text}:${lineCounter.linePos(offset).line}`;
  const [error] = document.errors;
  if (error) throw new ConfigError(at(error.pos[0]), error.message.replace(/\s+/g, ' '), 'valid YAML');
  const texts = new Map<string, SourcedText>();
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return texts; // an empty file, or only comments
  if (!isMap(root)) throw new ConfigError(`${from.text}:1`, 'no map', 'lines of the form `key: value`');
  for (const pair of (root as YAMLMap<Node, Node | null>).items) {
    const key = readKey(pair, at);
    texts.set(key.text, { text: readValue(pair, key), source: key.source, baseFolder: dirname(path) });
  }
  return texts;
}

interface Key {
  readonly option: OptionSpec;
  readonly text: string;
  readonly source: string;
}

function readKey(pair: Pair<Node, Node | null>, at: (offset: number) => string): Key {
  const text = isScalar(pair.key) ? String(pair.key.value) : 'a list or map';
  const place = at(pair.key.range?.[0] ?? 0);
  const options = OPTIONS.filter((option) => option.kind !== 'config-file');
  const option = options.find((known) => known.key === text);
  if (option) return { option, text, source: `${place} ${text}` };
  const keys = options.map((known) => known.key).join(', ');
  throw new ConfigError(place, `unknown key ${quoteFound(text)}`, `one of ${keys}`);
}

/** The value as it is written, unquoted: a folder named 2024 stays a text, and the table's row decides what it means. */
function readValue(pair: Pair<Node, Node | null>, key: Key): string {
  const { value } = pair;
  const items = isSeq<Node>(value) && isList(key.option) ? value.items : [value];
  return items.map((item) => readScalar(item, key)).join(LIST_SEPARATOR);
}

function readScalar(value: Node | null, key: Key): string {
  if (!isScalar(value))
    throw new ConfigError(key.source, 'a list, map or alias', describeExpected(key.option));
  const text = value.source ?? '';
  if (text === '') throw new ConfigError(key.source, 'nothing', describeExpected(key.option));
  return text;
}

function readText(path: string, from: SourcedText): string {
  const reject = (problem: string) =>
    new ConfigError(from.source, `${quoteFound(from.text)} (${problem})`, 'a YAML file that Finch may read');
  try {
    const status = statSync(path);
    if (!status.isFile()) throw reject('not a file');
    if (status.size > MAX_FILE_BYTES) throw reject(`${status.size} bytes, more than ${MAX_FILE_BYTES}`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw error instanceof ConfigError ? error : reject(describeSystemError(error));
  }
}
