/**
 * A whole Finch server inside the test's process, for tests that talk to it over sockets. Rule: every test file that starts
 * one stops it; stop() fails the test when anything was left alive. One at a time a process: the event thread is shared.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log, LogFields, LogLevel, ModuleSpec, Server, ThreadSnapshot } from '@finch/core';
import { composeFinch, type FinchConfig, loadConfig } from '@finch/server';
import { SAMPLE_FOLDER } from '@finch/server/config/index';

/** One line that the server logged. */
export interface LoggedLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: LogFields | undefined;
}

export interface FinchUnderTest {
  readonly server: Server;
  readonly port: number;
  /** The port of RTSPS; 0 without a certificate. */
  readonly tlsPort: number;
  readonly config: FinchConfig;
  /** All log lines so far. */
  readonly log: readonly LoggedLine[];
  /** rtsp://127.0.0.1:port/path, with each segment percent-encoded. */
  url(path: string): string;
  /** rtsps://127.0.0.1:tlsPort/path. */
  tlsUrl(path: string): string;
  /** Stops the server and expects that no task, connection, descriptor or file was left. */
  stop(): Promise<void>;
}

/** The bundled sample's name in SAMPLE_FOLDER: 24 s, 640x360, 25 fps, H.264 with B-frames, AAC stereo. */
export const SAMPLE = 'finch-sample.mp4';

/** Starts a server on a free port of 127.0.0.1. `overrides` wins over the defaults; `modules` are asked before Finch's own. */
export async function startFinch(
  overrides: Partial<FinchConfig> = {},
  modules: readonly ModuleSpec[] = [],
): Promise<FinchUnderTest> {
  const loaded = loadConfig(['--port', '0', '--host', '127.0.0.1', SAMPLE_FOLDER], {});
  if (loaded.kind !== 'config') throw new Error('the defaults are no configuration');
  const config = { ...loaded.config, logLevel: 'debug' as const, ...overrides };
  const log: LoggedLine[] = [];
  const server = composeFinch(
    config,
    collectInto(log),
    (thread, error) => {
      throw new Error(`${thread} died: ${error.stack}`);
    },
    modules,
  );
  await server.start();
  const port = server.addressesOf('rtsp')[0]!.port;
  const tlsPort = server.addressesOf('rtsps')[0]?.port ?? 0;
  const pathOf = (path: string) => path.split('/').map(encodeURIComponent).join('/');
  return {
    server,
    port,
    tlsPort,
    config,
    log,
    url: (path) => `rtsp://127.0.0.1:${port}/${pathOf(path)}`,
    tlsUrl: (path) => `rtsps://127.0.0.1:${tlsPort}/${pathOf(path)}`,
    stop: async () => {
      expectNothingLeft(await server.stop());
      const { connections, sessions, plans } = (await server.inspect()).memory;
      expect({ connections, sessions, plans }).toEqual({ connections: 0, sessions: 0, plans: 0 });
    },
  };
}

/** A folder of the test's own, and how to delete it. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'finch-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function collectInto(lines: LoggedLine[]): Log {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, fields });
  };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

function expectNothingLeft(snapshots: readonly ThreadSnapshot[]): void {
  expect(snapshots.length).toBeGreaterThan(0);
  for (const { tasks, counts } of snapshots) {
    expect(tasks).toEqual({});
    expect(Object.entries(counts).filter(([, count]) => count !== 0)).toEqual([]);
  }
}
