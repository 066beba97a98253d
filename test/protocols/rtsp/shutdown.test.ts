/** How the server takes leave of its viewers. Spec: RFC 3550 §6.6. */
import { native } from '@finch/native';
import type { FinchConfig } from '@finch/server';
import { type FinchUnderTest, startFinch } from '../../support/finch-under-test';
import { join, openGetHalf, PostHalf } from '../../support/http-tunnel';
import { RtspClient } from '../../support/rtsp-client';
import { Viewer } from '../../support/viewer';

jest.setTimeout(20_000);

/** The time that a server may take to stop. */
const STOP_LIMIT_MS = 2000;

let running: FinchUnderTest | undefined;

async function start(overrides: Partial<FinchConfig> = {}): Promise<FinchUnderTest> {
  running = await startFinch(overrides);
  return running;
}

/** Stops the server; resolves with the milliseconds that it took. */
async function stop(): Promise<number> {
  const startMs = performance.now();
  const stopping = running;
  running = undefined;
  await stopping?.stop();
  return performance.now() - startMs;
}

// A test that failed before it stopped its server: there is room for one in a process.
afterEach(() => stop());

describe('stop()', () => {
  it('closes the halves of tunnels that wait for the other one, and says BYE in a whole one', async () => {
    const finch = await start({ threads: 2 });
    const of = (cookie: string) => ({ port: finch.port, cookie });
    const post = await PostHalf.open(of('a'));
    const { get } = await openGetHalf(of('b'));
    const { get: whole } = await openGetHalf(of('c'));
    const client = join(whole, await PostHalf.open(of('c')));
    const viewer = await Viewer.open(finch, { carrier: 'TCP', client });
    await viewer.play();
    await Promise.all(viewer.tracks.map((track) => track.packetsArrived(1)));
    expect(await stop()).toBeLessThan(STOP_LIMIT_MS);
    await Promise.all(viewer.tracks.map((track) => track.byeArrived()));
    await Promise.all([post.closed(), get.closed(), whole.closed()]);
  });

  it('says BYE to every session, closes every connection, and takes less than 2 s (RFC 3550 §6.6)', async () => {
    const finch = await start({ threads: 2 });
    const playing = [
      ...(await Promise.all(Array.from({ length: 4 }, () => Viewer.open(finch, { carrier: 'UDP' })))),
      ...(await Promise.all(Array.from({ length: 4 }, () => Viewer.open(finch, { carrier: 'TCP' })))),
    ];
    for (const viewer of playing) await viewer.play();
    await Promise.all(playing.flatMap(({ tracks }) => tracks.map((track) => track.packetsArrived(2))));
    const paused = await Viewer.open(finch, { carrier: 'TCP' });
    await paused.play();
    await Promise.all(paused.tracks.map((track) => track.packetsArrived(1)));
    await paused.pause();
    const neverPlayed = await Viewer.open(finch, { carrier: 'UDP' });
    const silent = await RtspClient.connect({ port: finch.port });
    await silent.request('OPTIONS', '*');
    silent.send('DESCRIBE rtsp://h/');
    expect(await stop()).toBeLessThan(STOP_LIMIT_MS);
    const all = [...playing, paused];
    await Promise.all(all.flatMap(({ tracks }) => tracks.map((track) => track.byeArrived())));
    await Promise.all([...all, neverPlayed].map(({ client }) => client.closed()));
    await silent.closed();
    for (const { tracks } of all) {
      for (const track of tracks) {
        expect(track.byes).toBe(1);
        track.expectContiguous();
      }
    }
    await Promise.all([...all, neverPlayed].map((viewer) => viewer.close()));
  });

  it('waits for nobody who does not read', async () => {
    const finch = await start();
    const slow = await Viewer.open(finch, { carrier: 'TCP' });
    slow.client.socket.pause();
    slow.client.send(`PLAY ${slow.url} RTSP/1.0\r\nCSeq: 99\r\nSession: ${slow.session}\r\n\r\n`);
    slow.client.send(`OPTIONS * RTSP/1.0\r\nCSeq: 100\r\n\r\n`.repeat(50_000)); // 5 MB of answers
    const other = await Viewer.open(finch, { carrier: 'TCP' });
    await other.play();
    await other.tracks[0]!.packetsArrived(20);
    expect(await stop()).toBeLessThan(STOP_LIMIT_MS);
    await Promise.all([slow.close(), other.close()]);
  });

  it('leaves no descriptor, file or timer of the addon behind, whatever was going on', async () => {
    const filesBefore = native.fileCount();
    const finch = await start();
    const client = await RtspClient.connect({ port: finch.port });
    // Stopped while a movie is being opened, and just after.
    client.send(`DESCRIBE ${finch.url('finch-sample.mp4')} RTSP/1.0\r\nCSeq: 1\r\n\r\n`.repeat(3));
    const viewer = await Viewer.open(finch, { carrier: 'UDP' });
    await viewer.play();
    await stop();
    expect(native.contextCount()).toBe(0);
    expect(native.idleTimerCount()).toBe(0);
    expect(native.fileCount()).toBe(filesBefore);
    await viewer.close();
    await client.close();
  });

  it('makes room for the next server in the same process', async () => {
    for (let round = 0; round < 3; round++) {
      const finch = await start();
      const viewer = await Viewer.open(finch, { carrier: 'TCP' });
      await viewer.play();
      await viewer.tracks[0]!.packetsArrived(1);
      await stop();
      await viewer.client.closed();
    }
  });
});
