/** The server: it starts whole or not at all, names what holds its threads, and leaves nothing when it stops. */
import { join } from 'node:path';
import { NativePort, Server, type ServerOptions, SocketAddress } from '@finch/core';
import { native } from '@finch/native';
import { nameOf } from '../../native/sockets-under-test';
import { eventually } from '../../support/deadline';
import { linesInto } from '../net/thread-under-test';

const SCRIPTED = join(__dirname, '../../fixtures/modules/scripted-module.js');
const LOOPBACK = SocketAddress.of('127.0.0.1', 0);
const SERVICES = ['keep', 'slow', 'throw', 'jobs', 'stuck', 'crash'] as const;
const WATCHDOG_LIMIT_MS = 60;
const HOLD_MS = 300;

let lines: string[];
let crashes: string[];
let clients: number[];
let server: Server | undefined;

beforeEach(() => {
  lines = [];
  crashes = [];
  clients = [];
});
afterEach(async () => {
  for (const fd of clients) native.socketClose(fd);
  await server?.stop();
  server = undefined;
  expectNothingLeft();
});

function make(changes: Partial<ServerOptions> = {}, settings: Record<string, unknown> = {}): Server {
  server = new Server({
    listeners: SERVICES.map((service) => ({ service, hosts: ['127.0.0.1'], port: 0 })),
    modules: [{ path: SCRIPTED, settings: { holdMs: HOLD_MS, ...settings } }],
    taskThreads: 1,
    blockingThreads: 1,
    maxConnections: 100,
    maxConnectionsPerAddress: 100,
    memoryBudgetBytes: 1 << 30,
    watchdogLimitMs: WATCHDOG_LIMIT_MS,
    statisticsIntervalMs: 0,
    log: linesInto(lines),
    logLevel: 'debug',
    onCrash: (thread, error) => crashes.push(`${thread}: ${error.message}`),
    ...changes,
  });
  return server;
}

function connectTo(service: (typeof SERVICES)[number]): number {
  const address = server!.addressesOf(service)[0]!;
  const fd = native.tcpConnect(address.words, null, 0);
  clients.push(fd);
  return fd;
}

async function answerOf(fd: number): Promise<string> {
  const into = Buffer.alloc(10_000);
  let length = 0;
  await eventually(() => {
    length = native.tcpReceive(fd, into);
    expect(length).toBeGreaterThan(0);
  });
  return into.toString('utf8', 0, length);
}

/** No context, timer, native thread or port of any thread is left. */
function expectNothingLeft(): void {
  expect({ contexts: native.contextCount(), timers: native.idleTimerCount() }).toEqual({
    contexts: 0,
    timers: 0,
  });
  expect(native.eventThreadStart()).toBe(0);
  native.eventThreadStop();
  expect(native.idleThreadStart()).toBe(0);
  native.idleThreadStop();
  for (let thread = 0; thread < 4; thread++) new NativePort(thread, () => {}).close();
}

describe('start', () => {
  it('listens on all addresses, with the modules of every thread ready', async () => {
    await make({ taskThreads: 2 }).start();
    const addresses = SERVICES.flatMap((service) => server!.addressesOf(service));
    expect(addresses.length).toBe(SERVICES.length);
    expect(new Set(addresses.map(({ port }) => port)).size).toBe(SERVICES.length);
    expect(server!.addressesOf('nobody')).toEqual([]);
    expect(lines.filter((line) => line === 'info: scripted is ready').length).toBe(2);
    expect(crashes).toEqual([]);
  });

  it.each([
    [undefined, '--port'],
    ['--tls-port', '--tls-port'],
  ])('rejects in one line when the port of %s is taken, and leaves nothing', async (portFlag, named) => {
    const other = native.tcpListen(LOOPBACK.words, false);
    const taken = SocketAddress.fromWords(nameOf(other));
    const hosts = [LOOPBACK.host];
    const listeners = [0, taken.port].map((port) => ({
      service: 'keep',
      hosts,
      port,
      ...(portFlag === undefined ? {} : { portFlag }),
    }));
    await expect(make({ listeners }).start()).rejects.toMatchObject({
      name: 'ListenError',
      message: `can't listen on ${taken}: the port is taken by another program; choose one with ${named}`,
    });
    expectNothingLeft();
    native.socketClose(other);
  });

  it.each([
    ['is not there', 'no-such-module', {}, "Cannot find module 'no-such-module'"],
    ['throws while it is loaded', fixture('broken-module.js'), {}, 'thrown while it is loaded'],
    ['exports none', fixture('empty-module.js'), {}, 'it exports no "finchModule"'],
    ['throws on a task thread', SCRIPTED, { throwAt: 'task thread' }, 'thrown on the task thread'],
    [
      'throws on a blocking thread',
      SCRIPTED,
      { throwAt: 'blocking thread' },
      'thrown on the blocking thread',
    ],
  ])('rejects with its name when a module %s, and leaves nothing', async (_, path, settings, why) => {
    const started = make({ modules: [{ path, settings }] }).start();
    const error: Error = await started.then(
      () => new Error('it started'),
      (reason: Error) => reason,
    );
    expect(error.message.split('\n')[0]).toBe(`module ${path} can't be loaded: ${why}`);
    expect(crashes).toEqual([]);
    expect(lines.filter((line) => !line.startsWith('info'))).toEqual([]);
    expectNothingLeft();
  });

  it('rejects when a module ends its thread', async () => {
    await expect(make({}, { throwAt: 'exit' }).start()).rejects.toThrow(
      'task thread 1 ended before it was ready',
    );
  });
});

