/**
 * Plays a movie by VLC into a transport stream. Used by test/clients.
 * Rule: VLC speaks RTSP by its live555 module, which Debian and Ubuntu leave out of their packages (Debian bug 981439).
 */
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ClientResult, clientOrSkip, type DescribeBlock, describeUnless, runClient } from './clients';
import type { Carrier } from './media-frames';

const PLUGIN_ROOTS = ['/usr/lib', '/usr/lib64', '/usr/local/lib', '/snap/vlc/current/usr/lib'];
const MAC_PLUGINS = '/Applications/VLC.app/Contents/MacOS/plugins';
const MODULE = /^liblive555_plugin\./;

/**
 * Gives `describe` when there is a VLC that speaks RTSP; else a block that skips and says why. Without any VLC it fails in CI;
 * one without RTSP is the best that CI's packages have.
 */
export function vlcOrSkip(): DescribeBlock {
  const block = clientOrSkip('cvlc', 'ffmpeg');
  if (block !== describe || hasLive555()) return block;
  return describeUnless(
    "this VLC has no live555 module, so no RTSP (VideoLAN's own builds have it: snap, Flatpak, Windows, macOS)",
  );
}

function hasLive555(): boolean {
  const folders = PLUGIN_ROOTS.flatMap((root) => [
    join(root, 'vlc', 'plugins', 'access'),
    ...listOf(root).map((triplet) => join(root, triplet, 'vlc', 'plugins', 'access')),
  ]);
  return [...folders, MAC_PLUGINS].some((folder) => listOf(folder).some((name) => MODULE.test(name)));
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** What VLC is asked for. */
export interface VlcOptions {
  /** A URL or a path. */
  readonly location: string;
  readonly carrier: Carrier;
  /** Where to start. */
  readonly startS?: number;
  readonly timeoutMs: number;
}

let outputs = 0;

/** Plays to the end of the movie, then quits. Resolves with the transport stream in `folder`, which VLC's user may write to. */
export async function receiveByVlc(
  folder: string,
  { location, carrier, startS, timeoutMs }: VlcOptions,
): Promise<{ client: ClientResult; file: string }> {
  chmodSync(folder, 0o777);
  const file = join(folder, `vlc-${outputs++}.ts`);
  const args = ['-I', 'dummy', '--no-color', '-q', '--sout', `#std{access=file,mux=ts,dst=${file}}`];
  if (carrier === 'tcp') args.push('--rtsp-tcp');
  if (carrier === 'http') args.push('--rtsp-http', `--rtsp-http-port=${new URL(location).port}`);
  if (startS !== undefined) args.push(`--start-time=${startS}`);
  const client = await runClient('cvlc', [...args, location, 'vlc://quit'], { timeoutMs, asNobody: true });
  return { client, file };
}
