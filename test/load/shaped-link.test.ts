/** The packets of a large frame over a link with a short queue: spread out they all arrive, in one piece they don't. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadReport } from '@finch/load/load-report';
import { clientOrSkip, runClient } from '../support/clients';
import { startFinch, temporaryFolder } from '../support/finch-under-test';
import { runFfmpeg } from '../support/media-movies';
import { NetworkNamespace, networkNamespacesOrSkip } from '../support/network-namespace';

const MOVIE = 'large-key-frames.mp4';
/** Fifteen times what the movie needs, so two bursts fit into the queue when the machine makes them late; its key frames of about 45 KB don't. */
const SHAPE = { rateMbit: 60, queueBytes: 30_000 };
const WATCHED_S = 4;
const LOAD = require.resolve('@finch/load/main');

clientOrSkip('ffmpeg')('a frame that is larger than the queue of the link', () => {
  networkNamespacesOrSkip()('behind a link of 60 Mbit/s', () => {
    const folder = temporaryFolder();
    let link: NetworkNamespace;

    beforeAll(async () => {
      const pictures = [
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=1280x720:r=25:d=8',
        '-c:v',
        'libx264',
        '-g',
        '25',
        '-bf',
        '0',
      ];
      const rate = ['-preset', 'ultrafast', '-b:v', '4M', '-maxrate', '4M', '-bufsize', '4M'];
      await runFfmpeg([...pictures, ...rate, join(folder.path, MOVIE)]);
      link = new NetworkNamespace();
      link.shape(SHAPE);
    }, 60_000);
    afterAll(() => {
      link?.remove();
      folder.remove();
    });

    /** Packets that one viewer at the end of the link misses. */
    async function lostWith(udpSpreadMs: number): Promise<{ packets: number; lost: number }> {
      const finch = await startFinch({ media: folder.path, hosts: [link.serverHost], udpSpreadMs });
      try {
        const json = join(folder.path, `spread-${udpSpreadMs}.json`);
        const url = `rtsp://${link.serverHost}:${finch.port}/${MOVIE}`;
        const options = [
          '--settle',
          '0',
          '--duration',
          String(WATCHED_S),
          '--local-addresses',
          '1',
          '--json',
          json,
        ];
        const { command, args } = link.inside(process.execPath, [LOAD, url, ...options]);
        const { exitCode, stderr } = await runClient(command, args, { timeoutMs: 30_000 });
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
        const { window, defects }: LoadReport = JSON.parse(readFileSync(json, 'utf8'));
        return { packets: window.packets, lost: defects.lost + defects.lostBefore };
      } finally {
        await finch.stop();
      }
    }

    it('loses packets when it leaves in one piece', async () => {
      expect((await lostWith(0)).lost).toBeGreaterThan(0);
    }, 40_000);

    it('loses none when it is spread over 20 ms', async () => {
      const { packets, lost } = await lostWith(20);
      expect(packets).toBeGreaterThan(500);
      expect(lost).toBe(0);
    }, 40_000);
  });
});
