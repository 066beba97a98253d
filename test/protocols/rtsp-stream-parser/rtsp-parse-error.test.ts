import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_LIMITS, PARSE_ERRORS, RtspParseError } from 'rtsp-stream-parser';

const README = readFileSync(join(__dirname, '../../../protocols/rtsp-stream-parser/README.md'), 'utf8');

function rowsOf(section: string): string[][] {
  const text = README.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = text.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('RtspParseError', () => {
  it('has the table that the README shows', () => {
    const rows = Object.entries(PARSE_ERRORS).map(([code, row]) => [
      code,
      String(row.statusCode),
      row.meaning,
    ]);
    expect(rowsOf('Errors').filter(([code]) => code !== 'code')).toEqual(rows);
  });

  it('has the limits that the README shows', () => {
    const rows = rowsOf('Limits').filter(([name]) => name !== 'Option');
    expect(Object.fromEntries(rows.map(([name, value]) => [name, Number(value)]))).toEqual(DEFAULT_LIMITS);
  });

  it('suggests the status of its row unless told otherwise', () => {
    expect(new RtspParseError('bad-version', 'x')).toMatchObject({
      code: 'bad-version',
      statusCode: 505,
      message: 'x',
    });
    expect(new RtspParseError('header-too-large', 'x', 414).statusCode).toBe(414);
  });
});
