import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, type FinchConfig, loadConfig, SAMPLE_FOLDER } from '@finch/server/config/index';
import { describeUnless } from '../../../support/clients';

const folder = mkdtempSync(join(tmpdir(), 'finch-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'movies'));
mkdirSync(join(folder, 'etc', 'films'), { recursive: true });
writeFileSync(join(folder, 'movie.mp4'), '');

type Env = Record<string, string>;

function yaml(text: string): string {
  writeFileSync(join(folder, 'etc', 'finch.yaml'), text);
  return 'etc/finch.yaml';
}

function load(argv: string[], env: Env = {}): FinchConfig {
  const result = loadConfig(argv, env, folder);
  if (result.kind !== 'config') throw new Error(`answered: ${result.text}`);
  return result.config;
}

function problemOf(argv: string[], env: Env = {}): string {
  try {
    load(argv, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('loadConfig without any source', () => {
  it('gives every default, frozen', () => {
    const config = load([]);
    expect(config).toEqual({
      media: SAMPLE_FOLDER,
      port: 8554,
      hosts: ['::'],
      webOrigins: [],
      tlsCertificate: undefined,
      tlsKey: undefined,
      tlsPort: 8322,
      threads: 1,
      blockingThreads: 1,
      pinThreads: 'off',
      logLevel: 'info',
      config: undefined,
      sessionTimeoutSeconds: 60,
      maxConnections: 10_000,
      maxConnectionsPerAddress: 5_000,
      maxSessionsPerConnection: 32,
      maxHeaderBytes: 16_384,
      maxBodyBytes: 65_536,
      maxRequestsPerSecond: 200,
      idleTimeoutSeconds: 60,
      requestTimeoutSeconds: 10,
      memoryBudgetMiB: 0,
      maxPacketBytes: 1472,
      sendWindowMs: 5,
      sendAheadMs: 0,
      overbuffer: 'tcp',
      overbufferRate: 2,
      overbufferSeconds: 25,
      thinning: 'on',
      thinLossPercent: 30,
      retransmission: 'avp',
      queueBytes: 8_000_000,
      queueSeconds: 10,
      udpSpreadMs: 20,
      watchdogLimitMs: 100,
      statsIntervalSeconds: 0,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });
});

describe('precedence: flag > environment > file > default', () => {
  const file = 'port: 3\nthreads: 3\nblocking-threads: 3\n';
  const env = { FINCH_CONFIG: 'etc/finch.yaml', FINCH_PORT: '2', FINCH_THREADS: '2' };

  it('takes each option from its strongest source', () => {
    yaml(file);
    const config = load(['--port', '1'], env);
    expect([config.port, config.threads, config.blockingThreads, config.sendWindowMs]).toEqual([1, 2, 3, 5]);
  });

  it('takes --config over FINCH_CONFIG', () => {
    const config = load(['--config', yaml('port: 7')], { FINCH_CONFIG: 'nowhere.yaml' });
    expect([config.port, config.config]).toEqual([7, join(folder, 'etc/finch.yaml')]);
  });

  it('lets a flag mend a bad variable, such as the FINCH_PORT a container platform invents', () => {
    expect(load(['--port', '1'], { FINCH_PORT: 'tcp://10.0.0.1:8554' }).port).toBe(1);
  });

  it('takes the last of two equal flags', () => {
    expect(load(['--port', '1', '--port', '2']).port).toBe(2);
  });
});

describe('values', () => {
  it.each<[string, string[], Env, Partial<FinchConfig>]>([
    ['the short flag', ['-p', '0'], {}, { port: 0 }],
    ['a flag with =', ['--send-window=0.25'], {}, { sendWindowMs: 0.25 }],
    ['the largest port', ['--port', '65535'], {}, { port: 65535 }],
    ['a variable of two words', [], { FINCH_BLOCKING_THREADS: '32' }, { blockingThreads: 32 }],
    ['an empty variable as absent', [], { FINCH_PORT: '' }, { port: 8554 }],
    ['an unknown variable as none of ours', [], { FINCH_SERVICE_HOST: 'x' }, { port: 8554 }],
    ['a choice', ['--log-level', 'debug'], {}, { logLevel: 'debug' }],
    ['localhost as its address', ['--host', 'localhost'], {}, { hosts: ['127.0.0.1'] }],
    ['an IPv6 address', ['--host', '::1'], {}, { hosts: ['::1'] }],
    ['several addresses', ['--host', '::1, 127.0.0.1'], {}, { hosts: ['::1', '127.0.0.1'] }],
    ['a repeated flag', ['--host', '::1', '--host', '127.0.0.1'], {}, { hosts: ['::1', '127.0.0.1'] }],
    ['several addresses from a variable', [], { FINCH_HOST: '::1,::2' }, { hosts: ['::1', '::2'] }],
    ['every web page', ['--web-origins', '*'], {}, { webOrigins: ['*'] }],
    [
      'some web pages',
      ['--web-origins', 'https://example.org, http://[::1]:8080'],
      {},
      { webOrigins: ['https://example.org', 'http://[::1]:8080'] },
    ],
    ['a file, from the working folder', ['--tls-key', 'key.pem'], {}, { tlsKey: join(folder, 'key.pem') }],
    ['the folder, from the working folder', ['movies'], {}, { media: join(folder, 'movies') }],
    ['the folder from a variable', [], { FINCH_MEDIA: 'movies' }, { media: join(folder, 'movies') }],
    ['a folder after --', ['--', 'movies'], {}, { media: join(folder, 'movies') }],
  ])('takes %s', (_name, argv, env, expected) => {
    expect(load(argv, env)).toMatchObject(expected);
  });

  it.each<[string, string, Partial<FinchConfig>]>([
    ['a number', 'port: 9000', { port: 9000 }],
    ['one address', 'host: ::1', { hosts: ['::1'] }],
    ['a list of addresses', 'host: [::1, 127.0.0.1]', { hosts: ['::1', '127.0.0.1'] }],
    [
      'a list of web pages',
      'web-origins: [https://a, http://b:1]',
      { webOrigins: ['https://a', 'http://b:1'] },
    ],
    ['a list of lines', 'host:\n  - "::1"\n  - 127.0.0.1\n', { hosts: ['::1', '127.0.0.1'] }],
    ["a file, from the file's folder", 'tls-key: key.pem', { tlsKey: join(folder, 'etc/key.pem') }],
    ['a quoted number', 'port: "9000"', { port: 9000 }],
    ['a fraction with a comment', 'send-window: 1.5 # ms', { sendWindowMs: 1.5 }],
    ["a folder, from the file's folder", 'media: films', { media: join(folder, 'etc/films') }],
    ['comments only', '# nothing yet\n', { port: 8554 }],
    ['nothing at all', '', { port: 8554 }],
  ])('takes %s from the file', (_name, text, expected) => {
    expect(load(['-c', yaml(text)])).toMatchObject(expected);
  });
});

describe('errors of flags and variables are one line: source, found, expected', () => {
  it.each<[string[], Env, string]>([
    [['--port', 'x'], {}, 'flag --port: found "x", expected an integer from 0 to 65535'],
    [['--port', '65536'], {}, 'flag --port: found "65536", expected an integer from 0 to 65535'],
    [['--port', '-1'], {}, 'flag --port: found "-1", expected an integer from 0 to 65535'],
    [['--port', '1e3'], {}, 'flag --port: found "1e3", expected an integer from 0 to 65535'],
    [['--port', ''], {}, 'flag --port: found "", expected an integer from 0 to 65535'],
    [['--send-window', '21'], {}, 'flag --send-window: found "21", expected a number from 0.25 to 20 ms'],
    [['--threads', '1.5'], {}, 'flag --threads: found "1.5", expected an integer from 1 to 32'],
    [['--log-level', 'INFO'], {}, 'flag --log-level: found "INFO", expected one of error, warn, info, debug'],
    [
      ['--host', 'a\nb'],
      {},
      'flag --host: found "a\\nb", expected IPv4 or IPv6 addresses, separated by commas',
    ],
    [
      ['--host', '::1,'],
      {},
      'flag --host: found "::1,", expected IPv4 or IPv6 addresses, separated by commas',
    ],
    [
      ['--host', '::1', '--host', 'nowhere'],
      {},
      'flag --host: found "::1,nowhere", expected IPv4 or IPv6 addresses, separated by commas',
    ],
    ...['https://example.org/', 'https://Example.org', 'example.org', '**', 'https://a,', 'https://a b'].map(
      (origin): [string[], Env, string] => [
        ['--web-origins', origin],
        {},
        `flag --web-origins: found "${origin}", expected origins such as https://example.org, separated by commas, or *`,
      ],
    ),
    [
      [],
      { FINCH_THREADS: '0' },
      'environment variable FINCH_THREADS: found "0", expected an integer from 1 to 32',
    ],
    [
      ['nowhere'],
      {},
      'argument <folder>: found "nowhere" (ENOENT: no such file or directory), expected a folder that Finch may read',
    ],
    [
      ['movie.mp4'],
      {},
      'argument <folder>: found "movie.mp4" (not a folder), expected a folder that Finch may read',
    ],
    [
      ['-c', 'no.yaml'],
      {},
      'flag --config: found "no.yaml" (ENOENT: no such file or directory), expected a YAML file that Finch may read',
    ],
    [
      [],
      { FINCH_CONFIG: 'movies' },
      'environment variable FINCH_CONFIG: found "movies" (not a file), expected a YAML file that Finch may read',
    ],
  ])('%j %j', (argv, env, expected) => {
    expect(problemOf(argv, env)).toBe(expected);
  });

  it.each<[string[], RegExp]>([
    [['--prot', '1'], /^command line: found unknown option '--prot' \(Did you mean --port\?\), expected/],
    [['--port'], /^command line: found option '-p, --port <number>' argument missing, expected/],
    [['movies', 'more'], /^command line: found too many arguments.*, expected/],
    [['--media', 'movies'], /^command line: found unknown option '--media'.*, expected/],
  ])('%j', (argv, expected) => {
    expect(problemOf(argv)).toMatch(expected);
    expect(problemOf(argv)).not.toMatch(/[\r\n]/);
  });

  it('cuts a long value', () => {
    expect(problemOf(['--host', 'x'.repeat(1000)]).length).toBeLessThan(200);
  });
});

describe('errors of the file name the line and the key', () => {
  it.each<[string, RegExp]>([
    [
      'port: 1\nthreads: many\n',
      /^etc\/finch\.yaml:2 threads: found "many", expected an integer from 1 to 32$/,
    ],
    ['# one\n\nport: 70000', /^etc\/finch\.yaml:3 port: found "70000", expected an integer from 0 to 65535$/],
    ['port: 0x10', /^etc\/finch\.yaml:1 port: found "0x10", expected an integer/],
    ['port: true', /^etc\/finch\.yaml:1 port: found "true", expected an integer/],
    [
      'host: [[::1]]',
      /^etc\/finch\.yaml:1 host: found a list, map or alias, expected IPv4 or IPv6 addresses/,
    ],
    ['host: []', /^etc\/finch\.yaml:1 host: found "", expected IPv4 or IPv6 addresses/],
    ['port:\n', /^etc\/finch\.yaml:1 port: found nothing, expected an integer/],
    ['port: [1]', /^etc\/finch\.yaml:1 port: found a list, map or alias, expected an integer/],
    ['a: &x 1\nport: *x', /^etc\/finch\.yaml:1: found unknown key "a", expected one of media, port, host,/],
    [
      'port: 1\nblockingThreads: 2',
      /^etc\/finch\.yaml:2: found unknown key "blockingThreads", expected one of/,
    ],
    ['config: other.yaml', /^etc\/finch\.yaml:1: found unknown key "config", expected one of/],
    ['port: 1\nport: 2', /^etc\/finch\.yaml:2: found .*unique.*, expected valid YAML$/],
    ['port: 1\nthreads: "', /^etc\/finch\.yaml:2: found .*, expected valid YAML$/],
    ['- port', /^etc\/finch\.yaml:1: found no map, expected lines of the form `key: value`$/],
    ['media: nowhere', /^etc\/finch\.yaml:1 media: found "nowhere" \(ENOENT/],
    [`# ${'x'.repeat(70_000)}`, /^flag --config: found "etc\/finch\.yaml" \(7\d+ bytes, more than 65536\)/],
  ])('%j', (text, expected) => {
    const message = problemOf(['--config', yaml(text.slice(0, 80_000))]);
    expect(message).toMatch(expected);
    expect(message).not.toMatch(/[\r\n]/);
  });

  describeUnless(process.getuid?.() === 0 ? 'root may read everything' : undefined)(
    'a file of somebody else',
    () => {
      it('says when the file may not be read', () => {
        const path = yaml('port: 1');
        chmodSync(join(folder, path), 0);
        expect(problemOf(['-c', path])).toMatch(/^flag --config: found "etc\/finch\.yaml" \(EACCES/);
        chmodSync(join(folder, path), 0o600);
      });
    },
  );
});

describe('help and version', () => {
  it.each(['--help', '-h'])('%s is an answer, even beside bad values', (flag) => {
    const result = loadConfig(['--port', 'x', flag], {}, folder);
    expect(result).toMatchObject({ kind: 'answer', text: expect.stringContaining('Usage: finch') });
  });

  it.each(['--version', '-V'])('%s answers the version', (flag) => {
    const result = loadConfig([flag], {}, folder);
    expect(result).toMatchObject({ kind: 'answer', text: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});
