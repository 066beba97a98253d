/** What modules refuse through their roles, and how RTSP says it. Spec: RFC 2326 §11.3, §12.5 (Authorization), §12.44; RFC 2617. */
import { join } from 'node:path';
import type { ModuleSpec } from '@finch/core';
import { type FinchUnderTest, startFinch } from '../../support/finch-under-test';
import { RtspClient } from '../../support/rtsp-client';

const GUARDED = join(__dirname, '../../fixtures/modules/guarded-module.js');
const MODULES: readonly ModuleSpec[] = [{ path: GUARDED, settings: {} }];

let finch: FinchUnderTest;
let client: RtspClient;

beforeAll(async () => {
  finch = await startFinch({}, MODULES);
  client = await RtspClient.connect({ port: finch.port });
});
afterAll(async () => {
  await client?.close();
  await finch.stop();
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
