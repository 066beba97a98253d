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
  SocketAddress,
} from '@finch/core';
import type { RtspSettings } from '@finch/rtsp';
import type { FinchConfig } from './config';

const BYTES_PER_MIB = 1_048_576;

/** Makes a server out of a configuration; it starts with start(). `onCrash` hears when a thread died. */
export function composeFinch(
  config: FinchConfig,
  log: Log,
  onCrash: (thread: string, error: Error) => void,
): Server {
  return new Server({
    listeners: listenersOf(config),
    modules: modulesOf(config),
    taskThreads: config.threads,
    blockingThreads: config.blockingThreads,
    pinsTaskThreads: config.pinThreads === 'on',
    maxConnections: config.maxConnections,
    maxConnectionsPerAddress: config.maxConnectionsPerAddress,
    memoryBudgetBytes: config.memoryBudgetMiB * BYTES_PER_MIB || defaultMemoryBudgetBytes(),
    watchdogLimitMs: config.watchdogLimitMs,
    statisticsIntervalMs: config.statsIntervalSeconds * 1000,
    log,
    onCrash,
  });
}

function listenersOf({ host, port }: FinchConfig): ListenerSpec[] {
  return [{ service: 'rtsp', address: SocketAddress.of(host, port) }];
}

// In load order: the first module that claims a request serves it.
function modulesOf(config: FinchConfig): ModuleSpec[] {
  return [
    { path: require.resolve('@finch/rtp'), settings: {} },
    { path: require.resolve('@finch/rtsp'), settings: { ...rtspSettingsOf(config) } },
    { path: require.resolve('@finch/file-vod'), settings: { root: realpathSync(config.media) } },
  ];
}

function rtspSettingsOf(config: FinchConfig): RtspSettings {
  return {
    sessionTimeoutSeconds: config.sessionTimeoutSeconds,
    maxPacketBytes: config.maxPacketBytes,
    sendWindowMs: config.sendWindowMs,
    sendAheadMs: config.sendAheadMs,
    udpSpreadMs: config.udpSpreadMs,
    maxSessionsPerConnection: config.maxSessionsPerConnection,
    maxSessionsPerAddress: config.maxConnectionsPerAddress,
    maxHeaderBytes: config.maxHeaderBytes,
    maxBodyBytes: config.maxBodyBytes,
    maxRequestsPerSecond: config.maxRequestsPerSecond,
    idleTimeoutSeconds: config.idleTimeoutSeconds,
    requestTimeoutSeconds: config.requestTimeoutSeconds,
  };
}
