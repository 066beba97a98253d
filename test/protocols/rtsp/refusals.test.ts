/** What modules refuse through their roles, and how RTSP says it. Spec: RFC 2326 §11.3, §12.5 (Authorization), §12.44; RFC 2617. */
import { join } from 'node:path';
import { Server, SocketAddress } from '@finch/core';
import { linesInto } from '../../core/net/thread-under-test';
import { RtspClient } from '../../support/rtsp-client';

const GUARDED = join(__dirname, '../../fixtures/modules/guarded-module.js');
const SETTINGS = { sessionTimeoutSeconds: 60, maxPacketBytes: 1472, sendWindowMs: 2.5, sendAheadMs: 0 };

let server: Server;
let client: RtspClient;

beforeAll(async () => {
  server = new Server({
    listeners: [{ service: 'rtsp', address: SocketAddress.of('127.0.0.1', 0) }],
    modules: [
      { path: require.resolve('@finch/rtp'), settings: {} },
      { path: require.resolve('@finch/rtsp'), settings: SETTINGS },
      { path: GUARDED, settings: {} },
    ],
    taskThreads: 1,
    blockingThreads: 1,
    maxConnections: 10,
    watchdogLimitMs: 10_000,
    statisticsIntervalMs: 0,
    log: linesInto([]),
    onCrash: (thread, error) => {
      throw new Error(`${thread}: ${error.message}`);
    },
  });
  await server.start();
  client = await RtspClient.connect({ port: server.addresses[0]!.port });
});
afterAll(async () => {
  await client?.close();
  await server.stop();
});

describe.each([
  ['DESCRIBE', {}],
  ['SETUP', { Transport: 'RTP/AVP/TCP;unicast' }],
])('%s of what a module refuses', (method, headers) => {
  const ask = (name: string, more: Record<string, string> = {}) =>
    client.request(method, `rtsp://h/${name}/trackID=1`, { ...headers, ...more });

  it.each([
    ['secret', 401, 'WWW-Authenticate', 'Basic realm="secret"'],
    ['private', 401, 'WWW-Authenticate', 'Basic realm="movies"'],
    ['closed', 403, 'WWW-Authenticate', undefined],
    ['busy', 503, 'Retry-After', '5'],
  ])('%s: %i, and why', async (name, status, header, value) => {
    const answer = await ask(name);
    expect([answer.status, answer.headers.get(header)]).toEqual([status, value]);
    expect(answer.text).toMatch(new RegExp(`^${name}: expected .*\r\n$`));
    expect(answer.headers.has('Session')).toBe(false);
  });

  it('brings the credentials to the module (RFC 2326 §12.5)', async () => {
    expect((await ask('secret', { Authorization: 'Basic b2s=' })).status).toBe(404);
    expect((await ask('secret', { Authorization: 'Basic bm8=' })).status).toBe(401);
  });
});
