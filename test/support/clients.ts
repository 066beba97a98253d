/**
 * Real players as test subjects: finds them, runs them, ends them. Used by test/clients.
 * Rule: no process outlives its test, and a client that is missing skips its tests aloud, or fails them where
 * FINCH_REQUIRE_CLIENTS=1 (CI).
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, chownSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Names the command of a client. */
export type ClientCommand = 'ffmpeg' | 'ffprobe' | 'cvlc' | 'gst-launch-1.0';

/** Opens a block of tests, as jest's `describe` does. */
export type DescribeBlock = (name: string, body: () => void) => void;

const DEBIAN_PACKAGES: Record<ClientCommand, string> = {
  ffmpeg: 'ffmpeg',
  ffprobe: 'ffmpeg',
  cvlc: 'vlc-bin vlc-plugin-base',
  'gst-launch-1.0': 'gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-libav',
};

/** Gives `describe` when the commands are in PATH; else one that skips and says why, or one whose only test fails (CI). */
export function clientOrSkip(...commands: readonly ClientCommand[]): DescribeBlock {
  const missing = commands.find((command) => !isInPath(command));
  if (missing === undefined) return describe;
  return missingClientBlock(`${missing} is not installed`, DEBIAN_PACKAGES[missing]);
}

/** The Python that Debian's bindings belong to, which need not be the first in PATH. */
export const PYTHON = '/usr/bin/python3';
const IMPORT_GSTREAMER = "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst";

/** As clientOrSkip(), of GStreamer as Python programs see it. */
export function gstreamerOfPythonOrSkip(): DescribeBlock {
  if (spawnSync(PYTHON, ['-c', IMPORT_GSTREAMER]).status === 0)
    return clientOrSkip('gst-launch-1.0', 'ffmpeg');
  return missingClientBlock(`${PYTHON} has no GStreamer`, 'python3-gi gir1.2-gstreamer-1.0');
}

/** Gives `describe` without a reason; with one, a block that skips aloud. What the block would begin does not begin. */
export function describeUnless(reason: string | undefined): DescribeBlock {
  if (reason === undefined) return describe;
  return (name) => {
    process.stderr.write(`skipped: ${name}: ${reason}\n`);
    describe(name, () => it.skip(`(skipped: ${reason})`, () => {}));
  };
}

function missingClientBlock(what: string, debianPackages: string): DescribeBlock {
  const reason = `${what} (Debian: apt-get install ${debianPackages})`;
  if (process.env.FINCH_REQUIRE_CLIENTS !== '1') return describeUnless(reason);
  return (name) =>
    describe(name, () => {
      it('has its client', () => {
        throw new Error(`${reason}, and FINCH_REQUIRE_CLIENTS=1 forbids skipping`);
      });
    });
}

function isInPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Another host, as NetworkNamespace is: makes a command line run there. */
export interface ClientHost {
  inside(command: string, args: readonly string[]): { command: string; args: string[] };
}

/** Says how a client is run. */
export interface RunOptions {
  /** After this time the client's whole process group is killed. */
  readonly timeoutMs: number;
  /** Run as `nobody` with a home of its own when we are root: VLC refuses to run as root. */
  readonly asNobody?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs; without, here. */
  readonly host?: ClientHost;
  /** Its stdin is empty and ends when this resolves; without, it has none. */
  readonly inputEnds?: Promise<void>;
}

/** Is how a client ended and what it printed; each output is cut after 4 MiB. */
export interface ClientResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly isTimedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
const runningGroups = new Set<number>();
process.on('exit', () => {
  for (const pid of runningGroups) killGroup(pid);
});

/**
 * Runs a client to its end, in a process group of its own.
 * Returns after every process of the group is gone or killed. Errors: rejects when the command can't be started.
 */
export async function runClient(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<ClientResult> {
  const user = options.asNobody && process.getuid?.() === 0 ? createNobody() : undefined;
  const line = options.host?.inside(command, args) ?? { command, args };
  try {
    const child = spawn(line.command, line.args, {
      detached: true, // a process group of its own
      stdio: [options.inputEnds === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...user?.env, ...options.env },
      ...user?.ids,
      ...(user ? { cwd: user.home } : {}),
    });
    child.stdin?.on('error', () => {}); // it may have ended before its input
    void options.inputEnds?.then(() => child.stdin?.end());
    return await endOf(child, options.timeoutMs);
  } finally {
    if (user) rmSync(user.home, { recursive: true, force: true });
  }
}

function endOf(child: ChildProcess, timeoutMs: number): Promise<ClientResult> {
  const stdout = new OutputText(child.stdout!);
  const stderr = new OutputText(child.stderr!);
  const pid = child.pid;
  if (pid !== undefined) runningGroups.add(pid);
  let isTimedOut = false;
  const timer = setTimeout(() => {
    isTimedOut = true;
    if (pid !== undefined) killGroup(pid);
  }, timeoutMs);
  // children it left behind would keep the pipes open, so they are killed at `exit`, before `close`
  child.once('exit', () => {
    if (pid !== undefined) killGroup(pid);
  });
  return new Promise<ClientResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => {
      resolve({ exitCode, signal, isTimedOut, stdout: stdout.text(), stderr: stderr.text() });
    });
  }).finally(() => {
    clearTimeout(timer);
    if (pid !== undefined) runningGroups.delete(pid);
  });
}

class OutputText {
  readonly #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor(stream: NodeJS.ReadableStream) {
    stream.on('data', (chunk: Buffer) => {
      if (this.#sizeBytes >= MAX_OUTPUT_BYTES) return; // still read, so that the client is not blocked
      this.#chunks.push(chunk);
      this.#sizeBytes += chunk.length;
    });
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: all of them are gone
  }
}

interface Nobody {
  readonly ids: { readonly uid: number; readonly gid: number };
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

function createNobody(): Nobody {
  const line = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (!line) throw new Error('/etc/passwd: found no user nobody, expected one to run VLC as');
  const ids = { uid: Number(line[1]), gid: Number(line[2]) };
  const home = mkdtempSync(join(tmpdir(), 'finch-client-'));
  chownSync(home, ids.uid, ids.gid);
  return { ids, home, env: { HOME: home, XDG_RUNTIME_DIR: home, USER: 'nobody', LOGNAME: 'nobody' } };
}
