/**
 * The composition root: the one place that knows which protocols and modules a Finch server is made of, and how the
 * configuration becomes their settings. Used by main and by tests. Rule: it joins parts and does nothing itself.
 */
import { realpathSync } from 'node:fs';
import { type ListenerSpec, type Log, type ModuleSpec, Server, type TlsIdentity } from '@finch/core';
import type { RtspSettings } from '@finch/rtsp';
import type { FinchConfig } from './config';
import { readTlsIdentity } from './tls-identity';

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
    watchdogLimitMs: config.watchdogLimitMs,
    statisticsIntervalMs: config.statsIntervalSeconds * 1000,
    log,
    onCrash,
  });
}

function listenersOf({ hosts, port, tlsPort }: FinchConfig, tls: TlsIdentity | undefined): ListenerSpec[] {
  const rtsp = { service: RTSP_SERVICE, hosts, port };
  return tls === undefined ? [rtsp] : [rtsp, { service: RTSPS_SERVICE, hosts, port: tlsPort }];
}

// In load order: the first module that claims a request serves it.
function modulesOf(config: FinchConfig, tls: TlsIdentity | undefined): ModuleSpec[] {
  const { overbuffer, overbufferRate, overbufferSeconds, thinLossPercent, queueBytes, queueSeconds } = config;
  const { sessionTimeoutSeconds, maxPacketBytes, sendWindowMs, sendAheadMs, udpSpreadMs } = config;
  const rtsp: RtspSettings = {
    sessionTimeoutSeconds,
    maxPacketBytes,
    sendWindowMs,
    sendAheadMs,
    overbuffer,
    overbufferRate,
    overbufferSeconds,
    isThinning: config.thinning === 'on',
    thinLossPercent,
    retransmission: config.retransmission,
    queueBytes,
    queueSeconds,
    udpSpreadMs,
  };
  return [
    { path: require.resolve('@finch/rtp'), settings: {} },
    { path: require.resolve('@finch/rtsp'), settings: { ...rtsp, ...(tls && { tls }) } },
    { path: require.resolve('@finch/file-vod'), settings: { root: realpathSync(config.media) } },
  ];
}
