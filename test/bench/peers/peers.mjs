/**
 * Other servers of Debian's that serve the benchmark's movie on demand. Used by the figure of that name.
 * Rule: a peer that is not installed says what to install; it is started, pinned and loaded as Finch is.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasCommand } from '../../../scripts/requirements.mjs';
import { freePort, start } from '../programs.mjs';
import { CACHE, MEDIA, MOVIE } from '../workshop.mjs';

const PYTHON = '/usr/bin/python3'; // Debian's own, which has Debian's modules
const GST_SERVER = fileURLToPath(new URL('./gst-rtsp-server.py', import.meta.url));
const NOBODY = '65534';

/**
 * The peers: `missing()` says in a line why one can't run here, or nothing; `transports` are those that it speaks on
 * demand.
 */
export const PEERS = [
  { name: 'gst-rtsp-server', transports: ['udp', 'tcp'], missing: missingGst, start: startGst },
  // Its on-demand server answers SETUP of interleaved channels with 461.
  { name: 'VLC', transports: ['udp'], missing: missingVlc, start: startVlc },
];

function missingGst() {
  const { status, stderr } = spawnSync(PYTHON, [GST_SERVER, '--probe'], { encoding: 'utf8' });
  if (status === 0) return undefined;
  return `${stderr?.trim().split('\n').at(-1) || 'no Python'}: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good`;
}

async function startGst() {
  const port = await freePort();
  const args = [GST_SERVER, String(port), join(MEDIA, MOVIE)];
  return start('gst-rtsp-server', PYTHON, args, port, `rtsp://127.0.0.1:${port}/movie`, true);
}

function missingVlc() {
  return hasCommand('cvlc') ? undefined : 'not installed: apt-get install vlc-bin vlc-plugin-base';
}

// It listens on every address: with --rtsp-host the name of the host becomes part of the path. As root it refuses to run.
async function startVlc() {
  const port = await freePort();
  const script = join(CACHE, 'movies.vlm');
  writeFileSync(script, `new movie vod enabled\nsetup movie input "${join(MEDIA, MOVIE)}"\n`);
  const args = ['--ignore-config', '--no-media-library', '--vlm-conf', script, '--rtsp-port', String(port)];
  const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const [command, ...rest] = [...(process.getuid() === 0 ? asNobody : []), 'cvlc', ...args];
  return start('VLC', command, rest, port, `rtsp://127.0.0.1:${port}/movie`, true);
}