describe('a server', () => {
  it('gives each connection to the task thread with the fewest, and shows what lives there', async () => {
    await make({ taskThreads: 2 }).start();
    for (let i = 0; i < 4; i++) expect(await answerOf(connectTo('keep'))).toBe('kept 127.0.0.1');
    const { threads, connections, contexts } = await server!.inspect();
    expect(threads).toEqual(
      [1, 2].map((threadIndex) => ({
        threadIndex,
        tasks: { Arrivals: 1, KeptTask: 2 },
        counts: { kept: 2, 'blocking calls': 0 },
      })),
    );
    expect({ connections, contexts }).toEqual({ connections: 4, contexts: SERVICES.length });
    const left = await server!.stop();
    expect(left).toEqual(
      [1, 2].map((threadIndex) => ({ threadIndex, tasks: {}, counts: { kept: 0, 'blocking calls': 0 } })),
    );
    expect((await server!.inspect()).threads.map(({ tasks }) => tasks)).toEqual([{}, {}]);
  });

  it.each([
    [{ maxConnections: 1 }, 'server-full'],
    [{ maxConnectionsPerAddress: 1 }, 'address-full'],
  ])('tells the surplus connection that it is one: %j', async (limits, refusal) => {
    await make(limits).start();
    expect(await answerOf(connectTo('keep'))).toBe('kept 127.0.0.1');
    expect(await answerOf(connectTo('keep'))).toBe(`${refusal} 127.0.0.1`);
  });

  it('takes blocking jobs to a blocking thread, and its answers and errors back', async () => {
    await make().start();
    expect(JSON.parse(await answerOf(connectTo('jobs')))).toEqual([
      { result: { argument: 0, caller: 1 } },
      { name: 'MediaError', code: 'unsupported', message: 'no such codec' },
      { name: 'Error', message: 'a mistake' },
      { name: 'Error', message: expect.stringMatching(/^the result of unclonable can't be sent: /) },
      { name: 'Error', message: 'no module handles the job no such job' },
      { result: { argument: 5, caller: 1 } },
    ]);
    expect(crashes).toEqual([]);
  });

  it('reports a task that throws, and the others go on', async () => {
    await make().start();
    connectTo('throw');
    await eventually(() => expect(lines.filter((line) => line.startsWith('error')).length).toBe(2));
    const errors = lines.filter((line) => line.startsWith('error'));
    expect(errors[0]).toContain('ThrowingTask failed and was ended: Error: thrown by run()');
    expect(errors[1]).toContain('Error: thrown by onDeleted()');
    expect(await answerOf(connectTo('keep'))).toBe('kept 127.0.0.1');
    expect((await server!.inspect()).threads[0]!.tasks).toEqual({ Arrivals: 1, KeptTask: 1 });
  });

  it('names a task that holds its thread, while it does and when it has ended', async () => {
    await make().start();
    connectTo('slow');
    const both =
      /^(error|warn): SlowTask of module scripted (has )?held task thread 1 for (\d+) ms( and still does)?$/;
    await eventually(() => expect(lines.filter((line) => both.test(line)).length).toBeGreaterThanOrEqual(2));
    const found = lines.flatMap((line) => both.exec(line) ?? []);
    expect(found.length).toBe(10);
    const [, whileLevel, has, whileMs, still, , afterLevel, , afterMs, none] = found;
    expect([whileLevel, has, still]).toEqual(['error', 'has ', ' and still does']);
    expect([afterLevel, none]).toEqual(['warn', undefined]);
    expect(Number(whileMs)).toBeGreaterThanOrEqual(WATCHDOG_LIMIT_MS);
    expect(Number(whileMs)).toBeLessThanOrEqual(Number(afterMs));
    expect(Number(afterMs)).toBeGreaterThanOrEqual(HOLD_MS);
  });

  it('tells when a thread dies', async () => {
    await make().start();
    connectTo('crash');
    await eventually(() => expect(crashes).toEqual(['task thread 1: thrown outside of tasks']));
  });
});

describe('stop', () => {
  it('terminates a thread that a task never gives back', async () => {
    await make().start();
    connectTo('stuck');
    await eventually(() => expect(lines.some((line) => line.includes('and still does'))).toBe(true));
    expect(await server!.stop()).toEqual([]);
    expect(lines.at(-1)).toBe('warn: task thread 1 did not stop in 1200 ms: terminated');
  });

  it('may come twice, and before start', async () => {
    await make().stop();
    expectNothingLeft();
    await make().start();
    await Promise.all([server!.stop(), server!.stop()]);
  });
});

function fixture(name: string): string {
  return join(__dirname, '../../fixtures/modules', name);
}
