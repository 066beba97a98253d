/**
 * The composition root: the one place that knows which protocols and modules a Finch server is made of, and how the
 * configuration becomes their settings. Used by main and by tests. Rule: it joins parts and does nothing itself.
 */
import { realpathSync } from 'node:fs';
import {
  defaultMemoryBudgetBytes,
  type ListenerSpec,
  type Log,
  type ModuleSpec,
  Server,
  type TlsIdentity,
} from '@finch/core';
import type { FinchConfig } from './config';
import { rtspSettingsOf } from './rtsp-settings';
import { readTlsIdentity } from './tls-identity';

const BYTES_PER_MIB = 1_048_576;

/** Names the listeners of RTSP: Server.addressesOf() finds by it the port that was bound. */
export const RTSP_SERVICE = 'rtsp';
/** Names those of RTSPS. */
export const RTSPS_SERVICE = 'rtsps';

/**
 * Makes a server out of a configuration; it starts with start(). `onCrash` hears when a thread died; `more` are modules that are
 * asked before Finch's own. Errors: ConfigError when certificate and key can't be used.
 */
export function composeFinch(
  config: FinchConfig,
  log: Log,
  onCrash: (thread: string, error: Error) => void,
  more: readonly ModuleSpec[] = [],
): Server {
  const tls = readTlsIdentity(config);
  return new Server({
    listeners: listenersOf(config, tls),
    modules: [...more, ...modulesOf(config, tls)],
    taskThreads: config.threads,
    blockingThreads: config.blockingThreads,
    pinsTaskThreads: config.pinThreads === 'on',
    maxConnections: config.maxConnections,
    maxConnectionsPerAddress: config.maxConnectionsPerAddress,
    memoryBudgetBytes: config.memoryBudgetMiB * BYTES_PER_MIB || defaultMemoryBudgetBytes(),
    watchdogLimitMs: config.watchdogLimitMs,
    statisticsIntervalMs: config.statsIntervalSeconds * 1000,
    log,
    logLevel: config.logLevel,
    onCrash,
  });
}

function listenersOf({ hosts, port, tlsPort }: FinchConfig, tls: TlsIdentity | undefined): ListenerSpec[] {
  const rtsp = { service: RTSP_SERVICE, hosts, port };
  return tls === undefined
    ? [rtsp]
    : [rtsp, { service: RTSPS_SERVICE, hosts, port: tlsPort, portFlag: '--tls-port' }];
}

// In load order: the first module that claims a request serves it.
function modulesOf(config: FinchConfig, tls: TlsIdentity | undefined): ModuleSpec[] {
  return [
    { path: require.resolve('@finch/rtp'), settings: {} },
    { path: require.resolve('@finch/rtsp'), settings: { ...rtspSettingsOf(config, tls) } },
    { path: require.resolve('@finch/file-vod'), settings: { root: realpathSync(config.media) } },
  ];
}
