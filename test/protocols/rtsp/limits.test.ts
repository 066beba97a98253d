/** The connection limit: who is over it hears so, who is not goes on. Spec: RFC 2326 §11.3 (453). */
import { eventually } from '../../support/deadline';
import { type FinchUnderTest, SAMPLE, startFinch } from '../../support/finch-under-test';
import { RtspClient } from '../../support/rtsp-client';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

const MAX_CONNECTIONS = 3;
const SLOW_ACCEPT_MS = 1000;

let finch: FinchUnderTest;
let viewers: Viewer[];

beforeAll(async () => {
  finch = await startFinch({ maxConnections: MAX_CONNECTIONS });
  viewers = [];
  for (let i = 0; i < MAX_CONNECTIONS; i++) viewers.push(await Viewer.open(finch, { carrier: 'TCP' }));
  for (const viewer of viewers) await viewer.play();
});
afterAll(async () => {
  await Promise.all(viewers.map((viewer) => viewer.close()));
  await finch.stop();
});

const connectionCount = async (): Promise<number> => (await finch.server.inspect()).connections;

describe('at the connection limit', () => {
  it('the surplus client hears 453 and is closed, one a second, and the viewers go on (RFC 2326 §11.3)', async () => {
    const surplus = await Promise.all(
      Array.from({ length: 3 }, () => RtspClient.connect({ port: finch.port })),
    );
    const heardAtMs = await Promise.all(
      surplus.map(async (client) => {
        const { status, text } = await client.request('DESCRIBE', finch.url(SAMPLE));
        expect(status).toBe(453);
        expect(text).toBe('the server has as many connections as it may have\r\n');
        const atMs = performance.now();
        await client.closed();
        return atMs;
      }),
    );
    heardAtMs.sort((a, b) => a - b);
    expect(heardAtMs[1]! - heardAtMs[0]!).toBeGreaterThan(SLOW_ACCEPT_MS * 0.8);
    expect(heardAtMs[2]! - heardAtMs[1]!).toBeGreaterThan(SLOW_ACCEPT_MS * 0.8);
    for (const { tracks } of viewers) {
      await tracks[0]!.morePackets(5);
      tracks[0]!.expectContiguous();
      expect(tracks[0]!.byes).toBe(0);
    }
    await eventually(async () => expect(await connectionCount()).toBe(MAX_CONNECTIONS));
  });

  it('a surplus client who only connects is let go when he does, and takes no place', async () => {
    const surplus = await RtspClient.connect({ port: finch.port });
    await eventually(async () => expect(await connectionCount()).toBe(MAX_CONNECTIONS + 1));
    await surplus.close();
    await eventually(async () => expect(await connectionCount()).toBe(MAX_CONNECTIONS));
  });

  it('a place that becomes free is somebody else’s within two seconds', async () => {
    await viewers.pop()!.close();
    await eventually(async () => expect(await connectionCount()).toBe(MAX_CONNECTIONS - 1));
    const next = await Viewer.open(finch, { carrier: 'TCP' });
    viewers.push(next);
    await next.play();
    await next.tracks[0]!.packetsArrived(3);
  });
});
