import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatOptionTable, loadConfig, OPTIONS } from '@finch/server/config/index';
import type { NumberOption, OptionSpec } from '@finch/server/config/option-spec';
import { envNameOf } from '@finch/server/config/option-text';
import { readOptionValue, schemaOf } from '@finch/server/config/option-value';

const options: readonly OptionSpec[] = OPTIONS;
const README = join(__dirname, '..', '..', '..', '..', 'README.md');

function helpText(): string {
  const result = loadConfig(['--help'], {}, '/');
  return result.kind === 'answer' ? result.text.replace(/\s+/g, ' ') : '';
}

describe('the option table', () => {
  it('has unique keys, fields and short flags', () => {
    for (const name of ['key', 'field', 'short'] as const) {
      const values = options.map((option) => option[name]).filter((value) => value !== undefined);
      expect(new Set(values).size).toBe(values.length);
    }
  });

  it.each(options.map((option) => [option.key, option] as const))('%s: has a kebab-case key', (key) => {
    expect(key).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  const numbers = options.filter(
    (option): option is NumberOption => option.kind === 'integer' || option.kind === 'number',
  );
  it.each(numbers.map((option) => [option.key, option] as const))(
    '%s: takes default and both bounds, nothing beyond',
    (_key, option) => {
      const accepts = (value: number) => schemaOf(option).safeParse(String(value)).success;
      expect([option.defaultValue, option.min, option.max].map(accepts)).toEqual([true, true, true]);
      expect([option.min - 1, option.max + 1, Number.NaN, Number.POSITIVE_INFINITY].some(accepts)).toBe(
        false,
      );
    },
  );

  it.each(options.map((option) => [option.key, option] as const))(
    '%s: is in --help with its environment name',
    (_key, option) => {
      const help = helpText();
      expect(help).toContain(option.kind === 'folder' ? `[${option.key}]` : `--${option.key} <`);
      expect(help).toContain(envNameOf(option));
      expect(help).toContain(option.help);
    },
  );

  it('never takes a text with a NUL as a path', () => {
    const media = options.find((option) => option.kind === 'folder')!;
    const from = { text: 'a\0b', source: 'flag', baseFolder: '/' };
    expect(() => readOptionValue(media, from)).toThrow('flag: found "a\\u0000b", expected a folder');
  });

  (existsSync(README) ? it : it.skip)('is the table of the README, row by row', () => {
    expect(readFileSync(README, 'utf8')).toContain(formatOptionTable());
  });
});
