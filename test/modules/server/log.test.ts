import { Writable } from 'node:stream';
import type { LogLevel } from '@finch/core';
import { createLog, type Log, type LogFields, redact } from '@finch/server/log';

function logInto(lines: string[], level: LogLevel = 'debug'): Log {
  const output = new Writable({
    decodeStrings: false,
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  return createLog(level, output);
}

function lineOf(message: string, fields?: LogFields): string {
  const lines: string[] = [];
  logInto(lines).info(message, fields);
  expect(lines).toHaveLength(1);
  return lines[0]!.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, '');
}

describe('redact', () => {
  it.each([
    ['rtsp://user:pass@host/movie', 'rtsp://***@host/movie'],
    ['rtsp://user@host:8554/', 'rtsp://***@host:8554/'],
    ['rtsp://user:p@ss@host/', 'rtsp://***@host/'],
    ['two rtsp://a:b@h/ and RTSPS://c:d@h/', 'two rtsp://***@h/ and RTSPS://***@h/'],
    ['rtsp://host/path@x', 'rtsp://host/path@x'],
    ['rtsp://host:8554/movie.mp4', 'rtsp://host:8554/movie.mp4'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: ***'],
    ['a@b', 'a@b'],
  ])('%j becomes %j', (text, expected) => {
    expect(redact(text)).toBe(expected);
  });

  it('hides users in every occurrence of a long hostile text', () => {
    expect(redact('://a@'.repeat(20_000))).not.toContain('a@');
    expect(redact('://'.repeat(50_000))).toHaveLength(150_000);
  });
});

describe('createLog', () => {
  it.each<[string, LogFields | undefined, string]>([
    ['started', undefined, 'info  started\n'],
    ['started', { area: 'rtsp', port: 8554 }, 'info  [rtsp] started port=8554\n'],
    ['opened', { file: 'two words.mp4' }, 'info  opened file="two words.mp4"\n'],
    ['empty', { agent: '' }, 'info  empty agent=""\n'],
    ['failed', { error: new Error('no rtsp://u:p@h/') }, 'info  failed error="no rtsp://***@h/"\n'],
    ['get rtsp://u:p@h/', { url: 'rtsp://u:p@h/' }, 'info  get rtsp://***@h/ url=rtsp://***@h/\n'],
    ['deep', { request: { url: 'rtsp://u:p@h/' } }, `info  deep request="{'url':'rtsp://***@h/'}"\n`],
    [
      'field',
      { password: 'x', authToken: 'y', Authorization: 'z' },
      'info  field password=*** authToken=*** Authorization=***\n',
    ],
    ['deep field', { user: { password: 'x' } }, `info  deep field user="{'password':'***'}"\n`],
    ['absent', { trackId: undefined }, 'info  absent\n'],
    [
      'forged\nerror entry',
      { agent: 'a\r\nb\u2028c\u001b[31m' },
      'info  forged\\nerror entry agent="a\\r\\nb\\x2028c\\x1b[31m"\n',
    ],
    ['level in fields', { level: 'error', message: 'x' }, 'info  level in fields level=error message=x\n'],
    ['%s is no placeholder', { n: 1 }, 'info  %s is no placeholder n=1\n'],
  ])('writes %j %j on one line', (message, fields, expected) => {
    expect(lineOf(message, fields)).toBe(expected);
  });

  it('survives values that JSON has no words for', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(lineOf('odd', { cycle, big: 2n })).toMatch(/^info {2}odd cycle="unprintable .*" big=2\n$/);
  });

  it('cuts an endless entry', () => {
    expect(lineOf('x'.repeat(100_000)).length).toBeLessThan(5000);
  });

  it.each<[LogLevel, string[]]>([
    ['error', ['error']],
    ['warn', ['error', 'warn ']],
    ['info', ['error', 'warn ', 'info ']],
    ['debug', ['error', 'warn ', 'info ', 'debug']],
  ])('at level %s writes %j', (level, expected) => {
    const lines: string[] = [];
    const log = logInto(lines, level);
    for (const name of ['error', 'warn', 'info', 'debug'] as const) log[name]('entry');
    expect(lines.map((line) => line.slice(25, 30))).toEqual(expected);
  });
});
